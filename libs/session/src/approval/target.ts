// What a call is about: the one argument of it that grants and patterns look at, in one form.
//   TG1. Two calls with the same target do the same to the same thing, as far as their tool says which argument that is.
//   TG2. A pattern speaks for what it can read only: simple commands, paths inside the workspace. `*` stands for any text; in a path it
//        stays within one folder, and `**` does not.
import type { ToolTarget } from '@reins/contracts'
import { simpleCommand } from './simple-command.ts'

/** As it stands in a grant. undefined: the call has none. */
export function targetOf(target: ToolTarget | undefined, args: Readonly<Record<string, unknown>>): string | undefined {
  const value = target && Object.hasOwn(args, target.argument) ? args[target.argument] : undefined
  if (!target || typeof value !== 'string' || value === '') return undefined
  // A command is taken letter by letter: `a && b` is not `a && c`, nor `a  && b`.
  if (target.kind !== 'path') return value
  return normalPath(value) ?? undefined
}

/** Whether a pattern of the definition lets the call pass. */
export function matches(pattern: string, target: ToolTarget, args: Readonly<Record<string, unknown>>): boolean {
  const value = args[target.argument]
  if (typeof value !== 'string') return false
  switch (target.kind) {
    case 'command': {
      const words = simpleCommand(value)
      // With a blank inside a word the text would read as other words than the program gets.
      if (words === null || words.some((word) => word === '' || /\s/.test(word))) return false
      return glob(pattern.trim().split(/\s+/).join(' '), words.join(' '), '')
    }
    case 'path': {
      const path = normalPath(value)
      return path !== null && glob(normalPath(pattern) ?? pattern, path, '/')
    }
    case 'text':
      return glob(pattern, value, '')
    default:
      return target.kind satisfies never
  }
}

/** `./a//b/../c` is `a/c`. null: it leaves the folder that it is relative to. */
function normalPath(path: string): string | null {
  if (path.includes('\0')) return null
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return null
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/')
}

/** `*` takes any text up to a separator, `**` any text. In time of the product of the lengths at the most: no pattern explodes. */
function glob(pattern: string, text: string, separator: string): boolean {
  const steps = pattern.split(/(\*+)/).filter((step) => step !== '')
  // Places in the text up to which the steps so far can have read.
  let places = new Set([0])
  for (const step of steps) {
    const next = new Set<number>()
    for (const at of places) {
      if (!step.startsWith('*')) {
        if (text.startsWith(step, at)) next.add(at + step.length)
        continue
      }
      for (let to = at; to <= text.length && !next.has(to); to++) {
        next.add(to)
        if (separator !== '' && step === '*' && text[to] === separator) break
      }
    }
    if (next.size === 0) return false
    places = next
  }
  return places.has(text.length)
}
