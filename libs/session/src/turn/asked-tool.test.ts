import type { SessionEvent } from '@reins/contracts'
import { childId } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { cancel, e, g, given, id, message, started, t, turn, types } from '../../test/given.ts'
import { promptChild, settleParent } from '../delegation/errand-frames.ts'
import { standingErrands } from '../delegation/errands.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'

const said = (n: number) => ({ n, at: 1000, by: 'e1' })
const declared: SessionEvent = { type: 'run.declared', data: { file: './chat.ts', digest: 'd' } }
const replay = { replay: 'r2', attempt: 1 }
const began: SessionEvent = { type: 'run.replay-started', data: replay }
const over: SessionEvent = { type: 'run.replay-ended', data: { ...replay, how: 'suspended' } }
const called = (position: number): SessionEvent => ({
  type: 'run.called',
  data: {
    ...{ position, name: 'tool shell', message: `run-${position}` },
    content: [{ type: 'text', text: 'The code calls shell.' }],
  },
})
const asked = (of: string, name = 'shell'): SessionEvent => ({
  type: 'tool.asked',
  data: { message: of, name, arguments: { command: 'ls' } },
})
const done = (call: string, status: 'ok' | 'error' = 'ok'): SessionEvent => ({
  type: 'tool-call.completed',
  data: { call, attempt: 1, status, output: 'a.txt' },
})
const servers: SessionEvent = {
  type: 'toolset.declared',
  data: { servers: [{ server: 'docs' }], principal: 'ann', wait: 20_000 },
}

/** The code has asked for a call, and its turn is begun. */
const begun = (first: readonly SessionEvent[] = [], name = 'shell') =>
  given(g(started(), declared, ...first), e(began), e(called(0), asked('run-0', name), over), e(turn('t4', 'run-0')))
const operation = ({ session }: ReturnType<typeof begun>) => session.run?.operations.at(0)
const given0 = (value: unknown) => ({ state: 'done', result: { kind: 'value', value } })

describe('a call that code asks for', () => {
  it('begins a turn, goes to the runners, and asks no model', () => {
    const { session } = given(g(started(), declared), e(began), e(called(0), asked('run-0'), over))
    const next = plan(session, [], said(4), true)
    expect(types(next?.events ?? [])).toEqual(['turn.started', 'tool-calls.requested'])
    expect(next?.events.at(-1)).toMatchObject({
      data: { calls: [{ call: 't4-tool', name: 'shell', arguments: { command: 'ls' }, replay: 'never' }] },
    })
  })

  it('ends its turn with its result, which the code is given; the model is told nothing', () => {
    const asks = begun()
    const requested = asks.and(e(...(due(asks.session, 5)?.events ?? [])))
    const result = requested.and(t(done('t4-tool')))
    const end = due(result.session, 7)
    expect(types(end?.events ?? [])).toEqual(['turn.completed'])
    const after = result.and(e(...(end?.events ?? [])))
    expect(operation(after)).toMatchObject(given0({ status: 'completed', output: 'a.txt' }))
    expect(after.session.transcript.toArray()).toEqual([])
    expect(due(after.session, 8)?.effect?.kind).toBe('replay-run')
  })

  it.each([
    ['that fails is told so', 'error' as const, 'failed'],
    ['that ends well is told so', 'ok' as const, 'completed'],
  ])('%s', (_, status, told) => {
    const asks = begun()
    const requested = asks.and(e(...(due(asks.session, 5)?.events ?? [])), t(done('t4-tool', status)))
    const after = requested.and(e(...(due(requested.session, 7)?.events ?? [])))
    expect(operation(after)).toMatchObject(given0({ status: told, output: 'a.txt' }))
  })

  it('of a tool that is not there fails, and names those that are', () => {
    const asks = begun([], 'shel')
    const next = plan(asks.session, [], said(5), true)
    expect(types(next?.events ?? []).slice(0, 2)).toEqual(['tool-call.completed', 'turn.completed'])
    expect(next?.after.run?.operations.at(0)).toMatchObject(
      given0({ status: 'failed', output: expect.stringContaining('did you mean') }),
    )
  })

  it('is decided about when the tools of its servers are known', () => {
    const asks = begun([servers])
    expect(types(due(asks.session, 5)?.events ?? [])).toEqual(['toolset.requested', 'timer.armed'])
    const waits = asks.and(e(...(due(asks.session, 5)?.events ?? [])))
    expect(due(waits.session, 6)).toBeNull()
    const known = waits.and(
      t({
        type: 'toolset.resolved',
        data: { request: 's5', servers: [{ server: 'docs', status: 'unavailable', reason: 'x' }] },
      }),
    )
    expect(types(due(known.session, 7)?.events ?? [])).toEqual(['tool-calls.requested'])
  })

  it('that is cancelled is told so', () => {
    const asks = begun()
    const requested = asks.and(e(...(due(asks.session, 5)?.events ?? [])))
    const cancelled = requested.and(g(cancel()))
    const after = cancelled.and(e(...(due(cancelled.session, 7)?.events ?? [])))
    expect(operation(after)).toMatchObject(given0({ status: 'cancelled' }))
  })

  it('lets messages of people wait', () => {
    const asks = begun()
    const requested = asks.and(e(...(due(asks.session, 5)?.events ?? [])), g(message('m1', 'join')))
    const result = requested.and(t(done('t4-tool')))
    expect(types(due(result.session, 8)?.events ?? [])).toEqual(['turn.completed'])
  })
})

describe('a call that a run asks for in a session below', () => {
  const child = childId(id, 'default/default')
  const run = given(
    g(
      started(),
      { type: 'agents.declared', data: { agents: [], levels: 2, fanOut: 4, perTurn: 8, sessions: 9 } },
      { type: 'run.declared', data: { file: 'w.ts', digest: 'd' } },
      { type: 'run.invoked', data: { workflow: 'report', project: 'p' } },
    ),
    e(began),
    e(
      { type: 'run.initialized', data: { position: 0, name: 'default', agent: 'helper', digest: 'h', pool: 'p' } },
      {
        type: 'run.prompted',
        data: {
          ...{ position: 1, name: 'default/default', harness: 'default', child, pool: 'p', levels: 1, sessions: 0 },
          content: [{ type: 'text', text: 'The code calls shell.' }],
        },
      },
      asked('run-1'),
      over,
    ),
  )

  it('is told with the prompt, and its result is the answer', () => {
    const [errand] = standingErrands(run.session)
    if (errand?.kind !== 'prompt-child') throw new Error('no prompt')
    const fresh = given(e(started()))
    const told = promptChild({ session: fresh.session, head: fresh.head }, errand, run.session, null)
    expect(types(told?.events ?? [])).toEqual(['delegation.prompted', 'message.received', 'tool.asked'])
    const below = fresh.and(e(...(told?.events ?? [])))
    const asks = below.and(e(...(plan(below.session, [], said(3), true)?.events ?? [])))
    const result = asks.and(t(done('t3-tool')))
    const ended = result.and(e(...(due(result.session, 5)?.events ?? [])))
    const settled = settleParent(
      { session: run.session, head: run.head },
      { session: id, call: 'run-1', pool: 'p' },
      { ...ended.session, id: child },
    )
    expect(settled?.events).toMatchObject([
      { type: 'delegation.settled', data: { result: { status: 'completed', output: 'a.txt' } } },
    ])
  })
})
