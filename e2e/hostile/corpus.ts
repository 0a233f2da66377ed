// What the hostile corpus is made of: cases by kind, and what became of each.
//   HC1. A case is data: a name, what goes in, and what an answer to it looks like. Only a runner knows how it is tried.
//   HC2. A case ends in an answer: an error that says what is wrong, or a harmless result. A runner that throws has crashed, one that does
//        not come back hangs, and an answer of another form is wrong. Each of the three fails the corpus.
//   HC3. No answer holds the canary, which lies where nothing may read, nor a place in the product's own code, nor more than its bound.

export interface Case<Input> {
  readonly name: string
  readonly input: Input
  readonly expected: RegExp
}

export interface Kind<Input> {
  readonly kind: string
  /** For people: what is tried, and through what. */
  readonly what: string
  readonly cases: readonly Case<Input>[]
}

export type Row<Input> = readonly [name: string, input: Input, expected: RegExp]

export function kindOf<Input>(kind: string, what: string, rows: readonly Row<Input>[]): Kind<Input> {
  const names = new Set(rows.map(([name]) => name))
  if (names.size !== rows.length) throw new Error(`two cases of "${kind}" have the same name`)
  return { kind, what, cases: rows.map(([name, input, expected]) => ({ name, input, expected })) }
}

export type Verdict =
  | { readonly kind: 'answered' }
  | { readonly kind: 'wrong'; readonly why: string }
  | { readonly kind: 'crashed'; readonly why: string }
  | { readonly kind: 'hung' }

export interface Tried {
  readonly kind: string
  readonly name: string
  readonly verdict: Verdict
}

/** What no answer holds. */
export const canary = 'canary-5d1f0c77-of-the-hostile-corpus'
const ownCode = /\bat (?:async )?\S+ \(?(?:file:)?\/\S+\.(?:ts|js):\d+|node_modules\/\S+\.[cm]?js/
const longestAnswer = 300_000

export interface Trying {
  /** Cases that run side by side. */
  readonly atOnce?: number
  /** HC2. Absent: longer than anything that is tried takes on a machine that is busy. */
  readonly deadlineMs?: number
}

export type Run<Input> = (input: Input) => Promise<string>

export async function tryAll<Input>(
  { kind, cases }: Kind<Input>,
  run: Run<Input>,
  { atOnce = 4, deadlineMs = 90_000 }: Trying = {},
): Promise<readonly Tried[]> {
  const tried: Tried[] = []
  const waiting = [...cases]
  const work = async (): Promise<void> => {
    for (let one = waiting.shift(); one; one = waiting.shift())
      tried.push({ kind, name: one.name, verdict: await tryOne(one, run, deadlineMs) })
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return tried
}

async function tryOne<Input>({ input, expected }: Case<Input>, run: Run<Input>, deadlineMs: number): Promise<Verdict> {
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'hung' }), deadlineMs)
  })
  const answered = run(input).then(
    (answer) => judged(answer, expected),
    (error: unknown): Verdict => ({
      kind: 'crashed',
      why: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  )
  try {
    return await Promise.race([answered, hung])
  } finally {
    clearTimeout(timer)
  }
}

/** HC3. */
export function judged(answer: string, expected: RegExp): Verdict {
  if (answer.includes(canary)) return { kind: 'wrong', why: `it gave away what it must not read: ${shortened(answer)}` }
  if (ownCode.test(answer)) return { kind: 'wrong', why: `it told a place in the code: ${shortened(answer)}` }
  if (answer.length > longestAnswer) return { kind: 'wrong', why: `an answer of ${answer.length} characters` }
  if (!expected.test(answer)) return { kind: 'wrong', why: `not ${expected}, but: ${shortened(answer)}` }
  return { kind: 'answered' }
}

const shortened = (text: string): string => (text.length > 600 ? `${text.slice(0, 600)}…` : text)
