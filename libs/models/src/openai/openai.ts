// OpenAI's Responses API.
import type { ModelProvider } from '@reins/contracts'
import type { Transport } from '../http/transport.ts'
import { createProvider } from '../requests/converse.ts'
import { ResponsesReader } from './responses-reader.ts'
import { ResponsesRequests } from './responses-request.ts'

export interface OpenAiOptions {
  readonly apiKey: string
  /** With `/v1`. */
  readonly baseUrl: string
  readonly transport: Transport
}

const name = 'openai'

export function createOpenAi({ apiKey, baseUrl, transport }: OpenAiOptions): ModelProvider {
  const requests = new ResponsesRequests(name)
  return createProvider({
    ...{ name, baseUrl, keyEnv: 'OPENAI_API_KEY', secrets: [apiKey], transport },
    url: `${baseUrl}/responses`,
    headers: { authorization: `Bearer ${apiKey}` },
    contextWindow: openAiWindow,
    encode: (request, manner) => requests.encode(request, manner),
    reader: (request, subject, manner) => new ResponsesReader(request, subject, manner),
  })
}

function openAiWindow(model: string): number {
  if (model.startsWith('gpt-4.1')) return 1_000_000
  if (/^gpt-(4|3)|^chatgpt-|-chat/.test(model)) return model.startsWith('gpt-3') ? 16_000 : 128_000
  if (/^o\d/.test(model)) return 200_000
  return /^gpt-([5-9]|\d\d)/.test(model) ? 400_000 : 128_000
}
