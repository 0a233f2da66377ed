// Servers that speak OpenAI's chat completions (Ollama, vLLM, llama.cpp, OpenRouter, and others). They differ in what they add and leave
// out: what comes is read leniently (chat-schema.ts, calls.ts), what they do not take is learnt (differences.ts).
import type { ModelProvider } from '@reins/contracts'
import type { Transport } from '../http/transport.ts'
import { createProvider } from '../requests/converse.ts'
import { ChatReader } from './chat-reader.ts'
import { ChatRequests } from './chat-request.ts'

export interface OpenAiCompatibleOptions {
  readonly name: string
  /** Up to where `/chat/completions` is added. */
  readonly baseUrl: string
  readonly apiKey?: string | undefined
  /** For messages: the variable that holds the key. */
  readonly apiKeyEnv?: string | undefined
  readonly contextWindow: number
  /** It says of no answer that it is over. */
  readonly unmarkedEnd?: boolean | undefined
  readonly transport: Transport
}

export function createOpenAiCompatible(options: OpenAiCompatibleOptions): ModelProvider {
  const { name, baseUrl, apiKey, apiKeyEnv, contextWindow, transport, unmarkedEnd = false } = options
  const requests = new ChatRequests(name)
  return createProvider({
    ...{ name, baseUrl, keyEnv: apiKeyEnv, secrets: apiKey ? [apiKey] : [], transport },
    url: `${baseUrl}/chat/completions`,
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    contextWindow: () => contextWindow,
    unmarkedEnd: unmarkedEnd ? 'whole' : 'doubtful',
    encode: (request, manner) => requests.encode(request, manner),
    reader: (request, subject, manner) => new ChatReader(request, subject, manner),
  })
}
