import type { ModelEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import type { Flow, Reply } from '../http/exchange.ts'
import { type AnswerReader, createProvider, type Progress } from './converse.ts'

test('a call that waits for its first word has made nothing to read it with', async () => {
  const flow = Promise.withResolvers<Flow>()
  const reply: Reply = {
    ...{ status: 200, headers: { 'content-type': 'text/event-stream' } },
    read: () => new Promise(() => {}),
    flow: (into) => flow.resolve(into),
    ...{ hold() {}, goOn() {}, leave() {} },
  }
  let made = 0
  const reader = (): AnswerReader => {
    made++
    let progress: Progress = 'open'
    return {
      get progress() {
        return progress
      },
      ...{ begun: false, ignored: new Set(), read: () => [] },
      done() {
        progress = 'over'
      },
      end: () => ({ deltas: [], outcome: { type: 'failed', code: 'refused', message: 'read to its end' } }),
    }
  }
  const provider = createProvider({
    ...{ name: 'p', baseUrl: '', secrets: [], url: 'http://model.test', headers: {} },
    transport: { post: async () => reply, close() {} },
    contextWindow: () => 1000,
    encode: () => '{}',
    reader,
  })
  const request = { model: 'm', system: '', messages: [], tools: [], maxTokens: 10, stream: true, cacheKey: 's' }
  const seen: ModelEvent[] = []
  const over = provider.stream(request, new AbortController().signal).each?.((event) => void seen.push(event))
  const into = await flow.promise
  expect(made).toBe(0)
  into.data(Buffer.from('data: [DONE]\n\n'))
  await over
  expect([made, seen]).toEqual([1, [{ type: 'failed', code: 'refused', message: 'read to its end' }]])
})
