// The life of a service: started by `start(config)`, ended once, in reverse order, within a deadline.
export interface CloseReport {
  /** What did not finish within the deadline, by name. */
  readonly abandoned: readonly string[]
}

export interface Running {
  /** Runs once; a second call gives the first one's report. Never rejects. */
  close(options: { readonly withinMs: number }): Promise<CloseReport>
}

interface Step {
  readonly name: string
  readonly run: () => unknown
}

/** Collects what must be closed, as it is opened: `closing.add('http', () => server.close())`. Closes in reverse order. */
export class Closing implements Running {
  #steps: Step[] = []
  #report: Promise<CloseReport> | undefined

  add(name: string, run: () => unknown): void {
    this.#steps.push({ name, run })
  }

  close({ withinMs }: { readonly withinMs: number }): Promise<CloseReport> {
    this.#report ??= this.#run(withinMs)
    return this.#report
  }

  async #run(withinMs: number): Promise<CloseReport> {
    const abandoned: string[] = []
    const deadline = performance.now() + withinMs
    for (const step of this.#steps.reverse()) {
      const left = Math.max(deadline - performance.now(), 1)
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), left)
      })
      try {
        const done = Promise.resolve(step.run()).then(() => 'done' as const)
        if ((await Promise.race([done, late])) === 'late') abandoned.push(step.name)
      } catch (error) {
        abandoned.push(`${step.name} (${error instanceof Error ? error.message : String(error)})`)
      } finally {
        clearTimeout(timer)
      }
    }
    return { abandoned }
  }
}
