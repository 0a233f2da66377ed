import type { StreamItem } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { type AgentEvent, eventOfFrame, frameOf } from './agent-event.ts'
import { newProgress, type Progress, step } from './progress.ts'
import { readAgentEvents } from './read-frames.ts'

const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
let n = 0
const event = (type: string, data: unknown): StreamItem => ({ cursor: `c${++n}`, n, i: 0, at: 1, by: 'x', type, data })
const delta = (offset: number, text: string, attempt = 1): StreamItem => ({
  type: 'delta',
  cursor: `d${offset}`,
  data: { call: 'k', attempt, block: 0, kind: 'text', offset, text },
})
const completed = (text: string, attempt = 1): StreamItem =>
  event('model-call.completed', { call: 'k', attempt, content: [{ type: 'text', text }], usage, finish: 'stop' })
const begun = event('turn.started', { turn: 't', messages: ['m'] })
const ended = event('turn.completed', { turn: 't', call: 'k', usage, reason: 'answered' })

function told(...items: readonly StreamItem[]): readonly AgentEvent[] {
  let progress: Progress = newProgress('s', 2, 'm')
  return items.flatMap((item) => {
    const next = step(progress, item)
    progress = next.progress
    return next.events
  })
}
const textOf = (events: readonly AgentEvent[]): string =>
  events.map((one) => (one.kind === 'token' ? one.text : '')).join('')

describe('what code says that decides for the session is told', () => {
  const given = event('run.resumed', { position: 0, message: 'm' })
  const says = (output: unknown) => event('run.paused', { position: 1, name: 'pause', output })
  const welcome = says({ type: 'chat_response', content: 'Welcome', turn: 0 })
  const inner = [event('turn.started', { turn: 't', messages: ['run-1'] }), completed('Hi'), ended]

  test('from when it is given the message on; the ends of its turns are not', () => {
    expect(told(welcome, given, ...inner, says({ type: 'chat_response', content: 'Hi!', turn: 1 }))).toEqual([
      { kind: 'token', text: 'Hi' },
      { kind: 'chat_response', content: 'Hi!', turn: 1 },
    ])
  })

  test('what it asks before it is given the message waits for a person, until its timer fires', () => {
    const asked = { elicitation_id: 'q', url: 'https://a.example', message: 'Agree', server_name: 'shop' }
    const asks = event('run.paused', {
      position: 0,
      name: 'terms',
      output: { type: 'elicitation', mode: 'url', ...asked },
    })
    const after = (...items: readonly StreamItem[]) =>
      items.reduce((progress, item) => step(progress, item).progress, newProgress('s', 0, 'm')).asks
    expect(after(asks)).toMatchObject([{ kind: 'elicitation', elicitation_id: 'q' }])
    expect(after(asks, event('timer.fired', { timer: 'ask-0' }))).toEqual([])
  })

  test('its failure before it is given the message is told', () => {
    const error = { code: 'failed', message: 'broken' }
    expect(told(event('run.ended', { status: 'failed', error }))).toMatchObject([{ kind: 'error', status: 'ended' }])
  })

  test('its failure too, with the line, and its own end', () => {
    const error = { code: 'failed', message: 'broken', where: 'chat.ts:3:9' }
    expect(told(given, event('run.ended', { status: 'failed', error }))).toEqual([
      { kind: 'error', message: 'The workflow failed (chat.ts:3:9): broken', session: 's', status: 'ended' },
    ])
    const over = says({ type: 'session_end', reason: 'max_turns', turns: 1 })
    expect(told(given, over, event('session.ended', { reason: 'max_turns' }))).toEqual([
      { kind: 'session_end', reason: 'max_turns', turns: 2 },
    ])
  })
})

describe('a turn is told', () => {
  test('from the message that was awaited on; turns before it are counted', () => {
    const other = [
      event('turn.started', { turn: 'o', messages: ['x'] }),
      delta(0, 'other'),
      event('turn.completed', { turn: 'o', call: 'k', usage, reason: 'answered' }),
    ]
    expect(told(...other, begun, completed('Hi'), ended)).toEqual([
      { kind: 'token', text: 'Hi' },
      { kind: 'chat_response', content: 'Hi', turn: 4 },
    ])
  })

  test('each character once, also where the answer starts anew and says the same', () => {
    const items = [
      begun,
      delta(0, 'Hello'),
      delta(3, 'lo w'),
      delta(0, 'Hel', 2),
      delta(3, 'lo wor', 2),
      completed('Hello world', 2),
    ]
    expect(textOf(told(...items))).toBe('Hello world')
  })

  test('an answer that starts anew and says something else comes whole, behind an empty line', () => {
    expect(textOf(told(begun, delta(0, 'Hello w'), delta(0, 'Help', 2), completed('Help me', 2)))).toBe(
      'Hello w\n\nHelp me',
    )
  })

  test('what deltas did not bring comes with the whole answer', () => {
    expect(textOf(told(begun, delta(0, 'He'), delta(7, 'x'), completed('Hello x')))).toBe('Hello x')
  })

  test('a call that no runner was asked for is told as begun and done at once', () => {
    const asks = event('model-call.completed', {
      ...{ call: 'k', attempt: 1, usage, finish: 'tool-calls' },
      content: [{ type: 'tool-call', call: 'a', name: 'create_plan', arguments: { steps: [] } }],
    })
    expect(
      told(begun, asks, event('tool-call.completed', { call: 'a', attempt: 1, status: 'ok', output: '' })),
    ).toEqual([
      { kind: 'tool_start', name: 'create_plan', args: { steps: [] } },
      { kind: 'tool_done', name: 'create_plan', status: 'success' },
    ])
  })

  test('events of a type that is not known change nothing', () => {
    expect(told(begun, event('weather.changed', { rain: true }), completed('x'), ended)).toHaveLength(2)
  })
})

describe('frames', () => {
  const kinds: readonly AgentEvent[] = [
    { kind: 'session_id', id: 's' },
    { kind: 'token', text: 'x' },
    { kind: 'tool_start', name: 'shell', args: {} },
    { kind: 'tool_done', name: 'shell', status: 'success' },
    { kind: 'chat_response', content: '', turn: 1 },
    { kind: 'elicitation', elicitation_id: 'e', url: 'https://x', message: 'm', server_name: 'github', mode: 'url' },
    { kind: 'session_end', reason: 'user_exit', turns: 5 },
    { kind: 'approval', call_id: 'c', name: 'shell', args: {} },
    { kind: 'error', message: 'no' },
  ]

  test('come back as what they were; chat_response is called response there', () => {
    expect(kinds.map((one) => eventOfFrame(frameOf(one)))).toEqual(kinds)
    expect(frameOf({ kind: 'chat_response', content: 'x', turn: 1 })).toEqual({
      type: 'response',
      content: 'x',
      turn: 1,
    })
  })

  test('of unknown kinds, or without a field of their kind, are dropped', async () => {
    for (const frame of [
      null,
      7,
      {},
      { type: 'weather' },
      { type: 'constructor' },
      { type: 'token' },
      { type: 'chat', text: 'x' },
    ])
      expect(eventOfFrame(frame)).toBeUndefined()
    const body = new Response(
      'id: a\ndata: {"type":"token","text":"x"}\n\n: alive\n\ndata: {"type":"new"}\n\ndata: no json\n\ndata: {"type":"error","message":"m"}\n\n',
    ).body
    const read = []
    if (body) for await (const one of readAgentEvents(body)) read.push(one)
    expect(read).toEqual([
      { event: { kind: 'token', text: 'x' }, cursor: 'a' },
      { event: { kind: 'error', message: 'm' } },
    ])
  })
})
