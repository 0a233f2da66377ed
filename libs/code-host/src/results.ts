// What a tool of users ended with, as the outcome of its call. Pure.
import { ToolContent } from '@reins/contracts'
import { answered, type ToolErrorCode, type ToolOutcome } from '@reins/tools'
import { Compile } from 'typebox/compile'
import type { CallEnd } from './messages.ts'

const block = Compile(ToolContent)

/** `note` goes behind an error's message. */
export function outcomeOf(name: string, end: CallEnd, note = ''): ToolOutcome {
  if (end.kind === 'error') {
    const code: ToolErrorCode = end.code === 'too-large' ? 'failed' : end.code
    return failedWith(code, `${name}: ${end.message}${note}`)
  }
  if (end.content !== undefined) {
    const blocks = end.content.flatMap((one) => (block.Check(one) ? [one] : []))
    if (blocks.length === end.content.length) return answered(blocks)
    return failedWith('failed', `${name}: the tool returned content that is of no known type: ${shownTypes}`)
  }
  // A tool that returns nothing did what it was asked.
  if (end.value === undefined) return answered([{ type: 'json', value: { status: 'ok' } }])
  return answered([
    typeof end.value === 'string' ? { type: 'text', text: end.value } : { type: 'json', value: end.value },
  ])
}

const shownTypes = 'text, json, image, audio, file, link'

const failedWith = (code: ToolErrorCode, error: string): ToolOutcome =>
  answered([{ type: 'json', value: { status: 'error', error } }], code)
