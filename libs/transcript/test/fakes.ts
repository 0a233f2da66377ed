// Events and deltas as a stream has them.
import { type ApiEvent, type EventData, type EventType, noUsage, type StreamItem } from '@reins/contracts'

let seq = 0
/** In a frame of its own. `at` in ms. */
export function event<T extends EventType>(n: number, at: number, type: T, data: EventData<T>): ApiEvent {
  seq++
  return { cursor: `c${seq}`, n, i: 0, at, by: 'test', type, data }
}

export const delta = (
  call: string,
  offset: number,
  text: string,
  more: { block?: number; kind?: 'text' | 'reasoning' | 'arguments' | 'output'; attempt?: number; tool?: string } = {},
): StreamItem => ({
  type: 'delta',
  cursor: `d${offset}`,
  data: {
    ...{ call, attempt: more.attempt ?? 1, block: more.block ?? 0, kind: more.kind ?? 'text', offset, text },
    ...(more.tool === undefined ? {} : { tool: more.tool }),
  },
})

export const usage = { ...noUsage, inputTokens: 120, outputTokens: 34 }

export const started = (n: number, at: number): ApiEvent =>
  event(n, at, 'session.started', {
    agent: 'assistant',
    digest: 'd1',
    model: 'scripted/demo',
    pools: { executor: 'any', tools: 'any' },
    limits: { maxToolCalls: 10 },
    tools: { shell: 'never' },
  })

/** A turn that answers without tools: frames n to n+4. */
export const plainTurn = (n: number, at: number, turn: string, question: string, answer: string): ApiEvent[] => [
  event(n, at, 'message.received', {
    message: `m-${turn}`,
    content: [{ type: 'text', text: question }],
    onBusy: 'queue',
  }),
  event(n + 1, at + 1, 'turn.started', { turn, messages: [`m-${turn}`] }),
  event(n + 2, at + 2, 'model-call.started', { call: `k-${turn}`, attempt: 1, turn, model: 'scripted/demo' }),
  event(n + 3, at + 1002, 'model-call.completed', {
    call: `k-${turn}`,
    attempt: 1,
    content: [{ type: 'text', text: answer }],
    usage,
    finish: 'stop',
  }),
  event(n + 4, at + 1003, 'turn.completed', { turn, call: `k-${turn}`, usage, reason: 'answered' }),
]
