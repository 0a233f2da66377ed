// What gives another value each time it is asked, in the files of workflows: their code is replayed, and would ask for something else.
//   U1. A hint for people, found by looking at the text. In the function of a step such a call does no harm, and is named all the same.

export interface Unsteady {
  readonly line: number
  /** As it stands there, such as `Date.now()`. */
  readonly call: string
  /** What to write instead. */
  readonly instead: string
}

const calls: readonly { readonly pattern: RegExp; readonly call: string; readonly instead: string }[] = [
  { pattern: /\bDate\.now\s*\(/, call: 'Date.now()', instead: 'ctx.now()' },
  { pattern: /\bnew\s+Date\s*(\(\s*\)|;|$)/, call: 'new Date()', instead: 'new Date(ctx.now())' },
  { pattern: /\bMath\.random\s*\(/, call: 'Math.random()', instead: 'ctx.random()' },
  { pattern: /\bcrypto\.randomUUID\s*\(/, call: 'crypto.randomUUID()', instead: 'ctx.uuid()' },
  { pattern: /\bperformance\.now\s*\(/, call: 'performance.now()', instead: 'ctx.now()' },
]

/** U1. */
export function unsteadyIn(text: string): readonly Unsteady[] {
  const found: Unsteady[] = []
  for (const [at, line] of withoutComments(text).split('\n').entries())
    for (const { pattern, call, instead } of calls) if (pattern.test(line)) found.push({ line: at + 1, call, instead })
  return found
}

/** Lines stay where they are. A text that holds what looks like a comment loses it: a hint less. */
function withoutComments(text: string): string {
  const kept: string[] = []
  let from = 0
  for (;;) {
    const begin = text.indexOf('/*', from)
    // The end is looked for once: many beginnings without one, such as globs, would each have it looked for anew.
    const end = begin < 0 ? -1 : text.indexOf('*/', begin + 2)
    if (end < 0) break
    kept.push(text.slice(from, begin), text.slice(begin, end + 2).replaceAll(/[^\n]/g, ' '))
    from = end + 2
  }
  return [...kept, text.slice(from)].join('').replaceAll(/(^|[^:])\/\/.*$/gm, '$1')
}
