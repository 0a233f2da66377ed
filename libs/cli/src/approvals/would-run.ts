// What a call would do, for the person who decides: a command as it would be typed, an edit as a diff, a write with its size and first
// lines, everything else by its arguments. Pure.
//   WR1. Everything in it comes from a model: nothing of it drives the terminal, and what a terminal would hide is shown.
//   WR2. What is left out is said, so that nobody approves what they have not been told of.
import { neutralise, oneLine } from '../text/neutralise.ts'
import type { Style } from '../text/style.ts'

export interface Shown {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

const mostLines = 40
const writeLines = 12
const mostChars = 20_000

export function wouldRun({ name, arguments: args }: Shown, style: Style): string[] {
  const { command, path, content, old_string: before, new_string: after } = args
  if (typeof command === 'string') return [...commandLines(command, style), ...rest(args, ['command'], style)]
  if (typeof path === 'string' && typeof before === 'string' && typeof after === 'string')
    return [
      `${style.bold('edit')} ${oneLine(path)}`,
      ...capped(diffLines(before, after, style), mostLines, style),
      ...rest(args, ['path', 'old_string', 'new_string'], style),
    ]
  if (typeof path === 'string' && typeof content === 'string') {
    const lines = neutralise(content).split('\n')
    const size = `${new TextEncoder().encode(content).length} bytes, ${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`
    return [
      `${style.bold('write')} ${oneLine(path)} ${style.dim(`(${size})`)}`,
      ...capped(
        lines.map((line) => style.green(`+ ${line}`)),
        writeLines,
        style,
      ),
      ...rest(args, ['path', 'content'], style),
    ]
  }
  if (name === 'create_plan' && Array.isArray(args.steps) && args.steps.every(isStep))
    return [style.bold('plan'), ...capped(args.steps.map(stepLine), mostLines, style), ...rest(args, ['steps'], style)]
  return [style.bold(oneLine(name)), ...rest(args, [], style)]
}

interface Step {
  readonly name: string
  readonly description: string
  readonly depends_on?: readonly string[] | null
}
const isStep = (value: unknown): value is Step =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([key, one]) =>
    key === 'depends_on'
      ? one === null || Array.isArray(one)
      : ['name', 'description'].includes(key) && typeof one === 'string',
  ) &&
  'name' in value &&
  'description' in value

const stepLine = ({ name, description, depends_on: after }: Step, index: number): string => {
  const first = after && after.length > 0 ? ` (after ${after.map((one) => oneLine(String(one))).join(', ')})` : ''
  return `${index + 1}. ${oneLine(visible(name))}: ${oneLine(visible(description))}${first}`
}

function commandLines(command: string, style: Style): string[] {
  const lines = visible(command).split('\n')
  return capped(
    lines.map((line, index) => `${style.cyan(index === 0 ? '$ ' : '> ')}${line}`),
    mostLines,
    style,
  )
}

/** What is not shown by now, by name. */
function rest(args: Readonly<Record<string, unknown>>, shown: readonly string[], style: Style): string[] {
  return Object.entries(args)
    .filter(([key]) => !shown.includes(key))
    .flatMap(([key, value]) => {
      const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')
      const lines = visible(text).split('\n')
      const label = style.dim(`${oneLine(key)}:`)
      return lines.length === 1
        ? [`  ${label} ${lines[0]}`]
        : [`  ${label}`, ...capped(lines, mostLines, style).map((line) => `    ${line}`)]
    })
}

/** WR1. What nobody can see in a terminal changes what runs all the same: it is shown by its code. */
const visible = (text: string): string =>
  neutralise(
    text
      .slice(0, mostChars)
      .replace(/[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u0080-\u009f\r]/g, (char) => {
        const code = char.charCodeAt(0).toString(16).padStart(4, '0')
        return `\\u${code}`
      }),
  ) + (text.length > mostChars ? `\n… and ${text.length - mostChars} more characters` : '')

function capped(lines: readonly string[], most: number, style: Style): string[] {
  if (lines.length <= most) return [...lines]
  return [...lines.slice(0, most), style.yellow(`… and ${lines.length - most} more lines`)]
}

/** Lines that both have at the start and at the end are left alone: an edit names little more than what it changes. */
function diffLines(before: string, after: string, style: Style): string[] {
  const old = visible(before).split('\n')
  const now = visible(after).split('\n')
  let head = 0
  while (head < old.length && head < now.length && old[head] === now[head]) head++
  let tail = 0
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++
  return [
    ...old.slice(Math.max(0, head - 3), head).map((line) => style.dim(`  ${line}`)),
    ...old.slice(head, old.length - tail).map((line) => style.red(`- ${line}`)),
    ...now.slice(head, now.length - tail).map((line) => style.green(`+ ${line}`)),
    ...old.slice(old.length - tail, old.length - tail + 3).map((line) => style.dim(`  ${line}`)),
  ]
}
