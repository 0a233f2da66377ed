// What is understood of chat completions, streamed or whole, of every server that speaks them; the rest is noted by its name.
import { anything, boolean, isRecord, list, number, type Reader, shape, string, unused, word } from '../http/foreign.ts'

/** A part of a call, or a whole one. What must go back: `extra_content` (Gemini's signatures), `provider_specific_fields` (LiteLLM). */
export const callPart = shape('tool_call', {
  index: number,
  id: word,
  type: unused,
  function: shape('function', {
    name: string,
    arguments: anything,
    parameters: anything,
    input: anything,
    thought_signature: anything,
  }),
  /** Without the box around them: some local servers. */
  name: string,
  arguments: anything,
  input: anything,
  /** A tool with a text for its input. None is offered, and a call of one is a call. */
  custom: shape('custom', { name: string, input: anything }),
  extra_content: anything,
  provider_specific_fields: anything,
})
export type CallPart = NonNullable<ReturnType<typeof callPart>>

/** Texts are anything: strings, or lists of parts of many types. */
const messagePart = shape('message', {
  role: unused,
  content: anything,
  refusal: anything,
  reasoning: anything,
  reasoning_content: anything,
  reasoning_text: anything,
  thinking: anything,
  reasoning_details: list(anything),
  reasoning_opaque: anything,
  thinking_blocks: list(anything),
  tool_calls: list(callPart),
  function_call: callPart,
  extra_content: anything,
  provider_specific_fields: unused,
  annotations: unused,
  name: unused,
  tool_call_id: unused,
  images: unused,
  audio: unused,
  citations: unused,
  executed_tools: unused,
  padding: unused,
  obfuscation: unused,
})
export type MessagePart = NonNullable<ReturnType<typeof messagePart>>

const usage = shape('usage', {
  prompt_tokens: number,
  completion_tokens: number,
  input_tokens: number,
  output_tokens: number,
  total_tokens: unused,
  reasoning_tokens: number,
  cached_tokens: number,
  prompt_cache_hit_tokens: number,
  prompt_cache_miss_tokens: unused,
  cache_read_input_tokens: number,
  cache_creation_input_tokens: number,
  prompt_tokens_details: shape('prompt_tokens_details', {
    cached_tokens: number,
    cache_write_tokens: number,
    audio_tokens: unused,
    text_tokens: unused,
    image_tokens: unused,
    video_tokens: unused,
    cache_creation_tokens: unused,
  }),
  completion_tokens_details: shape('completion_tokens_details', {
    reasoning_tokens: number,
    audio_tokens: unused,
    text_tokens: unused,
    image_tokens: unused,
    accepted_prediction_tokens: unused,
    rejected_prediction_tokens: unused,
  }),
  cost: unused,
  cost_details: unused,
  is_byok: unused,
  queue_time: unused,
  prompt_time: unused,
  completion_time: unused,
  total_time: unused,
  num_sources_used: unused,
})
export type ChatUsage = NonNullable<ReturnType<typeof usage>>

/** SGLang has given an object. */
const reason: Reader<string> = (value, note) =>
  isRecord(value) ? (word(value.type, note) ?? word(value.reason, note) ?? 'stop') : word(value, note)

const choice = shape('choice', {
  index: number,
  delta: messagePart,
  message: messagePart,
  text: anything,
  finish_reason: reason,
  native_finish_reason: word,
  stop_reason: unused,
  matched_stop: unused,
  error: anything,
  usage,
  content_filter_results: anything,
  content_filter_result: anything,
  content_filter_offsets: unused,
  logprobs: unused,
  token_ids: unused,
  hidden_states: unused,
})
export type Choice = NonNullable<ReturnType<typeof choice>>

/** A chunk of a stream (`delta`), a whole answer (`message`), or Ollama's own form (`message` and `done` beside one another). */
export const chunk = shape('chunk', {
  id: word,
  model: string,
  object: string,
  type: string,
  choices: list(choice),
  usage,
  x_groq: shape('x_groq', { id: unused, usage, error: anything }),
  error: anything,
  errors: anything,
  detail: anything,
  /** MiniMax. */
  base_resp: anything,
  code: word,
  msg: string,
  status: unused,
  status_code: unused,
  // Ollama's own form; a text here is an error.
  message: anything as Reader<unknown>,
  response: anything,
  done: boolean,
  done_reason: word,
  prompt_eval_count: number,
  eval_count: number,
  total_duration: unused,
  load_duration: unused,
  prompt_eval_duration: unused,
  eval_duration: unused,
  created_at: unused,
  created: unused,
  system_fingerprint: unused,
  service_tier: unused,
  provider: unused,
  timings: unused,
  prompt_filter_results: unused,
  prompt_logprobs: unused,
  kv_transfer_params: unused,
  stats: unused,
  citations: unused,
  search_results: unused,
  obfuscation: unused,
  p: unused,
  nonce: unused,
  metadata: unused,
  usage_breakdown: unused,
  request_id: unused,
  warning: unused,
  param: unused,
})
export type Chunk = NonNullable<ReturnType<typeof chunk>>
export const ollamaMessage = messagePart
