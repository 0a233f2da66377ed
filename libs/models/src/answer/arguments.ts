// What a model wrote as the arguments of a call, taken as it was meant. Pure.
//   P1. Nothing is invented: what cannot be read in exactly one way is `malformed`, and the model is told.
//   P2. Read in one way only: an object; an object that was encoded twice; one in a fence of Markdown; one in whose texts line ends and
//       tabs stand as they are; nothing (blank, `null`, `[]`) as no arguments; an empty object, or a brace, before the real one, which
//       some servers send as a call begins; the same object twice, word for word.
//   P3. Values stay as they were given: what of them the tool's schema means otherwise is read when the call is run (libs/tools).
import { isRecord } from '../http/foreign.ts'
import { isPlain, notPlain, parseExactly } from '../http/plain-value.ts'

export interface Arguments {
  arguments: Record<string, unknown>
  malformed?: string
}

export function parseArguments(text: string): Arguments {
  const found = objectIn(text)
  return found === undefined ? { arguments: {}, malformed: text } : { arguments: found }
}

/** Arguments that came as a value and not as a text. */
export function writeArguments(given: unknown): string {
  return isPlain(given) ? JSON.stringify(given) : notPlain
}

/** Whether the text is the arguments of a call, whole. */
export function isWhole(text: string): boolean {
  // Asked of every part of some calls: what does not end like one is not parsed.
  return /[}\]"l]\s*$/.test(text.slice(-8)) && objectIn(text) !== undefined
}

function objectIn(text: string): Record<string, unknown> | undefined {
  const trimmed = unfenced(text.trim())
    .trim()
    .replace(/^\{\s*\}\s*(?=\{)/, '')
  if (trimmed === '') return {}
  let value = parseExactly(trimmed)
  if (value === undefined && trimmed.startsWith('{'))
    value = parseExactly(escaped(trimmed)) ?? parseExactly(once(trimmed))
  for (let times = 0; times < 2 && typeof value === 'string'; times++)
    value = value.trim() === '' ? null : parseExactly(value)
  if (value === null || (Array.isArray(value) && value.length === 0)) return {}
  return isRecord(value) && isPlain(value) ? value : undefined
}

function once(text: string): string {
  const behind = text.replace(/^\{\s*(?=\{)/, '')
  const half = text.slice(0, text.length / 2)
  return behind === text && half === text.slice(half.length) ? half : behind
}

const fence = '```'

/** Out of a fence of Markdown, each end of which stands in a line of its own. No pattern over the whole: models write empty lines on and on. */
function unfenced(text: string): string {
  const first = text.startsWith(fence) && text.endsWith(fence) ? text.indexOf('\n') : -1
  if (first < 0 || !/^(?:json)?[ \t\r]*$/.test(text.slice(fence.length, first))) return text
  return text.slice(first, -fence.length)
}

const controls: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Line ends and tabs inside of strings, which JSON wants as escapes. One pass, whatever the text is. */
function escaped(text: string): string {
  let quoted = false
  return text.replace(/\\[\s\S]|["\n\r\t]/g, (found) => {
    if (found === '"') quoted = !quoted
    return quoted ? (controls[found] ?? found) : found
  })
}
