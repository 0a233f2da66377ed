// The words in whatever a server puts where a text belongs: a string, a part, or a list of parts, also of thinking.
import { isRecord, type Note } from '../http/foreign.ts'

export interface Words {
  text: string
  reasoning: string
  refusal: string
}

const thinking = /^(thinking|reasoning|reasoning_text|thought|summary_text|reasoning\.(text|summary))$/

export function wordsIn(value: unknown, note: Note): Words {
  const words: Words = { text: '', reasoning: '', refusal: '' }
  if (typeof value === 'string') words.text = value
  else read(value, 'text', words, note, 0)
  return words
}

/** The text alone, of what is known to be one. */
export function textIn(value: unknown, note: Note): string {
  if (typeof value === 'string') return value
  if (value === undefined) return ''
  const { text, reasoning } = wordsIn(value, note)
  return text + reasoning
}

/** Whatever a server nests deeper is no text. */
const deepest = 8

function read(value: unknown, as: keyof Words, words: Words, note: Note, depth: number): void {
  if (typeof value === 'string') words[as] += value
  else if (depth === deepest) note('content')
  else if (Array.isArray(value)) for (const part of value) read(part, as, words, note, depth + 1)
  else if (isRecord(value)) {
    const type = typeof value.type === 'string' ? value.type : ''
    const kind = type === 'refusal' ? 'refusal' : thinking.test(type) || value.thought === true ? 'reasoning' : as
    const inner =
      value.text ?? value.thinking ?? value.reasoning ?? value.summary ?? value.refusal ?? value.content ?? value.value
    if (inner === undefined || inner === null) {
      if (type !== '' && !/^(tool_use|tool_call|function_call)$/.test(type)) note(`content.${type}`)
    } else read(inner, kind, words, note, depth + 1)
  } else if (value !== null && value !== undefined) note('content')
}
