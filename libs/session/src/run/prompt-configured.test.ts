import { childId, type EventData, type SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { e, g, given, id, message, started, turn } from '../../test/given.ts'
import { comingDigest } from '../configured/coming.ts'
import { promptChild } from '../delegation/errand-frames.ts'
import { openOf } from './run-state.ts'

const child = childId(id, 'default/default')
const pinned = (digest: string): EventData<'agent.configured'>['pinned'] => ({
  ...{ digest, model: `scripted/${digest}`, limits: { maxToolCalls: 5 }, tools: {}, toolset: [] },
})
const prompted = (position: number): SessionEvent => ({
  type: 'run.prompted',
  data: {
    ...{ position, name: 'default/default', harness: 'default', child, pool: 'p', levels: 0, sessions: 0 },
    content: [{ type: 'text', text: 'do it' }],
  },
})
const configured = (position: number, digest: string): SessionEvent => ({
  type: 'prompt.configured',
  data: { message: `run-${position}`, digest },
})
const team: SessionEvent = {
  type: 'agents.declared',
  data: { agents: [], levels: 1, fanOut: 9, perTurn: 9, sessions: 9 },
}
const run = given(
  g(
    started({}),
    team,
    { type: 'run.declared', data: { file: 'w.ts', digest: 'b1' } },
    { type: 'run.invoked', data: { workflow: 'w', project: 'p' } },
  ),
).and(
  e({ type: 'run.replay-started', data: { replay: 'r1', attempt: 1 } }),
  e({ type: 'run.initialized', data: { position: 0, name: 'default', agent: 'a', digest: 'd1', pool: 'p' } }),
)
const below = given(g(started({ digest: 'd1' }), message('m1')), e(turn('t1', 'm1')))

test('a prompt is answered by the definition that its run said beside it, and it is known which one was the last', () => {
  const { session } = run.and(e(prompted(1), configured(1, 'd2')))
  const [open] = session.run ? openOf(session.run, 'prompt') : []
  expect([open?.waits.digest, open?.waits.configured]).toEqual(['d2', true])
  expect(session.run?.configured).toEqual({ [child]: 'd2' })
  expect(session.run?.harnesses?.default?.digest).toBe('d1')
})

test('without it a prompt is answered by the definition of its harness', () => {
  const { session } = run.and(e(prompted(1)))
  const [open] = session.run ? openOf(session.run, 'prompt') : []
  expect([open?.waits.digest, open?.waits.configured]).toEqual(['d1', undefined])
})

test('a session below that has another definition is told it before the message, and has it from the next turn on', () => {
  const above = run.and(e(prompted(1), configured(1, 'd2'))).session
  const [open] = above.run ? openOf(above.run, 'prompt') : []
  if (!open) throw new Error('no prompt is open')
  const errand = { kind: 'prompt-child' as const, child, position: 1, prompt: open.waits }
  const head = { ...below.head }
  const said = (digest: string) =>
    promptChild({ head, session: below.session } as never, errand, above, null, {
      pinned: pinned(digest) as never,
      declared: [],
    })?.events.map(({ type }) => type)
  expect(said('d2')).toEqual(['delegation.prompted', 'prompt.configured', 'message.received'])
  const had = { ...errand, prompt: { ...open.waits, digest: 'd1' } }
  expect(
    promptChild({ head, session: below.session } as never, had, above, null, {
      pinned: pinned('d1') as never,
      declared: [],
    })?.events.map(({ type }) => type),
  ).toEqual(['delegation.prompted', 'message.received'])
  const told: SessionEvent = {
    type: 'prompt.configured',
    data: { message: 'm-run-1', digest: 'd2', pinned: pinned('d2') as never },
  }
  const after = below.and(e(told)).session
  expect([after.born?.digest, comingDigest(after)]).toEqual(['d1', 'd2'])
})
