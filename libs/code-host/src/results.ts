// What a tool of users ended with, as the outcome of its call. Pure.
//   R1. A result that is not of the form that its tool declares is an error: whoever relies on the form must not be given another. The
//       call has run, so the model is told so, and is given what came.
import { formOf, ToolContent } from '@reins/contracts'
import { answered, resultProblem, type ToolErrorCode, type ToolOutcome } from '@reins/tools'
import type { CallEnd } from './messages.ts'

const isBlock = formOf(ToolContent)

/** `note` goes behind an error's message. */
export function outcomeOf(name: string, end: CallEnd, note = ''): ToolOutcome {
  if (end.kind === 'error') {
    const code: ToolErrorCode = end.code === 'too-large' ? 'failed' : end.code
    return failedWith(code, `${name}: ${end.message}${note}`)
  }
  if (end.content !== undefined) {
    const blocks = end.content.flatMap((one) => (isBlock(one) ? [one] : []))
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

type Value = Extract<CallEnd, { kind: 'value' }>

/** R1: what is wrong with a result; undefined: nothing. `output`: the schema that the tool declares. */
export async function formProblem(
  output: Readonly<Record<string, unknown>>,
  { value, content }: Value,
): Promise<string | undefined> {
  if (content === undefined) return value === undefined ? 'the tool returned nothing' : resultProblem(output, value)
  const values = content.flatMap((one) => (isBlock(one) && one.type === 'json' ? [one.value] : []))
  return values.length === 1
    ? resultProblem(output, values[0])
    : `the tool returned content with ${values.length === 0 ? 'no block' : `${values.length} blocks`} of the type json, and one is needed`
}

/** R1. */
export function ofOtherForm(name: string, problem: string, outcome: ToolOutcome): ToolOutcome {
  const error = `${name} ran, but its result is not of the form that the tool declares by "output": ${problem}`
  return answered(
    [
      { type: 'json', value: { status: 'error', error } },
      ...(outcome.content ?? [{ type: 'text', text: outcome.output }]),
    ],
    'failed',
  )
}
