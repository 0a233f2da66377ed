import { type ServerAnswer, type SessionEvent, toLog, toTool } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  cancel,
  e,
  g,
  given,
  m,
  message,
  paused,
  resumed,
  started,
  t,
  text,
  turn,
  turnCancelled,
  turnCompleted,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'
import { cover, statusOf } from '../deciding/status.ts'

const said = (n: number) => ({ n, at: 5000, by: 'e1' })
const declared = (...servers: readonly string[]): SessionEvent => ({
  type: 'toolset.declared',
  data: { servers: servers.map((server) => ({ server })), principal: 'ann', wait: 20_000 },
})
const asked = (n: number, known: Record<string, string> = {}): SessionEvent => ({
  type: 'toolset.requested',
  data: { request: `s${n}`, digest: 'd1', principal: 'ann', known, timer: `toolset-${n}`, until: 25_000 },
})
const armed = (n: number): SessionEvent => ({ type: 'timer.armed', data: { timer: `toolset-${n}`, at: 25_000 } })
const fired = (n: number): SessionEvent => ({ type: 'timer.fired', data: { timer: `toolset-${n}` } })
const ready = (server: string, digest = 'x1', ...tools: readonly string[]): ServerAnswer => ({
  server,
  status: 'ready',
  digest,
  tools: tools.map((tool) => ({
    name: `mcp__${server}__${tool}`,
    tool,
    description: tool,
    parameters: { type: 'object' },
    replay: 'safe',
    risk: 'read',
    digest: 'p1',
  })),
})
const gone = (server: string): ServerAnswer => ({ server, status: 'unavailable', reason: 'It refuses connections.' })
const resolved = (n: number, ...servers: readonly ServerAnswer[]): SessionEvent => ({
  type: 'toolset.resolved',
  data: { request: `s${n}`, servers: [...servers] },
})
const begun = (...servers: readonly string[]) =>
  given(g(started(), declared(...servers), message('m1')), e(turn('t2', 'm1'), asked(2), armed(2)))

describe('a session with servers', () => {
  it('asks the tool-runners for their tools before its first model call, with a timer, in the frame that begins the turn', () => {
    const { session } = given(g(started(), declared('files'), message('m1')))
    expect(plan(session, [], said(2), true)).toMatchObject({
      events: [turn('t2', 'm1'), asked(2), armed(2)],
      to: toTool('default'),
      effect: null,
    })
  })

  it('waits then, covered by the timer, and shows that it waits', () => {
    const { session } = begun('files')
    expect(due(session, 3)).toBeNull()
    expect(cover(session)).toEqual([{ kind: 'timer', timer: 'toolset-2' }])
    expect(statusOf(session)).toBe('waiting')
  })

  it('gives the model their tools beside its own, and calls it', () => {
    const { session } = begun('files').and(t(resolved(2, ready('files', 'x1', 'read'))))
    expect(session.born?.tools).toEqual({ shell: 'never', grep: 'safe', mcp__files__read: 'safe' })
    expect(session.born?.toolset).toEqual([
      { name: 'mcp__files__read', source: 'mcp:files', replay: 'safe', risk: 'read', digest: 'p1' },
    ])
    expect(session.timers).toEqual([])
    expect(types(plan(session, [], said(4), true)?.events ?? [])).toEqual(['model-call.started'])
  })

  it('goes on without an answer when the timer fires, and says in its log why the tools are not there', () => {
    const late = begun('files').and(m(fired(2)))
    const next = plan(late.session, [], said(4), true)
    expect(types(next?.events ?? [])).toEqual(['toolset.resolved', 'model-call.started'])
    expect(next?.events[0]).toMatchObject({
      data: { servers: [{ server: 'files', status: 'unavailable', reason: expect.stringContaining('20 s') }] },
    })
    const after = late.and(e(...(next?.events ?? [])))
    expect(after.and(t(resolved(2, ready('files', 'x1', 'read')))).session).toBe(after.session)
  })

  it('is not changed by a timer that fires though its tools are there', () => {
    const there = begun('files').and(t(resolved(2, ready('files', 'x1', 'read'))))
    expect(there.and(m(fired(2))).session).toBe(there.session)
    const next = there.and(e(calling('c4', 't2')), m(fired(2)))
    expect(next.session.servers?.asking.kind).toBe('answered')
    expect(types(plan(there.and(m(fired(2))).session, [], said(5), true)?.events ?? [])).toEqual(['model-call.started'])
  })

  it('takes the timer of an earlier request for nothing while it asks again', () => {
    const again = begun('files').and(
      t(resolved(2, gone('files'))),
      e(calling('c4', 't2')),
      e(answered('c4')),
      e(turnCompleted('t2', 'c4')),
      g(message('m2')),
      e(turn('t8', 'm2'), asked(8), armed(8)),
    )
    expect(again.session.servers?.asking.kind).toBe('asked')
    expect(again.and(m(fired(2))).session).toBe(again.session)
  })

  it('takes the first of two answers', () => {
    const first = begun('files').and(t(resolved(2, ready('files', 'x1', 'read'))))
    expect(first.and(t(resolved(2, gone('files')))).session).toBe(first.session)
  })

  it('tells a call of a server that is not there why, beside calls that run', () => {
    const { session } = begun('files').and(
      t(resolved(2, gone('files'))),
      e(calling('c4', 't2')),
      e(answered('c4', asks('k1', 'mcp__files__read'))),
    )
    expect(plan(session, [], said(6), true)?.events[0]).toMatchObject({
      type: 'tool-call.completed',
      data: {
        call: 'k1',
        status: 'error',
        code: 'unavailable',
        output: expect.stringContaining('refuses connections'),
      },
    })
  })

  it('keeps a name that another source has for that source', () => {
    const { session } = given(
      g(started({ tools: { mcp__files__read: 'never' } }), declared('files'), message('m1')),
    ).and(e(turn('t2', 'm1'), asked(2), armed(2)), t(resolved(2, ready('files', 'x1', 'read'))))
    expect(session.born?.tools).toEqual({ mcp__files__read: 'never' })
    expect(session.born?.toolset).toEqual([])
  })
})

describe('a later turn', () => {
  const first = (answer: ServerAnswer, ...then: readonly SessionEvent[]) =>
    begun('files').and(
      t(resolved(2, answer)),
      e(calling('c4', 't2')),
      e(answered('c4', text('hi')), turnCompleted('t2', 'c4')),
      ...then.map((event) => t(event)),
      g(message('m2')),
    )
  const changed: SessionEvent = { type: 'toolset.changed', data: { servers: ['files'] } }

  it('asks nobody where all servers answered: the log says which tools there are', () => {
    const { session, head } = first(ready('files', 'x1', 'read'))
    expect(types(plan(session, [], said(head.n + 1), true)?.events ?? [])).toEqual([
      'turn.started',
      'model-call.started',
    ])
  })

  it('asks again where a server has said that its tools changed, and names what it knows', () => {
    const { session, head } = first(ready('files', 'x1', 'read'), changed)
    const next = plan(session, [], said(head.n + 1), true)
    expect(next?.events[1]).toEqual(asked(head.n + 1, { files: 'x1' }))
  })

  it('asks again where a server was not there', () => {
    const { session, head } = first(gone('files'))
    expect(types(plan(session, [], said(head.n + 1), true)?.events ?? [])).toContain('toolset.requested')
  })

  it('keeps the tools of a server that has the same ones, and those that nobody answered about in time', () => {
    const stale = first(ready('files', 'x1', 'read'), changed)
    const n = stale.head.n + 1
    const again = stale.and(e(turn(`t${n}`, 'm2'), asked(n, { files: 'x1' }), armed(n)))
    const same = again.and(t(resolved(n, { server: 'files', status: 'ready', digest: 'x1' })))
    expect(Object.keys(same.session.born?.tools ?? {})).toContain('mcp__files__read')
    const late = again.and(m(fired(n)))
    const next = plan(late.session, [], said(n + 2), true)
    expect(Object.keys(next?.after.born?.tools ?? {})).toContain('mcp__files__read')
  })

  it('loses the tools of a server that has gone, and gets those of one that is back', () => {
    const stale = first(ready('files', 'x1', 'read'), changed)
    const n = stale.head.n + 1
    const lost = stale.and(e(turn(`t${n}`, 'm2'), asked(n), armed(n)), t(resolved(n, gone('files'))))
    expect(lost.session.born?.tools).toEqual({ shell: 'never', grep: 'safe' })
  })

  it('begins where the one that asked was cancelled, and waits for the same answer', () => {
    const cancelled = begun('files').and(g(cancel()), e(turnCancelled('t2')), g(message('m2')))
    const next = plan(cancelled.session, [], said(5), true)
    expect(types(next?.events ?? [])).toEqual(['turn.started'])
    expect(cover(next!.after)).toEqual([{ kind: 'timer', timer: 'toolset-2' }])
    const { session } = cancelled.and(e(turn('t5', 'm2')), t(resolved(2, ready('files', 'x1', 'read'))))
    expect(due(session, 7)?.effect).toBeTruthy()
  })
})

describe('a session that is paused while it waits for its tools', () => {
  it('takes the answer, and goes on when it is resumed', () => {
    const still = begun('files').and(g(paused), t(resolved(2, ready('files', 'x1', 'read'))))
    expect(due(still.session, 5)).toBeNull()
    expect(due(still.and(g(resumed)).session, 6)?.effect).toBeTruthy()
  })

  it('says after it is resumed that the time was over', () => {
    const still = begun('files').and(g(paused), m(fired(2)))
    expect(cover(still.session)).toEqual([{ kind: 'person', why: 'paused' }])
    expect(due(still.and(g(resumed)).session, 6)).toMatchObject({ to: toLog, events: [{ type: 'toolset.resolved' }] })
  })
})
