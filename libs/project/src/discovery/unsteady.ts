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
const withoutComments = (text: string): string =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|[^:])\/\/.*$/gm, '$1')
