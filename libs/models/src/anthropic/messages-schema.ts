// What is understood of the Messages API; the rest is noted by its name.
import { anything, list, number, shape, string, unused, word } from '../http/foreign.ts'

const usageShape = shape('usage', {
  input_tokens: number,
  output_tokens: number,
  cache_read_input_tokens: number,
  cache_creation_input_tokens: number,
  output_tokens_details: shape('output_tokens_details', { thinking_tokens: number }),
  cache_creation: unused,
  server_tool_use: unused,
  service_tier: unused,
  inference_geo: unused,
  iterations: unused,
  speed: unused,
})
export type Counts = NonNullable<ReturnType<typeof usageShape>>

const blockShape = shape('content_block', {
  type: string,
  text: string,
  thinking: string,
  signature: string,
  data: string,
  id: word,
  name: string,
  input: anything,
  citations: unused,
  caller: unused,
})
export type Block = NonNullable<ReturnType<typeof blockShape>>

const details = shape('stop_details', { type: unused, category: unused, explanation: string })
export const messageShape = shape('message', {
  id: word,
  type: unused,
  role: unused,
  model: string,
  content: list(blockShape),
  stop_reason: word,
  stop_details: details,
  stop_sequence: unused,
  usage: usageShape,
  container: unused,
  context_management: unused,
  diagnostics: unused,
})

const deltaShape = shape('delta', {
  type: string,
  text: string,
  thinking: string,
  signature: string,
  partial_json: anything,
  citation: unused,
  stop_reason: word,
  stop_details: details,
  stop_sequence: unused,
  container: unused,
  estimated_tokens: unused,
})

export type Delta = NonNullable<ReturnType<typeof deltaShape>>

export const eventShape = shape('event', {
  type: string,
  index: number,
  message: anything,
  content_block: blockShape,
  delta: deltaShape,
  usage: usageShape,
  context_management: unused,
})
