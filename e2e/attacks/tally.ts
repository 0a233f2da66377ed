// What was tried, and what came of it: the counts that `npm run attacks` prints.
export type Outcome = 'refused' | 'got through'

interface Tried {
  readonly by: string
  readonly what: string
  readonly outcome: Outcome
}

export class Tally {
  readonly #tried: Tried[] = []

  note(by: string, what: string, outcome: Outcome): void {
    this.#tried.push({ by, what, outcome })
  }

  /** As `<who>: <what>`, in the order of the alphabet. */
  gotThrough(): readonly string[] {
    return this.#tried
      .filter(({ outcome }) => outcome === 'got through')
      .map(({ by, what }) => `${by}: ${what}`)
      .toSorted()
  }

  /** A line for each who, and one for all. */
  lines(): readonly string[] {
    const line = (who: string, of: readonly Tried[]): string => {
      const refused = of.filter(({ outcome }) => outcome === 'refused').length
      return `attacks by ${who}: ${of.length} tried, ${refused} refused, ${of.length - refused} got through`
    }
    const whos = [...new Set(this.#tried.map(({ by }) => by))]
    return [
      ...whos.map((who) =>
        line(
          who,
          this.#tried.filter(({ by }) => by === who),
        ),
      ),
      line('all', this.#tried),
    ]
  }
}
