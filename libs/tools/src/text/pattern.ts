// Patterns that a model or a definition wrote: compiled by RE2, whose matching takes time linear in the text, whatever the pattern.
//   P1. Linear is not enough: the time is program size × text. A program has a size limit, known before it is compiled (repeats
//       multiply), and whoever searches a text gives it at most `textWithin` characters.
import { RE2JS, RE2JSException } from 're2js'

export const maxPatternChars = 1_000
/** Instructions of one program. `[^x]{1000}` has 1,002. */
const maxProgram = 5_000
/** Instructions × characters of one search: a second or two. */
const maxSteps = 20_000_000

export interface Pattern {
  readonly test: (text: string) => boolean
  /** Where the first match begins; -1 for none. */
  readonly indexIn: (text: string) => number
  /** P1: instructions. */
  readonly size: number
  /** P1: how many characters of a text may be searched at once. */
  readonly textWithin: number
}

export type CompiledPattern =
  | { readonly kind: 'ok'; readonly pattern: Pattern }
  | { readonly kind: 'malformed'; readonly message: string }

export function compilePattern(source: string, maxChars: number = maxPatternChars): CompiledPattern {
  if (source.length > maxChars)
    return { kind: 'malformed', message: `the pattern is longer than ${maxChars} characters` }
  const expected = expandedSize(source)
  if (expected > maxProgram) return tooLarge(expected)
  try {
    const compiled = RE2JS.compile(source)
    const size = compiled.programSize()
    if (size > maxProgram) return tooLarge(size)
    const indexIn = (text: string) => {
      const matcher = compiled.matcher(text)
      return matcher.find() ? matcher.start() : -1
    }
    const textWithin = Math.floor(maxSteps / size)
    return { kind: 'ok', pattern: { test: (text) => compiled.test(text), indexIn, size, textWithin } }
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return {
      kind: 'malformed',
      message: `${error.message} (RE2 syntax: no lookaround, no backreferences, repeats up to 1000)`,
    }
  }
}

const tooLarge = (size: number): CompiledPattern => ({
  kind: 'malformed',
  message: `the pattern is too large: with its repeats written out it has about ${size} steps, and at most ${maxProgram} are allowed. Use smaller or fewer counted repeats`,
})

/**
 * About how many steps a pattern has when its counted repeats are written out; in one pass, and also for what is no pattern. A class
 * or an escape counts as one step, so that it is never far above what RE2 makes of it.
 */
export function expandedSize(source: string): number {
  const outer: number[] = []
  let sum = 0
  let last = 0
  const add = (size: number) => {
    sum += size
    last = size
  }
  for (let at = 0; at < source.length; at += 1) {
    switch (source[at]) {
      case '\\':
        at += 1
        add(1)
        break
      case '[': {
        at = classEnd(source, at)
        add(1)
        break
      }
      case '(':
        outer.push(sum)
        sum = 0
        break
      case ')': {
        const inside = sum + 1
        sum = outer.pop() ?? 0
        add(inside)
        break
      }
      case '{': {
        const repeat = repeatAt(source, at)
        if (repeat === undefined) add(1)
        else {
          sum += last * Math.max(0, repeat.times - 1)
          last *= Math.max(1, repeat.times)
          at = repeat.end
        }
        break
      }
      default:
        add(1)
    }
  }
  return outer.reduce((total, size) => total + size, sum)
}

/** Where the class that begins at `at` ends; the end of the text for one that does not. */
function classEnd(source: string, at: number): number {
  let end = source[at + 1] === '^' ? at + 2 : at + 1
  if (source[end] === ']') end += 1
  while (end < source.length && source[end] !== ']') end += source[end] === '\\' ? 2 : 1
  return end
}

const repeatForm = /\{(\d{1,9})(,(\d{0,9}))?\}/y

function repeatAt(source: string, at: number): { readonly times: number; readonly end: number } | undefined {
  repeatForm.lastIndex = at
  const found = repeatForm.exec(source)
  if (!found) return undefined
  return { times: Math.max(Number(found[1]), Number(found[3] ?? 0)), end: repeatForm.lastIndex - 1 }
}
