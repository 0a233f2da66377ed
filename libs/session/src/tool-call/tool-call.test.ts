import { toTool } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  by,
  calling,
  claimed,
  e,
  g,
  given,
  message,
  requested,
  result,
  started,
  t,
  turn,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'

const said = (n: number) => ({ n, at: 1000, by: 'e1' })
const asked = (...content: Parameters<typeof answered>[1][]) =>
  given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')), e(answered('c2', ...content)))

describe('tool calls', () => {
  it('are asked for together, of the pool of the tools, with their replay classes', () => {
    const { session } = asked(asks('k1', 'grep'), asks('k2', 'shell'))
    expect(plan(session, [], said(4), true)).toMatchObject({
      events: [requested('t2', ['k1', 'safe'], ['k2', 'never'])],
      to: toTool('default'),
      effect: null,
    })
  })

  it('are handed over by one who holds no trigger: that begins nothing here', () => {
    const { session } = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
    const next = plan(session, [answered('c2', asks('k1', 'grep'))], said(3), false)
    expect(types(next?.events ?? [])).toEqual(['model-call.completed', 'tool-calls.requested'])
  })

  it('of an unknown name, or with arguments that are no JSON, are settled at once', () => {
    const broken = { ...asks('k2', 'grep'), malformed: '{' } as ReturnType<typeof asks>
    const { session } = asked(asks('k1', 'teleport'), broken, asks('k3', 'grep'))
    const next = plan(session, [], said(4), true)
    expect(next?.events.slice(0, 2)).toMatchObject([
      { type: 'tool-call.completed', data: { call: 'k1', status: 'error', code: 'not-found' } },
      { type: 'tool-call.completed', data: { call: 'k2', status: 'error', code: 'invalid-arguments' } },
    ])
    expect(next?.events[2]).toEqual(requested('t2', ['k3', 'safe']))
  })

  it('cut by the limit of the answer, are told so: a call again with the same length would be cut again', () => {
    const cut = { ...asks('k1', 'grep'), malformed: '{"path":"a' } as ReturnType<typeof asks>
    const { session } = given(
      g(started(), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e({ ...answered('c2', cut), data: { ...answered('c2', cut).data, finish: 'length' } } as ReturnType<
        typeof answered
      >),
    )
    expect(plan(session, [], said(4), true)?.events[0]).toMatchObject({
      data: { call: 'k1', code: 'invalid-arguments', output: expect.stringContaining('max_tokens') },
    })
  })

  it('beyond the limit of the turn are settled without being run', () => {
    const limits = { maxToolCalls: 1 }
    const { session } = given(
      g(started({ limits }), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', asks('k1', 'grep'), asks('k2', 'grep'))),
    )
    const next = plan(session, [], said(4), true)
    expect(next?.events[0]).toMatchObject({ type: 'tool-call.completed', data: { call: 'k2', code: 'limit' } })
    expect(next?.events[1]).toEqual(requested('t2', ['k1', 'safe']))
  })

  it('wait in batches where only so many may run at once: the next batch is due when the last of this one is closed', () => {
    const limits = { maxToolCalls: 10, maxConcurrentTools: 2 }
    const three = given(
      g(started({ limits }), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', asks('k1', 'grep'), asks('k2', 'grep'), asks('k3', 'grep'))),
    )
    const batch = plan(three.session, [], said(4), true)
    expect(batch?.events).toEqual([requested('t2', ['k1', 'safe'], ['k2', 'safe'])])
    const one = three.and(e(...(batch?.events ?? [])), t(result('k1')))
    expect(due(one.session, 6)).toBeNull()
    const both = one.and(t(result('k2')))
    expect(due(both.session, 7)?.events).toEqual([requested('t2', ['k3', 'safe'])])
  })

  it('give their results to the model together, in the order of the calls', () => {
    const both = asked(asks('k1', 'grep'), asks('k2', 'grep')).and(
      e(requested('t2', ['k1', 'safe'], ['k2', 'safe'])),
      t(result('k2', 'second')),
    )
    expect(due(both.session, 6)).toBeNull()
    const next = plan(both.and(t(result('k1', 'first'))).session, [], said(7), true)
    expect(next?.events).toEqual([calling('c7', 't2')])
    expect(next?.after.transcript.toArray().slice(-2)).toMatchObject([
      { role: 'tool', call: 'k1', output: 'first' },
      { role: 'tool', call: 'k2', output: 'second' },
    ])
  })

  it('have one outcome: of the attempt that is claimed, and of no other', () => {
    const open = asked(asks('k1', 'grep')).and(e(requested('t2', ['k1', 'safe'])), by('r1', t(claimed('k1'))))
    const again = open.and(by('r2', t(claimed('k1', 2))))
    expect(again.session.turn?.calls[0]?.state).toMatchObject({ kind: 'claimed', attempt: 2, by: 'r2' })
    expect(again.and(t(result('k1', 'late', 1))).session).toBe(again.session)
    const done = again.and(by('r2', t(result('k1', 'right', 2))))
    expect(done.session.turn?.calls[0]?.state).toMatchObject({ kind: 'done', output: 'right' })
    expect(done.and(by('r2', t(result('k1', 'twice', 2)))).session).toBe(done.session)
  })

  it('are claimed attempt by attempt', () => {
    const open = asked(asks('k1', 'shell')).and(e(requested('t2', ['k1', 'never'])))
    expect(open.and(t(claimed('k1', 2))).session).toBe(open.session)
    const first = open.and(t(claimed('k1')))
    expect(first.and(by('r2', t(claimed('k1')))).session).toBe(first.session)
  })

  it('that nobody was asked for cannot be settled by a runner', () => {
    const open = asked(asks('k1', 'shell'))
    expect(open.and(t(result('k1'))).session).toBe(open.session)
    expect(due(open.session, 4)?.to).toEqual(toTool('default'))
  })
})
