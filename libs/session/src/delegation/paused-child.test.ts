import { childId, type DeclaredAgent, type SessionEvent, toExec } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  cancel,
  e,
  g,
  given,
  id,
  message,
  paused,
  type Said,
  started,
  text,
  turn,
  turnCompleted,
  types,
} from '../../test/given.ts'
import { plan } from '../deciding/plan.ts'
import { resumeChild, settlement } from './errand-frames.ts'
import { finalErrand, standingErrands } from './errands.ts'

const agents: DeclaredAgent[] = [
  { name: 'deployer', description: 'd', onPause: 'return', digest: 'h1', pool: 'default' },
  { name: 'other', description: 'd', onPause: 'wait', digest: 'h2', pool: 'default' },
]
const child = childId(id, 'k1')
const begins = (...names: readonly string[]): Said[] => [
  g(
    started({ agents: {} }),
    { type: 'agents.declared', data: { agents, levels: 3, fanOut: 8, perTurn: 8, sessions: 20 } },
    ...names.map((name) => message(name)),
  ),
]
const request: SessionEvent = {
  type: 'delegation.requested',
  data: { call: 'k1', agent: 'deployer', digest: 'h1', pool: 'default', child, instruction: 'ship', onPause: 'return' },
}
const first = [
  ...begins('m1', 'm9'),
  e(turn('t2', 'm1'), calling('c2', 't2')),
  e(answered('c2', asks('k1', 'delegate', { agent: 'deployer', instruction: 'ship' })), request),
]
const output = { waits_for: 'approval', reason: 'x' }
const pausedEvent: SessionEvent = { type: 'delegation.paused', data: { call: 'k1', child, output } }
/** Its turn went on with what it was told, and ended. */
const told = given(
  ...first,
  e(pausedEvent),
  e(calling('c5', 't2')),
  e(answered('c5', text('later')), turnCompleted('t2', 'c5')),
)

const again = (args: Record<string, unknown>) => {
  const next = told.and(e(turn('t7', 'm9'), calling('c7', 't7')))
  const content = asks('k2', 'delegate', { agent: 'deployer', instruction: 'go on', ...args })
  return plan(next.session, [answered('c7', content)], { n: 8, at: 1000, by: 'e1' }, true)
}
const refusal = (args: Record<string, unknown>): unknown => {
  const event = again(args)?.events[1]
  return event?.type === 'tool-call.completed' ? JSON.parse(event.data.output).output : event
}

const below = (...frames: readonly Said[]) => {
  const parent = { session: id, call: 'k1', pool: 'default' }
  const born = e(
    started({ agents: {}, parent }),
    { type: 'parent.declared', data: { onPause: 'return' } },
    message('do'),
  )
  const { session } = given(born, ...frames)
  return { ...session, id: child }
}
const asksPerson: readonly SessionEvent[] = [
  answered('c2', asks('k3', 'shell', { command: 'ship' })),
  {
    type: 'approval.requested',
    data: { call: 'k3', name: 'shell', arguments: { command: 'ship' }, digest: 'a'.repeat(64), reason: 'It ships.' },
  },
]
const waits = [e(turn('t2', 'do'), calling('c2', 't2')), e(...asksPerson)]
const continued = (call: string): SessionEvent => ({ type: 'delegation.continued', data: { call } })

describe('a child that waits for a person, and whose parent does not wait with it', () => {
  it('tells its parent for what, each time that it is at rest', () => {
    const session = below(...waits)
    const [errand, ...others] = standingErrands(session)
    expect([errand, others]).toEqual([{ kind: 'settle-parent' }, []])
    expect(finalErrand(session, { kind: 'settle-parent' })).toBeNull()
    expect(settlement(given(...first).session, session)).toEqual({
      type: 'delegation.paused',
      data: {
        call: 'k1',
        child,
        output: {
          waits_for: 'approval',
          reason: 'A person must approve what the agent wants to do.',
          calls: [{ tool: 'shell', arguments: { command: 'ship' }, reason: 'It ships.' }],
        },
      },
    })
  })

  it('tells it also that a person has paused it', () => {
    const session = below(e(turn('t2', 'do')), g(paused))
    expect(settlement(given(...first).session, session)).toMatchObject({ data: { output: { waits_for: 'resume' } } })
  })

  it('says nothing while something of it runs', () => {
    const session = below(e(turn('t2', 'do'), calling('c2', 't2')), g(paused))
    expect(standingErrands(session)).toEqual([])
    expect(settlement(given(...first).session, session)).toBeNull()
  })

  it('says nothing where its parent waits with it', () => {
    const { onPause: _, ...session } = below(...waits)
    expect(standingErrands(session)).toEqual([])
    expect(settlement(given(...first).session, session)).toBeNull()
  })
})

describe('the model above', () => {
  it('is told with the id by which it can go on', () => {
    expect(told.session.transcript.toArray().find(({ role }) => role === 'tool')).toMatchObject({
      error: false,
      output: JSON.stringify({ agent: 'deployer', status: 'paused', output, execution_id: child }),
    })
  })

  it('goes on with the child in a later turn, by a frame for the child', () => {
    const next = again({ execution_id: child, input: { region: 'eu' } })
    expect(next?.to).toEqual(toExec('default'))
    expect(next?.events[1]).toEqual({
      type: 'delegation.resumed',
      data: {
        ...{ call: 'k2', agent: 'deployer', child, pool: 'default', instruction: 'go on' },
        input: '{\n  "region": "eu"\n}',
      },
    })
    expect(next && standingErrands(next.after)).toMatchObject([{ kind: 'resume-child', call: 'k2', child }])
  })

  it('is told which it is where it cannot', () => {
    expect(refusal({ execution_id: 'nonsense' })).toBe(
      "The execution 'nonsense' is unknown. Give the execution_id of a paused result.",
    )
    const elsewhere = childId('01JZZZZZZZZZZZZZZZZZZZZZZZ', 'k1')
    expect(refusal({ execution_id: elsewhere })).toContain('belongs to another tree of sessions')
    expect(refusal({ execution_id: childId(id, 'other') })).toContain('is unknown here')
    expect(refusal({ execution_id: child, agent: 'other' })).toBe(
      `The execution '${child}' belongs to the agent 'deployer', not to 'other'.`,
    )
    expect(refusal({ execution_id: 7 })).toContain('must be the text of a paused result')
  })

  it('cannot go on twice at once, nor with what has finished', () => {
    const twice = [
      asks('k2', 'delegate', { agent: 'deployer', instruction: 'a', execution_id: child }),
      asks('k3', 'delegate', { agent: 'deployer', instruction: 'b', execution_id: child }),
    ]
    const next = told.and(e(turn('t7', 'm9'), calling('c7', 't7')))
    const both = plan(next.session, [answered('c7', ...twice)], { n: 8, at: 1000, by: 'e1' }, true)
    expect(types(both?.events ?? [])).toEqual(['model-call.completed', 'delegation.resumed', 'tool-call.completed'])
    expect(both?.events[2]).toMatchObject({ data: { call: 'k3', output: expect.stringContaining('is still running') } })
    const done: SessionEvent = {
      type: 'delegation.settled',
      data: { call: 'k1', child, status: 'completed', output: 'shipped' },
    }
    const finished = given(...first, e(done), e(calling('c5', 't2')))
    const content = asks('k2', 'delegate', { agent: 'deployer', instruction: 'x', execution_id: child })
    const refused = plan(finished.session, [answered('c5', content)], { n: 6, at: 1000, by: 'e1' }, true)
    expect(refused?.events[1]).toMatchObject({ data: { output: expect.stringContaining('has finished (completed)') } })
  })
})

describe('going on with a child', () => {
  const resumption = {
    ...{ kind: 'resume-child' as const, call: 'k2', agent: 'deployer', child, pool: 'default', instruction: 'go on' },
  }
  const resume = (session: ReturnType<typeof below>) =>
    resumeChild({ session, head: { ...told.head, n: 4, status: 'waiting' } }, resumption, told.session)

  it('that a person has paused lets it go on, and tells it what was said', () => {
    expect(resume(below(e(turn('t2', 'do')), g(paused)))).toMatchObject({
      events: [
        continued('k2'),
        { type: 'session.resumed' },
        { type: 'message.received', data: { message: 'm-k2', content: [{ text: 'go on' }], onBusy: 'join' } },
      ],
      to: toExec('default'),
      status: 'idle',
    })
  })

  it('that waits for a decision decides nothing: it only says that it waits', () => {
    const session = below(...waits)
    expect(resume(session)).toMatchObject({ events: [continued('k2')], status: 'waiting' })
    const above = again({ execution_id: child })?.after
    // What it says before it has heard of the new call is no answer to that.
    expect(above && settlement(above, session)).toBeNull()
    expect(above && settlement(above, below(...waits, e(continued('k2'))))).toMatchObject({
      type: 'delegation.paused',
      data: { call: 'k2' },
    })
  })

  it('that has ended meanwhile gives its answer', () => {
    const ended = [
      e(turn('t2', 'do'), calling('c2', 't2')),
      e(answered('c2', text('shipped')), turnCompleted('t2', 'c2')),
    ]
    expect(resume(below(...ended))).toMatchObject({ events: [continued('k2')] })
    const above = again({ execution_id: child })?.after
    expect(above && settlement(above, below(...ended, e(continued('k2'))))).toMatchObject({
      data: { call: 'k2', status: 'completed', output: 'shipped' },
    })
  })

  it('tells its end to each call that it answers, also where nobody waited for it before', () => {
    const ended = [
      e(turn('t2', 'do'), calling('c2', 't2')),
      e(answered('c2', text('shipped')), turnCompleted('t2', 'c2')),
    ]
    const named = (...frames: readonly Said[]) => finalErrand(below(...frames), { kind: 'settle-parent' })
    expect(named(...ended)).not.toBe(named(...ended, e(continued('k2'))))
  })

  it('is done once', () => {
    expect(resume(below(...waits, e(continued('k2'))))).toBeNull()
  })
})

describe('the end of a session', () => {
  it('cancels the children that it left paused', () => {
    const next = told.and(g(cancel(true)))
    const frame = plan(next.session, [], { n: 8, at: 1000, by: 'e1' }, true)
    expect(frame?.to).toEqual(toExec('default'))
    expect(frame?.events[0]).toMatchObject({ type: 'delegation.cancel-requested', data: { call: 'k1', child } })
    expect(types(frame?.events ?? []).at(-1)).toBe('session.ended')
  })
})
