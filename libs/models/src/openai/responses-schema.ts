// What is understood of the Responses API; the rest is noted by its name.
import { anything, list, number, type Reader, shape, string, unused, word } from '../http/foreign.ts'

const part = shape('part', { type: string, text: string, refusal: string, annotations: unused, logprobs: unused })
export type PartOf = NonNullable<ReturnType<typeof part>>
/** A text may stand where a list of parts belongs. */
const parts = list<PartOf>(((value, note) =>
  typeof value === 'string' ? { type: 'output_text', text: value } : part(value, note)) as Reader<PartOf>)

export const itemShape = shape('item', {
  type: string,
  id: word,
  role: unused,
  status: unused,
  content: parts,
  summary: parts,
  encrypted_content: string,
  call_id: word,
  name: string,
  arguments: anything,
  input: anything,
  phase: unused,
  namespace: unused,
})
export type Item = NonNullable<ReturnType<typeof itemShape>>

export const eventShape = shape('event', {
  type: string,
  response: anything,
  item: itemShape,
  output_index: number,
  item_id: word,
  content_index: number,
  summary_index: number,
  delta: anything,
  text: anything,
  name: string,
  arguments: anything,
  input: anything,
  sequence_number: unused,
  part,
  logprobs: unused,
  obfuscation: unused,
  refusal: anything,
  annotation: unused,
  annotation_index: unused,
  ...Object.fromEntries(
    ['id', 'object', 'output', 'status', 'usage', 'error', 'model', 'message', 'code', 'param'].map((name) => [
      name,
      unused,
    ]),
  ),
})
export type ResponseEvent = NonNullable<ReturnType<typeof eventShape>>

/** Of the answer itself, the fields that say what it was asked are many and of no use. */
export const responseShape = shape('response', {
  id: word,
  model: string,
  status: string,
  error: anything,
  incomplete_details: shape('incomplete_details', { reason: word }),
  output: list(itemShape),
  usage: shape('usage', {
    input_tokens: number,
    output_tokens: number,
    total_tokens: unused,
    input_tokens_details: shape('input_tokens_details', { cached_tokens: number, cache_write_tokens: number }),
    output_tokens_details: shape('output_tokens_details', { reasoning_tokens: number }),
  }),
})
export type Response = NonNullable<ReturnType<typeof responseShape>>
