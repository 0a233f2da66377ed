// Anthropic's Messages API.
import type { ModelProvider } from '@reins/contracts'
import type { Transport } from '../http/transport.ts'
import { createProvider } from '../requests/converse.ts'
import { strictSchema } from '../requests/strict-schema.ts'
import { claudeWindow } from './claude-models.ts'
import { MessagesReader } from './messages-reader.ts'
import { MessagesRequests } from './messages-request.ts'

export interface AnthropicOptions {
  readonly apiKey: string
  readonly baseUrl: string
  readonly transport: Transport
}

const name = 'anthropic'

export function createAnthropic({ apiKey, baseUrl, transport }: AnthropicOptions): ModelProvider {
  const requests = new MessagesRequests(name)
  return createProvider({
    ...{ name, baseUrl, keyEnv: 'ANTHROPIC_API_KEY', secrets: [apiKey], transport },
    // With or without the `/v1` that other providers' base URLs end in.
    url: `${baseUrl.replace(/\/v1$/, '')}/v1/messages`,
    headers: { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' },
    contextWindow: claudeWindow,
    takesSchema: (schema) => strictSchema(schema) !== undefined,
    encode: (request, manner) => requests.encode(request, manner),
    reader: (request, subject, manner) => new MessagesReader(request, subject, manner),
  })
}
