// The services on nats-server and Postgres as others run them: official images, each service with its own user of the broker.
import { type Broker, connectBroker } from '@reins/broker'
import { allSessionStreamNames } from '@reins/contracts'
import { checkLog, restProblems } from '@reins/session'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { differences, Follower } from '../harness/follower.ts'
import { readStored } from '../harness/stored-log.ts'
import { noDocker, noImage } from './docker.ts'
import { type ContainerWorld, natsImage, openWorld, postgresImage } from './world.ts'

const missing = noDocker() ?? (await noImage(natsImage)) ?? (await noImage(postgresImage))
if (missing !== undefined) console.warn(`The services on containers were not tested: ${missing}`)

describe.skipIf(missing !== undefined)('the services on containers', () => {
  let world: ContainerWorld
  let broker: Broker

  beforeAll(async () => {
    world = await openWorld()
    broker = await connectBroker({ url: world.natsUrl('executor'), name: 'tests' })
    const agent = { name: 'worker', model: 'scripted/assistant', system_prompt: 'Do it.', tools: ['system_tools'] }
    const { status } = await world.api.once('PUT', '/v1/agents/worker', agent)
    expect(status).toBe(201)
  })
  afterAll(async () => {
    await broker?.close()
    await world?.close()
  })

  /** Everything that is wrong with a session's log, once it is at rest, and with what a follower saw of it. */
  async function problems(session: string, follower: Follower): Promise<readonly string[]> {
    const log = await eventually(
      async () => {
        const stored = await readStored(broker, session)
        return checkLog(session, stored).atRest && stored
      },
      { withinMs: 60_000, describe: () => `${session} comes to rest` },
    )
    const events = log.reduce((sum, { frame }) => sum + frame.events.length, 0)
    await eventually(() => follower.events.length >= events, { describe: () => 'the follower has seen all' })
    return [...checkLog(session, log).problems, ...restProblems(session, log), ...differences(follower, log)]
  }

  test('run a turn with a tool from end to end', async () => {
    const { id } = (await world.api.create('worker')).session
    const follower = new Follower(world.api, id, 0)
    const { turn } = await world.api.turn(id, '!shell echo from $((40 + 2))')
    expect(turn).toMatchObject({ status: 'completed', content: expect.stringContaining('from 42') })
    expect(await problems(id, follower)).toEqual([])
    follower.close()
  })

  test('may say on the broker what their role may say, and destroy nothing', async () => {
    const runner = await connectBroker({ url: world.natsUrl('tool-runner'), name: 'tests' })
    const refusals: string[] = []
    void (async () => {
      for await (const status of runner.nc.status()) if (status.type === 'error') refusals.push(status.error.message)
    })()
    const [stream] = allSessionStreamNames.slice(-1)
    const destructive = [`$JS.API.STREAM.PURGE.${stream}`, `$JS.API.STREAM.DELETE.${stream}`]
    for (const subject of ['reg.agent.x', 'ses.0.r.s.e.log', ...destructive]) runner.nc.publish(subject, '{}')
    await eventually(() => refusals.length === 4, { describe: () => `four refusals; there were ${refusals.join()}` })
    expect(refusals.every((one) => one.includes('Permissions Violation'))).toBe(true)
    await runner.close()
  })

  test('go on when nats-server is killed in the middle of an answer and of a command, and comes back', async () => {
    const [talking, working] = [await world.api.create('worker'), await world.api.create('worker')]
    const followers = [talking, working].map(({ session }) => new Follower(world.api, session.id, 0))
    const [talk, work] = followers
    if (!talk || !work) throw new Error('two followers')
    await world.api.send(talk.session, 'stream 300 every 10')
    await world.api.send(work.session, '!shell sleep 2; echo once >> done.txt; wc -l < done.txt')
    await work.sees(({ type }) => type === 'tool-calls.requested')
    await talk.seesText()
    await world.nats.kill()
    await world.nats.start()
    await Promise.all(followers.map((one) => one.sees(({ type }) => type === 'turn.completed', 90_000)))
    for (const follower of followers) {
      expect(await problems(follower.session, follower)).toEqual([])
      follower.close()
    }
    const result = work.events.find(({ type }) => type.startsWith('tool-call.') && type !== 'tool-call.started')
    expect(result).toMatchObject({ type: 'tool-call.completed', data: expect.stringContaining('"stdout') })
  })

  test('go on without Postgres; lists say that it is away, and miss nothing when it is back', async () => {
    const before = await world.api.create('worker', 'say before')
    await eventually(async () => (await world.api.list()).body.sessions.some(({ id }) => id === before.session.id))
    await world.postgres.kill()
    const { id } = (await world.api.create('worker')).session
    expect(await world.api.turn(id, 'say meanwhile')).toMatchObject({ turn: { content: 'meanwhile' } })
    expect(await world.api.list()).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } })
    await world.postgres.start()
    const listed = await eventually(
      async () => {
        const { status, body } = await world.api.list()
        return status === 200 && body.sessions.find((session) => session.id === id)
      },
      { withinMs: 60_000 },
    )
    expect(listed.title).toBe('say meanwhile')
  })
})
