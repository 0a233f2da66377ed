// Turn 500 of one session against turn 10 of it, the whole history sent to the model each time.
//   - What the model needs to read that history is measured without Reins: the same messages, encoded beforehand, sent to it.
import http from 'node:http'
import type { EventPage, SessionEvent } from '@reins/contracts'
import { median, round } from '../report/numbers.ts'
import { type Product, toolAgent } from '../product/product.ts'
import { exchange } from './raw.ts'
import { toolMessage } from './turns.ts'

export interface LongSession {
  readonly turns: number
  /** ms, medians of ten turns. */
  readonly early: number
  readonly late: number
  /** ms that the model calls of one turn take without Reins, with the history of then. */
  readonly modelEarly: number
  readonly modelLate: number
  readonly requestBytes: number
}

const earlyTurn = 10

export async function measureLong({ api, modelUrl }: Product, turns: number): Promise<LongSession> {
  const session = await api.begin(toolAgent, toolMessage)
  const samples = [Number.NaN]
  for (let turn = 2; turn <= turns; turn++) {
    const from = performance.now()
    await api.turn(session, toolMessage)
    samples.push(performance.now() - from)
  }
  const messages = await historyOf(api, session)
  const late = requestOf(messages)
  const cut = Math.round((messages.length / turns) * earlyTurn)
  return {
    turns,
    early: round(median(samples.slice(earlyTurn - 5, earlyTurn + 5))),
    late: round(median(samples.slice(-10))),
    modelEarly: await modelTurn(modelUrl, requestOf(messages.slice(0, cut))),
    modelLate: await modelTurn(modelUrl, late),
    requestBytes: late.length,
  }
}

/** Two calls, as in a tool turn. */
async function modelTurn(modelUrl: string, body: Buffer): Promise<number> {
  const agent = new http.Agent({ keepAlive: true })
  const samples: number[] = []
  for (let i = 0; i < 15; i++) {
    const from = performance.now()
    for (let call = 0; call < 2; call++) await exchange(agent, `${modelUrl}/chat/completions`, body)
    samples.push(performance.now() - from)
  }
  agent.destroy()
  return round(median(samples.slice(3)))
}

const requestOf = (messages: readonly object[]): Buffer =>
  Buffer.from(JSON.stringify({ model: 'assistant', stream: true, max_tokens: 100_000, messages }))

/** The conversation as a model is sent it. */
async function historyOf(api: Product['api'], session: string): Promise<object[]> {
  const messages: object[] = []
  let after = ''
  for (;;) {
    const page = (await api.get(`/v1/sessions/${session}/events?limit=1000${after}`)) as EventPage
    for (const { type, data } of page.events) {
      const message = messageOf({ type, data } as SessionEvent)
      if (message) messages.push(message)
    }
    if (!page.more) return messages
    after = `&after=${encodeURIComponent(page.cursor)}`
  }
}

function messageOf(event: SessionEvent): object | undefined {
  switch (event.type) {
    case 'message.received':
      return { role: 'user', content: event.data.content.map(({ text }) => text).join('\n') }
    case 'model-call.completed': {
      const text = event.data.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
      const calls = event.data.content.flatMap((block) =>
        block.type === 'tool-call'
          ? [
              {
                id: block.providerCall ?? block.call,
                type: 'function',
                function: { name: block.name, arguments: JSON.stringify(block.arguments) },
              },
            ]
          : [],
      )
      return {
        role: 'assistant',
        content: text === '' ? null : text,
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
      }
    }
    case 'tool-call.completed':
      return { role: 'tool', tool_call_id: event.data.call, content: event.data.output }
    default:
      return undefined
  }
}
