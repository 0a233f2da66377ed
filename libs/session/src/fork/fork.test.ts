import { type EventOf, headOf, type SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  cancel,
  claimed,
  e,
  type Given,
  g,
  given,
  message,
  paused,
  requested,
  result,
  started,
  t,
  text,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import { cover } from '../deciding/status.ts'
import { emptyFold } from '../folding/fold.ts'
import { forkFrame } from './fork-frame.ts'
import { forkIn, lineageOf, writerAt } from './lineage.ts'

const forkedAt = ({ head }: Given, more: Partial<EventOf<'session.forked'>['data']> = {}): SessionEvent => ({
  type: 'session.forked',
  data: {
    ...{ from: 'other', n: head.n, hash: 'h', agent: 'agent', digest: 'd1', model: 'scripted/x', principal: 'bob' },
    ...more,
  },
})
const forked = (source: Given, more?: Parameters<typeof forkedAt>[1]): Given => source.and(g(forkedAt(source, more)))
const lastWords = ({ session }: Given) =>
  session.transcript.toArray().map((one) => (one.role === 'tool' ? one.output : one.role))

const inCall = given(
  g(started(), message('m1')),
  e(turn('t2', 'm1'), calling('c2', 't2')),
  e(
    answered('c2', asks('a', 'shell'), asks('b', 'grep'), asks('c', 'shell')),
    requested('t2', ['a', 'never'], ['b', 'safe']),
  ),
  t(claimed('a')),
  t(result('b', 'found')),
)

describe('a fork', () => {
  it('in the middle of calls is at rest, with a result for each call: unknown, its own, or not run', () => {
    const fork = forked(inCall)
    expect(fork.session).toMatchObject({ turn: null, timers: [], turns: 0, mode: { kind: 'open' } })
    expect(cover(fork.session)).toEqual([{ kind: 'rest' }])
    expect(lastWords(fork)).toEqual([
      'user',
      'assistant',
      expect.stringMatching(/^The outcome is unknown \(forked\)/),
      'found',
      expect.stringMatching(/^Not run \(forked\)/),
    ])
  })

  it('is closed to what the other session goes on with: an outcome of a call that was open there changes nothing', () => {
    const fork = forked(inCall)
    expect(fork.and(t(result('a', 'late'))).session).toBe(fork.session)
    expect(fork.and(e(requested('t2', ['c', 'never']))).session).toBe(fork.session)
  })

  it('has nothing of what waited: no message, no cancel, no pause', () => {
    const waiting = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')), g(message('m2')))
    for (const source of [waiting.and(g(cancel())), waiting.and(g(paused)), waiting])
      expect(forked(source).session).toMatchObject({ inbox: [], cancel: null, turn: null, mode: { kind: 'open' } })
  })

  it('of an ended session goes on, also of one in quarantine', () => {
    const ended = given(g(started()), e({ type: 'session.ended', data: { reason: 'done' } }))
    const away = given(g(started()), e({ type: 'session.quarantined', data: { reason: 'x', frame: 1 } }))
    for (const source of [ended, away]) {
      const fork = forked(source).and(g(message('m9')))
      expect(fork.verdict('e1')).toMatchObject({ do: 'append' })
    }
  })

  it('has no grant, no authorised server and no child, and belongs to whoever forked it, under nobody', () => {
    const parent = { session: 'p', call: 'c', pool: 'default' }
    const source = given(
      g(
        started({ parent, principal: 'ann' }),
        { type: 'memory.declared', data: { provider: 'builtin', scope: '{principal}', principal: 'ann' } },
        { type: 'toolset.declared', data: { servers: [{ server: 's' }], principal: 'ann', wait: 10 } },
        { type: 'grant.added', data: { grant: 'g1', tool: 'shell', call: 'c', approver: 'user:ann' } as never },
      ),
    )
    const { session } = forked(source)
    expect(session.born).toMatchObject({ parent: null, principal: 'bob', agent: 'agent' })
    expect(session.servers).toMatchObject({ principal: 'bob', asking: { kind: 'unasked' } })
    expect(session.memory).toMatchObject({ principal: 'bob' })
    expect([session.grants, session.authorised]).toEqual([undefined, undefined])
    expect(session.team?.children).toEqual({})
  })

  it('counts what it uses from its beginning, within the limits that the session had', () => {
    const usage = { inputTokens: 5, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
    const source = given(
      g(started(), { type: 'budget.declared', data: { tokens: 100 } }, message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e({
        type: 'model-call.completed',
        data: { call: 'c2', attempt: 1, content: [text('x')], usage, finish: 'stop' },
      }),
      e(turnCompleted('t2', 'c2')),
    )
    expect(source.session.budget?.spent.tokens).toBe(10)
    const { session } = forked(source)
    expect(session.budget).toEqual({ limits: { tokens: 100 }, spent: { tokens: 0, usd: 0, toolCalls: 0, wallTime: 0 } })
    expect(session.usage.inputTokens).toBe(0)
  })

  it('is said at one place only: behind the frame that it names, by a gateway', () => {
    expect(forked(inCall, { n: 2 }).session).toBe(inCall.session)
    expect(inCall.and(e(forkedAt(inCall))).session).toBe(inCall.session)
    expect(given(g(forkedAt({ ...inCall, head: { ...inCall.head, n: 1 } }))).session.born).toBeNull()
  })
})

describe('the first frame', () => {
  const at = { session: inCall.session, head: inCall.head }

  it('names the frame and its hash, and waits, or begins with a message', () => {
    const request = { from: 'other', principal: 'bob' }
    expect(forkFrame(at, request)).toMatchObject({
      decision: {
        events: [{ type: 'session.forked', data: { from: 'other', n: 5, hash: at.head.hash, agent: 'agent' } }],
        ...{ to: { kind: 'log' }, status: 'idle', pool: 'default' },
      },
    })
    const said = message('m9') as EventOf<'message.received'>
    expect(forkFrame(at, { ...request, message: said })).toMatchObject({
      decision: { events: [{ type: 'session.forked' }, { type: 'message.received' }], to: { kind: 'exec' } },
    })
  })

  it('is refused of a session that code decides for, and of one that was never started', () => {
    const run = given(g(started(), { type: 'run.declared', data: { file: './f.ts', digest: 'x' } }))
    for (const fold of [{ session: run.session, head: run.head }, emptyFold('s')])
      expect(forkFrame(fold, { from: 's', principal: 'p' })).toMatchObject({ code: 'session_conflict' })
  })
})

describe('whose frames a log holds', () => {
  const frame = (n: number, prev: number, events: readonly SessionEvent[] = []) =>
    ({ ...headOf({} as never), n, prev, events }) as never
  it('tells by the first frames of forks', () => {
    const log = [
      frame(1, 0),
      frame(2, 1),
      frame(3, 0, [forkedAt(inCall, { from: 'a', n: 2 })]),
      frame(4, 3),
      frame(5, 0, [forkedAt(inCall, { from: 'b', n: 4 })]),
    ]
    expect(log.map((_, at) => writerAt(lineageOf('c', log), at))).toEqual(['a', 'a', 'b', 'b', 'c'])
    expect(forkIn(frame(3, 2, [forkedAt(inCall, { n: 2 })]))).toBeUndefined()
  })
})
