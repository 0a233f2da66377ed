import { type Frame, noUsage, protocolVersion, type SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { emptyInfo, foldInfo, type InfoFold } from './session-info.ts'

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
/** `storedAt` is 500. */
const on = (info: InfoFold, ...frames: Frame[]): InfoFold =>
  frames.reduce((known, one) => foldInfo(known, one, 500), info)
const infoOf = (...frames: Frame[]): InfoFold => on(emptyInfo, ...frames)

test('a session is what its frames say', () => {
  const info = infoOf(
    frame(1, [started, message('Fix   the\nbuild')], { role: 'g', status: 'idle' }),
    frame(2, [{ type: 'turn.started', data: { turn: 't1', messages: ['m1'] } }]),
    frame(3, [answered(10)]),
    frame(4, [answered(5)], { status: 'idle' }),
  )
  expect(info).toMatchObject({
    agent: 'coder',
    digest: 'd1',
    model: 'scripted/demo',
    status: 'idle',
    title: 'Fix the build',
    turns: 1,
    usage: { inputTokens: 15, outputTokens: 4 },
    createdAt: 1001,
    lastActivityAt: 1004,
    last: { seq: 40, n: 4, i: 0 },
  })
})

test('a frame that comes again changes nothing', () => {
  const info = infoOf(frame(1, [started]), frame(2, [answered(10)]))
  expect(on(info, frame(2, [answered(10)]))).toBe(info)
  expect(on(info, frame(1, [started]))).toBe(info)
  expect(on(info, frame(2, [answered(10)], { seq: 99 }))).toBe(info)
})

test('the title is the first message, cut at 80 characters, until somebody gives one', () => {
  const long = infoOf(frame(1, [started, message('😀'.repeat(100))]))
  expect([...(long.title ?? '')]).toHaveLength(80)
  expect(long.title?.isWellFormed()).toBe(true)
  expect(infoOf(frame(1, [started, message(' \n ')]), frame(2, [message('second')])).title).toBe('second')
  const named = on(long, frame(2, [{ type: 'session.renamed', data: { title: 'Mine' } }]))
  expect(named.title).toBe('Mine')
  expect(on(named, frame(3, [message('x')])).title).toBe('Mine')
})

test('a faulty frame quarantines the session in the list until it is released', () => {
  const faulty = infoOf(frame(1, [started]), frame(2, [], { fault: 'no events', at: 0 }))
  expect(faulty).toMatchObject({ status: 'quarantined', last: { n: 2 }, lastActivityAt: 1001 })
  const copied = on(faulty, frame(3, [message('hello')], { role: 'g' }))
  expect(copied.status).toBe('quarantined')
  const released = frame(4, [{ type: 'session.released', data: {} }], { role: 'g', status: 'idle' })
  expect(on(copied, released).status).toBe('idle')
})

test('a frame without any header that holds makes an info all the same', () => {
  const info = infoOf(frame(1, [], { fault: 'a body that is no JSON', n: 0, at: 0, status: 'quarantined' }))
  expect(info).toMatchObject({ status: 'quarantined', agent: null, createdAt: 500, last: { seq: 10, n: 0 } })
})

test('what a role may not say is not counted', () => {
  expect(infoOf(frame(1, [started]), frame(2, [answered(10)], { role: 't' })).usage.inputTokens).toBe(0)
})

test('no frame makes an info that Postgres does not take', () => {
  const info = infoOf(
    frame(1, [started, message('a\0b\ud800c')], { at: 1.5 }),
    frame(2, [answered(1e300), answered(Number.MAX_SAFE_INTEGER), answered(7)], { at: 1e300 }),
  )
  expect(info.title).toBe('ab\ufffdc')
  expect(info.usage.inputTokens).toBe(Number.MAX_SAFE_INTEGER)
  expect(info.createdAt).toBe(500)
  expect(info.lastActivityAt).toBe(500)
})

test('of a frame that is beyond this version what is known counts, and every event has its place', () => {
  const began = { type: 'turn.started', data: { turn: 't2', messages: ['m1'] } }
  const written = [null, { type: 'turn.imagined', data: {} }, { type: 'turn.started' }, began]
  const info = infoOf(frame(1, [started]), frame(2, [], { written, beyond: 'a newer event', status: 'waiting' }))
  expect(info).toMatchObject({ turns: 1, status: 'waiting', faulted: false, last: { n: 2, i: 3 } })
})
