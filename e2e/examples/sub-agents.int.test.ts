// The agents of examples/ai, and the researcher and the lead of examples/agents, put by the command line as their first lines say, and used
// by their turns. The YAML of docs/delegation.md is put too.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledBinary } from '../../scripts/bundle.ts'
import { eventually } from '../harness/eventually.ts'
import { World } from '../harness/world.ts'
import { dataOf, delegate, sound } from '../team/events.ts'

const deadline = 120_000
const root = path.join(import.meta.dirname, '..', '..')

let world: World

beforeAll(async () => {
  world = await World.open()
  for (const name of ['registry', 'session-gateway', 'executor', 'tool-runner', 'memory'] as const)
    await world.start(name)
  for (const file of ['deploy_pipeline', 'sub_agents_local', 'sub_agents_workflow', 'sub_agents_mixed'])
    expect(await applied(`examples/ai/${file}.yaml`)).toEqual([0, expect.anything()])
}, deadline)

afterAll(() => world?.close(), deadline)

async function applied(file: string): Promise<readonly [number | null, string]> {
  const { status, stderr } = spawnSync(process.execPath, [await bundledBinary(), 'agent', 'apply', '--file', file], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: path.dirname(process.execPath), HOME: root, REINS_URL: world.api.url(), REINS_TOKEN: world.token },
  })
  return [status, stderr]
}

const begin = async (agent: string, message: string): Promise<string> =>
  (await world.api.create(agent, message)).session.id

const ship = delegate({ agent: 'deployer', instruction: '!shell echo deployed >> deployed.txt' })

async function approve(session: string): Promise<void> {
  const call = await eventually(async () => (await dataOf(world, session, 'approval.requested')).at(-1)?.call)
  const approved = await world.api.once('POST', `/v1/sessions/${session}/approvals/${call}`, { verdict: 'approved' })
  expect(approved.status).toBeLessThan(300)
}

test(
  'sub_agents_local: two agents that are written in place work side by side',
  async () => {
    const session = await begin(
      'engineering-manager',
      `${delegate({ agent: 'researcher', instruction: 'say two sources' })} & ${delegate({ agent: 'reviewer', instruction: 'say no faults' })}`,
    )
    await sound(world, session)
    const settled = await dataOf(world, session, 'delegation.settled')
    expect(settled.map(({ status, output }) => [status, output]).sort()).toEqual([
      ['completed', 'no faults'],
      ['completed', 'two sources'],
    ])
    const log = await world.readLog(session)
    const firstEnd = log.findIndex(({ frame }) => frame.events.some(({ type }) => type === 'delegation.settled'))
    const asked = log.slice(0, firstEnd).flatMap(({ frame }) => frame.events)
    expect(asked.filter(({ type }) => type === 'delegation.requested')).toHaveLength(2)
  },
  deadline,
)

test(
  'sub_agents_workflow and deploy_pipeline: the deployment pauses, a person approves, and a later turn goes on',
  async () => {
    const session = await begin('release-manager', ship)
    await sound(world, session)
    const [paused] = await dataOf(world, session, 'delegation.paused')
    const child = paused?.child ?? ''
    expect(paused?.output).toMatchObject({ waits_for: 'approval', calls: [{ tool: 'shell' }] })
    await approve(child)
    await world.api.send(session, delegate({ agent: 'deployer', instruction: 'Go on.', execution_id: child }))
    await eventually(async () => (await dataOf(world, session, 'delegation.settled')).length > 0)
    await sound(world, session)
    await sound(world, child)
    expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([{ child, status: 'completed' }])
    expect(world.lines('deployed.txt')).toEqual(['deployed'])
  },
  deadline,
)

test(
  'sub_agents_mixed: a local agent, a workflow and tools of its own in one answer',
  async () => {
    const session = await begin(
      'release-lead',
      `${delegate({ agent: 'writer', instruction: 'say the notes' })} & ${ship} & write notes.txt: of the release`,
    )
    await sound(world, session)
    expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([
      { status: 'completed', output: 'the notes' },
    ])
    expect(await dataOf(world, session, 'delegation.paused')).toHaveLength(1)
    expect(await dataOf(world, session, 'tool-call.completed')).toMatchObject([{ status: 'ok' }])
    expect(world.lines('notes.txt')).toEqual(['of the release'])
  },
  deadline,
)

describe('docs/delegation.md', () => {
  const text = readFileSync(path.join(root, 'docs', 'delegation.md'), 'utf8')
  const definitions = [...text.matchAll(/```yaml\n(name: (\S+)\n[\s\S]*?)```/g)].map(([, yaml = '', name = '']) => ({
    name,
    yaml,
  }))

  test(
    'shows definitions that can be stored one after the other',
    async () => {
      expect(definitions.length).toBeGreaterThan(2)
      for (const { name, yaml } of definitions) {
        const answer = await fetch(`${world.api.url()}/v1/agents/${name}`, {
          method: 'PUT',
          headers: { ...world.api.headers, 'content-type': 'application/yaml' },
          body: yaml,
        })
        expect([name, answer.status, await answer.text()]).toEqual([name, 201, expect.anything()])
      }
    },
    deadline,
  )
})

describe('researcher and delegation', () => {
  beforeAll(async () => {
    for (const file of ['researcher', 'delegation'])
      expect(await applied(`examples/agents/${file}.yaml`)).toEqual([0, expect.anything()])
  }, deadline)

  const steps = [
    { name: 'look', description: 'Look it up.' },
    { name: 'tell', description: 'Tell it.', depends_on: ['look'] },
  ]

  test(
    'the researcher plans with a person, uses its skill, and remembers in a later session',
    async () => {
      const session = await begin('researcher', `call create_plan ${JSON.stringify({ steps })}`)
      await approve(session)
      await sound(world, session)
      expect((await dataOf(world, session, 'plan.updated')).at(-1)?.steps).toMatchObject([
        { name: 'look', status: 'pending' },
        { name: 'tell', status: 'pending' },
      ])
      await world.api.turn(
        session,
        'call use_skill {"name": "cite-sources"} && then call read_skill_file {"skill": "cite-sources", "path": "references/forms.md"} & call store_memory {"key": "likes", "value": "short answers"}',
      )
      const outputs = (await dataOf(world, session, 'tool-call.completed')).map(({ output }) => output)
      expect(outputs.join('\n')).toContain('Leave out what has no source')
      expect(outputs.join('\n')).toContain('its title and its address')
      const later = await begin('researcher', 'call recall_memory {"key": "likes"}')
      await sound(world, later)
      expect(await dataOf(world, later, 'tool-call.completed')).toMatchObject([
        { status: 'ok', output: expect.stringContaining('short answers') },
      ])
    },
    deadline,
  )

  test(
    'the lead hands work to specialists, one of whom hands it on',
    async () => {
      const check = delegate({ agent: 'proofreader', instruction: 'say no mistakes' })
      const session = await begin(
        'lead',
        [
          delegate({ agent: 'researcher', instruction: 'say one fact' }),
          delegate({ agent: 'writer', instruction: check }),
          delegate({ agent: 'reviewer', instruction: 'say publish it' }),
        ].join(' & '),
      )
      await sound(world, session)
      const settled = await dataOf(world, session, 'delegation.settled')
      expect(settled.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
      const answers = settled.map(({ output }) => output).join('\n')
      for (const said of ['one fact', 'no mistakes', 'publish it']) expect(answers).toContain(said)
    },
    deadline,
  )
})
