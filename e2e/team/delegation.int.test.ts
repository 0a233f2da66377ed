// Agents that delegate, as processes: a lead asks helpers by the tool `delegate`, and each helper is a session of its own.
import { isChild, rootOf, type SessionEvent } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { World } from '../harness/world.ts'

const deadline = 120_000
let world: World

beforeAll(async () => {
  world = await World.open()
  for (const name of ['registry', 'session-gateway', 'executor', 'tool-runner'] as const) await world.start(name)
  await world.agent('helper', { description: 'Delegate when something must be looked up.' })
  await world.agent('lead', { agents: ['helper'] })
}, deadline)

afterAll(() => world?.close(), deadline)

const begin = async (agent: string, message: string): Promise<string> =>
  (await world.api.create(agent, message)).session.id

const eventsIn = async (session: string): Promise<readonly SessionEvent[]> =>
  (await world.readLog(session)).flatMap(({ frame }) => frame.events)

const of = <T extends SessionEvent['type']>(events: readonly SessionEvent[], type: T) =>
  events.filter((event): event is Extract<SessionEvent, { type: T }> => event.type === type)

const delegate = (args: Record<string, unknown>): string => `call delegate ${JSON.stringify(args)}`

/** What the model of the parent was told of its delegations: read from the summary that the scripted model makes of results. */
async function settled(session: string): Promise<readonly SessionEvent[]> {
  expect(await world.verdict(session)).toEqual([])
  return eventsIn(session)
}

describe('a lead that delegates', () => {
  test(
    'gets the answer of a session with the helper as its agent, which runs its own definition',
    async () => {
      const session = await begin('lead', delegate({ agent: 'helper', instruction: 'say found it' }))
      const events = await settled(session)
      const [declared] = of(events, 'agents.declared')
      expect(declared?.data.agents).toMatchObject([
        { name: 'helper', description: 'Delegate when something must be looked up.', onPause: 'wait' },
      ])
      const [asked] = of(events, 'delegation.requested')
      const child = asked?.data.child ?? ''
      expect([isChild(child), rootOf(child)]).toEqual([true, session])
      expect(of(events, 'delegation.settled').map(({ data }) => data)).toMatchObject([
        { child, status: 'completed', output: 'found it' },
      ])
      expect(await world.verdict(child)).toEqual([])
      const [started] = of(await eventsIn(child), 'session.started')
      expect(started?.data).toMatchObject({
        agent: 'helper',
        digest: declared?.data.agents[0]?.digest,
        parent: { session, pool: 'default' },
        principal: of(events, 'session.started')[0]?.data.principal,
      })
      expect(JSON.stringify(of(events, 'model-call.completed').at(-1)?.data.content)).toContain(
        '{\\"agent\\":\\"helper\\",\\"status\\":\\"completed\\",\\"output\\":\\"found it\\"}',
      )
    },
    deadline,
  )
})
