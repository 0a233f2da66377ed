// Patterns that a model or a definition wrote: compiled by RE2, whose matching takes time linear in the text, whatever the pattern.
import { RE2JS, RE2JSException } from 're2js'
import { ToolFailure } from '../outcome.ts'

const maxPatternChars = 1_000

export interface Pattern {
  readonly test: (text: string) => boolean
  /** Where the first match begins; -1 for none. */
  readonly indexIn: (text: string) => number
}

export type CompiledPattern =
  | { readonly kind: 'ok'; readonly pattern: Pattern }
  | { readonly kind: 'malformed'; readonly message: string }

export function compilePattern(source: string): CompiledPattern {
  if (source.length > maxPatternChars)
    return { kind: 'malformed', message: `the pattern is longer than ${maxPatternChars} characters` }
  try {
    const compiled = RE2JS.compile(source)
    const indexIn = (text: string) => {
      const matcher = compiled.matcher(text)
      return matcher.find() ? matcher.start() : -1
    }
    return { kind: 'ok', pattern: { test: (text) => compiled.test(text), indexIn } }
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return {
      kind: 'malformed',
      message: `${error.message} (RE2 syntax: no lookaround, no backreferences, repeats up to 1000)`,
    }
  }
}

/**
 * A glob over '/'-separated paths: `*` and `?` within a name, `**` over folders, `[abc]`, `[!a-z]`, `{a,b}`.
 * Throws ToolFailure for one that is malformed.
 */
export function compileGlob(glob: string): (path: string) => boolean {
  const compiled = compilePattern(`^(?:${globSource(glob)})$`)
  if (compiled.kind === 'malformed')
    throw new ToolFailure(
      'invalid-arguments',
      `malformed glob ${JSON.stringify(glob.slice(0, 200))}: ${compiled.message}`,
    )
  return compiled.pattern.test
}

function globSource(glob: string): string {
  let source = ''
  let braces = 0
  for (let at = 0; at < glob.length; at += 1) {
    const rest = glob.slice(at)
    const character = rest[0] ?? ''
    const set = /^\[(!|\^)?(\]?[^\]/]*)\]/.exec(rest)
    if (rest.startsWith('**/') && (at === 0 || glob[at - 1] === '/')) {
      source += '(?:[^/]+/)*'
      at += 2
    } else if (rest === '**' && (at === 0 || glob[at - 1] === '/')) {
      source += '.*'
      at += 1
    } else if (character === '*') source += '[^/]*'
    else if (character === '?') source += '[^/]'
    else if (set !== null) {
      source += `[${set[1] === undefined ? '' : '^/'}${(set[2] ?? '').replaceAll(/[\\[\]^]/g, '\\$&')}]`
      at += set[0].length - 1
    } else if (character === '{' && rest.includes('}')) {
      braces += 1
      source += '(?:'
    } else if (character === '}' && braces > 0) {
      braces -= 1
      source += ')'
    } else if (character === ',' && braces > 0) source += '|'
    else source += RE2JS.quote(character)
  }
  return source
}
