// Agents that delegate, as processes: a lead asks helpers by the tool `delegate`, and each helper is a session of its own.
import { type AgentDefinition, definitionDigest, inlineDefinitions, isChild, rootOf } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'
import { childAt, dataOf, delegate, sound } from './events.ts'

const deadline = 120_000
const helperText = 'Delegate when something must be looked up.'
let world: World
let services: ServiceProcess[]

const begin = async (agent: string, message: string): Promise<string> =>
  (await world.api.create(agent, message)).session.id

const inner = { name: 'inner', description: 'Delegate the smallest parts.', system_prompt: 'You do a small part.' }
const outer = { name: 'outer', description: 'Delegate large parts.', system_prompt: 'You do a part.', agents: [inner] }
const boss: Partial<AgentDefinition> = { agents: [outer], tools: [] }

beforeAll(async () => {
  world = await World.open()
  await world.start('registry')
  services = await Promise.all([
    world.start('session-gateway'),
    world.start('executor', { labels: { desk: 'a' } }),
    world.start('tool-runner'),
  ])
  await world.agent('helper', { description: helperText })
  await world.agent('at-desk', { description: 'Delegate what needs a desk.', affinity: { desk: 'a' }, tools: [] })
  await world.agent('careful', {
    description: 'Delegate what a person must see first.',
    tools: [{ shell: { approval: 'always' } }],
  })
  await world.agent('middle', { description: 'Delegate what has parts.', agents: ['helper'] })
  await world.agent('lead', {
    agents: ['helper', 'middle', 'at-desk', 'careful', { name: 'pausing', on_pause: 'return', ...workflow }],
  })
  await world.agent('boss', boss)
}, deadline)

const workflow = { description: 'Delegate what may pause.', workflow: 'careful' }

afterAll(() => world?.close(), deadline)

describe('a lead that delegates', () => {
  test(
    'gets the answer of a session with the helper as its agent, which runs its own definition',
    async () => {
      const session = await begin('lead', delegate({ agent: 'helper', instruction: 'say found it' }))
      await sound(world, session)
      const child = await childAt(world, session)
      expect([isChild(child), rootOf(child)]).toEqual([true, session])
      expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([
        { child, status: 'completed', output: 'found it' },
      ])
      await sound(world, child)
      const [declared] = await dataOf(world, session, 'agents.declared')
      const [parent] = await dataOf(world, session, 'session.started')
      const [started] = await dataOf(world, child, 'session.started')
      expect(started).toMatchObject({
        agent: 'helper',
        digest: declared?.agents.find(({ name }) => name === 'helper')?.digest,
        parent: { session, pool: 'default' },
        principal: parent?.principal,
      })
      // The scripted model repeats what it was told.
      expect(JSON.stringify((await dataOf(world, session, 'model-call.completed')).at(-1)?.content)).toContain(
        JSON.stringify('{"agent":"helper","status":"completed","output":"found it"}').slice(1, -1),
      )
    },
    deadline,
  )

  test(
    'tells it the input and the form of the answer with the instruction',
    async () => {
      const asked = {
        agent: 'helper',
        instruction: 'Count these.',
        input: { names: ['a', 'b'] },
        expected_output: 'A number.',
      }
      const session = await begin('lead', delegate(asked))
      await sound(world, session)
      const [message] = await dataOf(world, await childAt(world, session), 'message.received')
      expect(message?.content).toEqual([
        {
          type: 'text',
          text: 'Count these.\n\nInput:\n{\n  "names": [\n    "a",\n    "b"\n  ]\n}\n\nExpected output:\nA number.',
        },
      ])
    },
    deadline,
  )

  test(
    'asks several at once, in one answer',
    async () => {
      const one = (at: number) => delegate({ agent: 'helper', instruction: `say part ${at}` })
      const session = await begin('lead', [1, 2, 3, 4].map(one).join(' & '))
      await sound(world, session)
      const log = (await world.readLog(session)).flatMap(({ frame }) => frame.events.map(({ type }) => type))
      expect(log.lastIndexOf('delegation.requested')).toBeLessThan(log.indexOf('delegation.settled'))
      const outputs = (await dataOf(world, session, 'delegation.settled')).map(({ output }) => output)
      expect([...outputs].sort()).toEqual(['part 1', 'part 2', 'part 3', 'part 4'])
    },
    deadline,
  )

  test(
    'reaches agents of its agents through them, each a session of the same tree',
    async () => {
      const deep = delegate({ agent: 'helper', instruction: 'say deep' })
      const session = await begin('lead', delegate({ agent: 'middle', instruction: deep }))
      await sound(world, session)
      const middle = await childAt(world, session)
      const leaf = await childAt(world, middle)
      await sound(world, middle, leaf)
      expect([rootOf(middle), rootOf(leaf)]).toEqual([session, session])
      expect(await dataOf(world, middle, 'delegation.settled')).toMatchObject([{ child: leaf, output: 'deep' }])
      // The middle used one of the sessions that it was given; the rest came back.
      expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([{ child: middle, sessions: 1 }])
      expect(await dataOf(world, middle, 'agents.declared')).toMatchObject([{ levels: 4 }])
    },
    deadline,
  )

  test(
    'is told what went wrong, and goes on',
    async () => {
      const session = await begin(
        'lead',
        [
          delegate({ agent: 'nobody', instruction: 'x' }),
          delegate({ agent: 'helper', instruction: 'fail auth' }),
          delegate({ agent: 'helper', instruction: 'say fine' }),
        ].join(' & '),
      )
      await sound(world, session)
      const [refused] = await dataOf(world, session, 'tool-call.completed')
      expect(refused && JSON.parse(refused.output)).toEqual({
        agent: 'nobody',
        status: 'failed',
        output: "Agent 'nobody' not found. Available: helper, middle, at-desk, careful, pausing.",
      })
      const statuses = (await dataOf(world, session, 'delegation.settled')).map(({ status }) => status)
      expect([...statuses].sort()).toEqual(['completed', 'failed'])
      expect(await dataOf(world, session, 'turn.completed')).toHaveLength(1)
    },
    deadline,
  )

  test(
    'waits for an agent in a pool of its own',
    async () => {
      const session = await begin('lead', delegate({ agent: 'at-desk', instruction: 'say sat down' }))
      await sound(world, session)
      const [asked] = await dataOf(world, session, 'delegation.requested')
      expect(asked?.pool).not.toBe('default')
      const [started] = await dataOf(world, asked?.child ?? '', 'session.started')
      expect(started?.pools.executor).toBe(asked?.pool)
    },
    deadline,
  )

  test(
    'waits with an agent that waits for a person',
    async () => {
      const session = await begin('lead', delegate({ agent: 'careful', instruction: '!shell echo seen' }))
      const child = await eventually(async () => (await childAt(world, session)) || undefined)
      await approve(child)
      await sound(world, session, child)
      expect(await dataOf(world, session, 'delegation.paused')).toEqual([])
      expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([{ child, status: 'completed' }])
    },
    deadline,
  )

  test(
    'cancels what it has asked for, down to the last session',
    async () => {
      const endless = delegate({ agent: 'helper', instruction: 'hang' })
      const session = await begin('lead', delegate({ agent: 'middle', instruction: endless }))
      const leaf = await eventually(async () => {
        const middle = await childAt(world, session)
        return (middle && (await childAt(world, middle))) || undefined
      })
      await eventually(async () => (await dataOf(world, leaf, 'model-call.started')).length > 0)
      await world.api.control(session, 'cancel')
      const middle = await childAt(world, session)
      await sound(world, session, middle, leaf)
      for (const one of [session, middle, leaf])
        expect([one, (await dataOf(world, one, 'turn.cancelled')).length]).toEqual([one, 1])
    },
    deadline,
  )
})

describe('agents that are written in place', () => {
  test(
    'are sessions with definitions of their own, in each other too',
    async () => {
      const deep = delegate({ agent: 'inner', instruction: 'say smallest' })
      const session = await begin('boss', delegate({ agent: 'outer', instruction: deep }))
      await sound(world, session)
      const child = await childAt(world, session)
      const grandchild = await childAt(world, child)
      const started = await Promise.all([child, grandchild].map((one) => dataOf(world, one, 'session.started')))
      const { body } = await world.api.once<{ agent: { definition: AgentDefinition } }>('GET', '/v1/agents/boss')
      const [small, large] = inlineDefinitions(body.agent.definition).map(definitionDigest)
      expect(started.map(([first]) => [first?.agent, first?.digest])).toEqual([
        ['outer', large],
        ['inner', small],
      ])
      expect(await dataOf(world, grandchild, 'turn.completed')).toHaveLength(1)
    },
    deadline,
  )
})

describe('an agent that pauses and returns', () => {
  test(
    'goes on in a later turn, after everything was restarted and a person has decided',
    async () => {
      const session = await begin(
        'lead',
        delegate({ agent: 'pausing', instruction: '!shell echo shipped >> shipped.txt' }),
      )
      await sound(world, session)
      const child = await childAt(world, session)
      expect(await dataOf(world, session, 'delegation.paused')).toMatchObject([
        { child, output: { waits_for: 'approval', calls: [{ tool: 'shell' }] } },
      ])
      // Asked again too early, it says the same again, and nothing was decided.
      const again = (instruction: string) => delegate({ agent: 'pausing', instruction, execution_id: child })
      await world.api.send(session, again('Please.'))
      await eventually(async () => (await dataOf(world, session, 'delegation.paused')).length === 2)
      await sound(world, session)
      expect(await dataOf(world, child, 'message.received')).toHaveLength(1)

      await Promise.all(services.map((one) => one.kill()))
      const [gateway] = services
      const next = await Promise.all([
        gateway ? world.replaceGateway(gateway) : world.start('session-gateway'),
        world.start('executor', { labels: { desk: 'a' } }),
        world.start('tool-runner'),
      ])
      services = next
      await approve(child)
      await world.api.send(session, again('Go on.'))
      await eventually(async () => (await dataOf(world, session, 'delegation.settled')).length === 1)
      await sound(world, session, child)
      expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([{ child, status: 'completed' }])
      expect(world.lines('shipped.txt')).toEqual(['shipped'])
      const wrong = await Promise.all([
        refusedFor(session, { agent: 'pausing', instruction: 'x', execution_id: child }),
        refusedFor(await begin('lead', 'say hello'), { agent: 'pausing', instruction: 'x', execution_id: child }),
      ])
      expect(wrong).toEqual([
        expect.stringContaining('has finished (completed)'),
        expect.stringContaining('belongs to another tree'),
      ])
    },
    deadline,
  )

  test(
    'that a person has paused goes on with what it is told, in its whole context',
    async () => {
      const session = await begin('lead', delegate({ agent: 'pausing', instruction: 'stream 100 every 100' }))
      const child = await eventually(async () => (await childAt(world, session)) || undefined)
      await eventually(async () => (await dataOf(world, child, 'model-call.started')).length > 0)
      // A message that it has not taken up when it is paused, so that it does not end first.
      await world.api.send(child, 'say one more')
      await world.api.control(child, 'pause')
      await eventually(async () => (await dataOf(world, session, 'delegation.paused')).length === 1)
      await sound(world, session)
      expect(await dataOf(world, session, 'delegation.paused')).toMatchObject([{ output: { waits_for: 'resume' } }])
      await world.api.send(
        session,
        delegate({ agent: 'pausing', instruction: 'say went on', input: 'eu', execution_id: child }),
      )
      await eventually(async () => (await dataOf(world, session, 'delegation.settled')).length === 1)
      await sound(world, session, child)
      const messages = await dataOf(world, child, 'message.received')
      expect(messages.at(-1)?.content).toEqual([{ type: 'text', text: 'say went on\n\nInput:\neu' }])
      expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([{ status: 'completed' }])
    },
    deadline,
  )

  test(
    'is cancelled when the session above ends',
    async () => {
      const session = await begin('lead', delegate({ agent: 'pausing', instruction: '!shell echo never >> never.txt' }))
      await sound(world, session)
      const child = await childAt(world, session)
      await world.api.control(session, 'end')
      await eventually(async () => (await dataOf(world, child, 'turn.cancelled')).length === 1)
      await sound(world, child)
      expect(world.lines('never.txt')).toEqual([])
    },
    deadline,
  )
})

describe('limits', () => {
  test(
    'of the tree and of one answer are refused with what they are',
    async () => {
      await world.agent('bounded', {
        agents: ['helper'],
        tools: [],
        delegation: { max_fan_out: 2, max_sessions: 2 },
      })
      const one = delegate({ agent: 'helper', instruction: 'say done' })
      const session = await begin('bounded', [one, one, one].join(' & '))
      await sound(world, session)
      const refused = (await dataOf(world, session, 'tool-call.completed')).map(
        ({ output }) => JSON.parse(output).output,
      )
      expect([...refused].sort()).toEqual([
        expect.stringContaining('(max_sessions)'),
        expect.stringContaining('(max_fan_out)'),
      ])
      expect(await dataOf(world, session, 'delegation.requested')).toHaveLength(1)
    },
    deadline,
  )
})

describe('an agent that others list', () => {
  test(
    'is deleted only by force, and a new session is told that it is gone',
    async () => {
      await world.agent('short-lived', { description: 'Delegate while it is there.' })
      await world.agent('owner', { agents: ['short-lived', 'helper'], tools: [] })
      const refused = await world.api.once<{ error: { code: string; message: string } }>(
        'DELETE',
        '/v1/agents/short-lived',
      )
      expect([refused.status, refused.body.error]).toEqual([
        409,
        expect.objectContaining({ code: 'agent_in_use', message: expect.stringContaining('listed by owner') }),
      ])
      expect((await world.api.once('DELETE', '/v1/agents/short-lived?force=true')).status).toBe(200)
      const session = await begin('owner', 'say hello')
      await sound(world, session)
      expect(await refusedFor(session, { agent: 'short-lived', instruction: 'x' })).toContain(
        "Agent 'short-lived' was deleted.",
      )
    },
    deadline,
  )
})

/** What its model is told of a delegation that is refused. */
async function refusedFor(session: string, args: Record<string, unknown>): Promise<string> {
  await sound(world, session)
  const before = (await dataOf(world, session, 'tool-call.completed')).length
  await world.api.send(session, delegate(args))
  const output = await eventually(async () => (await dataOf(world, session, 'tool-call.completed'))[before]?.output)
  await sound(world, session)
  return JSON.parse(output).output
}

async function approve(session: string): Promise<void> {
  const call = await eventually(async () => (await dataOf(world, session, 'approval.requested')).at(-1)?.call)
  const approved = await world.api.once('POST', `/v1/sessions/${session}/approvals/${call}`, { verdict: 'approved' })
  expect(approved.status).toBeLessThan(300)
}
