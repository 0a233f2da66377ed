// Globs over '/'-separated paths: `*` and `?` within a name, `**` over folders, `[a-z]` and `[!a-z]`, `{a,b}`, `\` before a character
// that is meant as it is.
//   G1. One pass over a pattern of limited length; matching is RE2's, linear in the path.
//   G2. Names hold brackets, as `app/[id]/page.tsx` does: a bracket expression matches one of its characters, or itself as it is written.
//       What is written matches what is named exactly so, whatever it would mean as a glob.
import { RE2JS } from 're2js'
import { ToolFailure } from '../calls/outcome.ts'
import { compilePattern } from './pattern.ts'

export const maxGlobChars = 1_000

export interface Glob {
  readonly matches: (path: string) => boolean
  /** Why it is no glob; it then matches what is named exactly so. */
  readonly malformed?: string
}

/** Forms of other globs, which stand for themselves here: nothing is found by one, and nobody would know why. */
const foreignForms: readonly (readonly [form: RegExp, name: string])[] = [
  [/[!@+?*]\([^)]*\)/, 'extended globs such as !(x) and @(a|b)'],
  [/\[\[:[a-z]+:\]/, 'classes such as [[:alpha:]]'],
  [/\{[^{},]*\.\.[^{},]*\}/, 'ranges such as {1..3}'],
]

/** What to say where a glob has found nothing. */
export function noteOf(glob: string): string | undefined {
  const found = foreignForms.flatMap(([form, name]) => (form.test(glob) ? [name] : []))
  return found.length === 0
    ? undefined
    : `${found.join(', and ')} are read as plain characters: use *, ?, **, [a-z] and {a,b}`
}

/** Throws ToolFailure for one that is too long. */
export function compileGlob(glob: string, argument = 'the glob'): Glob {
  if (glob.length > maxGlobChars)
    throw new ToolFailure(
      'invalid-arguments',
      `${argument} has ${glob.length} characters; at most ${maxGlobChars} are allowed`,
    )
  const source = `^(?:${globSource(glob)})$`
  const compiled = compilePattern(source, source.length)
  if (compiled.kind === 'malformed')
    return {
      matches: (path) => path === glob,
      malformed: `malformed glob ${JSON.stringify(glob.slice(0, 200))}: ${compiled.message}`,
    }
  const { test } = compiled.pattern
  return { matches: (path) => path === glob || test(path) }
}

function globSource(glob: string): string {
  const closedAt = classEnds(glob)
  const braces = bracePairs(glob)
  let source = ''
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob[at] ?? ''
    const atName = at === 0 || glob[at - 1] === '/'
    const isDouble = atName && character === '*' && glob[at + 1] === '*'
    if (isDouble && glob[at + 2] === '/') {
      source += '(?:[^/]+/)*'
      at += 2
    } else if (isDouble && at + 2 === glob.length) {
      source += '.*'
      at += 1
    } else if (character === '*') source += '[^/]*'
    else if (character === '?') source += '[^/]'
    else if (character === '\\' && at + 1 < glob.length) {
      at += 1
      source += RE2JS.quote(glob[at] ?? '')
    } else if (character === '[' && closedAt[at] !== undefined) {
      const end = closedAt[at] ?? at
      source += bracketSource(glob.slice(at, end + 1))
      at = end
    } else if (braces.get(at) === 'open') source += '(?:'
    else if (braces.get(at) === 'close') source += ')'
    else if (braces.get(at) === 'comma') source += '|'
    else source += RE2JS.quote(character)
  }
  return source
}

/** G2: `[id]` is `i`, `d` or `[id]`. */
function bracketSource(expression: string): string {
  const negated = expression[1] === '!' || expression[1] === '^'
  const members = expression.slice(negated ? 2 : 1, -1).replaceAll(/[\\[\]^]/g, '\\$&')
  return `(?:[${negated ? '^/' : ''}${members}]|${RE2JS.quote(expression)})`
}

/** By place of a `[`: where its `]` stands, with at least one character between, and no `/`. From the end, so that it is one pass. */
function classEnds(glob: string): readonly (number | undefined)[] {
  const ends: (number | undefined)[] = Array(glob.length).fill(undefined)
  /** The nearest `]` behind each place, none behind a `/`. */
  const next: (number | undefined)[] = Array(glob.length + 1).fill(undefined)
  for (let at = glob.length - 1; at >= 0; at -= 1) {
    next[at] = glob[at] === ']' ? at : glob[at] === '/' ? undefined : next[at + 1]
    if (glob[at] !== '[') continue
    const first = glob[at + 1] === '!' || glob[at + 1] === '^' ? at + 2 : at + 1
    if (first < glob.length && glob[first] !== '/') ends[at] = next[first + 1]
  }
  return ends
}

/** What of the braces and commas are alternatives: those of a brace that is closed, and has more than one, as shells have it. */
function bracePairs(glob: string): ReadonlyMap<number, 'open' | 'comma' | 'close'> {
  const found = new Map<number, 'open' | 'comma' | 'close'>()
  const open: { readonly at: number; readonly commas: number[] }[] = []
  for (let at = 0; at < glob.length; at += 1) {
    if (glob[at] === '\\') at += 1
    else if (glob[at] === '{') open.push({ at, commas: [] })
    else if (glob[at] === ',') open.at(-1)?.commas.push(at)
    else if (glob[at] === '}') {
      const pair = open.pop()
      if (!pair || pair.commas.length === 0) continue
      found.set(pair.at, 'open').set(at, 'close')
      for (const comma of pair.commas) found.set(comma, 'comma')
    }
  }
  return found
}
