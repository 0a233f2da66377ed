import { type Frame, noUsage, protocolVersion, type SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { applyFrame, type SessionRow } from './session-row.ts'

const owner = { session: '01ARZ3NDEKTSV4RRFFQ69G5FAV', root: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }
const frame = (n: number, events: SessionEvent[], changes: Partial<Frame> = {}): Frame => ({
  seq: n * 10,
  id: `f${n}`,
  n,
  prev: (n - 1) * 10,
  at: 1000 + n,
  by: 'test',
  role: 'e',
  needs: protocolVersion,
  status: 'running',
  pool: 'default',
  hash: '',
  events,
  ...changes,
})
const started: SessionEvent = {
  type: 'session.started',
  data: {
    agent: 'coder',
    digest: 'd1',
    model: 'scripted/demo',
    pools: { executor: 'default', tools: 'default' },
    limits: { maxToolCalls: 10 },
    tools: {},
  },
}
const message = (text: string): SessionEvent => ({
  type: 'message.received',
  data: { message: 'm1', content: [{ type: 'text', text }], onBusy: 'queue' },
})
const answered = (inputTokens: number): SessionEvent => ({
  type: 'model-call.completed',
  data: { call: 'c', attempt: 1, content: [], usage: { ...noUsage, inputTokens, outputTokens: 2 }, finish: 'stop' },
})
const rowOf = (...frames: Frame[]): SessionRow => {
  const row = frames.reduce<SessionRow | undefined>((known, one) => applyFrame(known, owner, one, 500), undefined)
  if (!row) throw new Error('no frames')
  return row
}

test('a session is what its frames say', () => {
  const row = rowOf(
    frame(1, [started, message('Fix   the\nbuild')], { role: 'g', status: 'idle' }),
    frame(2, [{ type: 'turn.started', data: { turn: 't1', messages: ['m1'] } }]),
    frame(3, [answered(10)]),
    frame(4, [answered(5)], { status: 'idle' }),
  )
  expect(row).toMatchObject({
    agent: 'coder',
    digest: 'd1',
    model: 'scripted/demo',
    status: 'idle',
    title: 'Fix the build',
    turns: 1,
    input_tokens: 15,
    output_tokens: 4,
    created_at: 1001,
    last_activity_at: 1004,
    last_seq: 40,
    last_n: 4,
  })
})

test('a frame that comes again changes nothing', () => {
  const row = rowOf(frame(1, [started]), frame(2, [answered(10)]))
  expect(applyFrame(row, owner, frame(2, [answered(10)]), 500)).toBe(row)
  expect(applyFrame(row, owner, frame(1, [started]), 500)).toBe(row)
  expect(applyFrame(row, owner, frame(2, [answered(10)], { seq: 99 }), 500)).toBe(row)
})

test('the title is the first message, cut at 80 characters, until somebody gives one', () => {
  const long = rowOf(frame(1, [started, message('😀'.repeat(100))]))
  expect([...(long.title ?? '')]).toHaveLength(80)
  expect(long.title?.isWellFormed()).toBe(true)
  expect(rowOf(frame(1, [started, message(' \n ')]), frame(2, [message('second')])).title).toBe('second')
  const named = applyFrame(long, owner, frame(2, [{ type: 'session.renamed', data: { title: 'Mine' } }]), 500)
  expect(named.title).toBe('Mine')
  expect(applyFrame(named, owner, frame(3, [message('x')]), 500).title).toBe('Mine')
})

test('a faulty frame quarantines the session in the list until it is released', () => {
  const faulty = rowOf(frame(1, [started]), frame(2, [], { fault: 'no events', at: 0 }))
  expect(faulty).toMatchObject({ status: 'quarantined', last_n: 2, last_activity_at: 1001 })
  const copied = applyFrame(faulty, owner, frame(3, [message('hello')], { role: 'g' }), 500)
  expect(copied.status).toBe('quarantined')
  const released = frame(4, [{ type: 'session.released', data: {} }], { role: 'g', status: 'idle' })
  expect(applyFrame(copied, owner, released, 500).status).toBe('idle')
})

test('a frame without any header that holds makes a row all the same', () => {
  const row = rowOf(frame(1, [], { fault: 'a body that is no JSON', n: 0, at: 0, status: 'quarantined' }))
  expect(row).toMatchObject({ status: 'quarantined', agent: null, created_at: 500, last_n: 0, last_seq: 10 })
})

test('what a role may not say is not counted', () => {
  expect(rowOf(frame(1, [started]), frame(2, [answered(10)], { role: 't' })).input_tokens).toBe(0)
})

test('no frame makes a row that Postgres does not take', () => {
  const row = rowOf(
    frame(1, [started, message('a\0b\ud800c')], { at: 1.5 }),
    frame(2, [answered(1e300), answered(Number.MAX_SAFE_INTEGER), answered(7)], { at: 1e300 }),
  )
  expect(row.title).toBe('ab\ufffdc')
  expect(row.input_tokens).toBe(Number.MAX_SAFE_INTEGER)
  expect(row.created_at).toBe(500)
  expect(row.last_activity_at).toBe(500)
})

test('of a newer protocol only what is known counts', () => {
  const unknown = [null, { type: 'turn.imagined', data: {} }, { type: 'turn.started' }] as unknown as SessionEvent[]
  const row = rowOf(frame(1, [started]), frame(2, unknown, { needs: protocolVersion + 1, status: 'waiting' }))
  expect(row).toMatchObject({ turns: 0, status: 'waiting', last_n: 2 })
})
