// Executors that are real processes share the quota of one provider: what one is refused, all of them leave alone, and together they ask
// no more than the limit allows, also when the one dies that shares it out.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'
import { type LimitedProvider, startLimitedProvider } from './limited-provider.ts'

const perMinute = 120
const enoughLeft = 8

let provider: LimitedProvider
let world: World
const executors: ServiceProcess[] = []

beforeAll(async () => {
  provider = await startLimitedProvider()
  world = await World.open()
  await Promise.all([
    world.start('registry', { environment: environment() }),
    world.start('session-gateway', { environment: environment() }),
    world.start('memory'),
    executor('left'),
    executor('right'),
  ])
  for (const side of ['left', 'right']) {
    const affinity = { side }
    await world.agent(`free-${side}`, { model: 'free/m', affinity, tools: [] })
    await world.agent(`lab-${side}`, { model: 'lab/m', affinity, tools: [] })
  }
  await world.agent('anywhere', { model: 'lab/m', tools: [] })
})
afterAll(async () => {
  await world?.close()
  await provider?.close()
})

function environment(): Record<string, string> {
  const at = (name: string) => ({ name, baseUrl: provider.url, apiKeyEnv: 'LAB_KEY' })
  return {
    REINS_MODEL_PROVIDERS: JSON.stringify([at('lab'), { ...at('free'), models: ['m'] }]),
    REINS_MODEL_QUOTAS: JSON.stringify({ lab: { requestsPerMinute: perMinute } }),
    LAB_KEY: 'secret-of-the-lab',
  }
}

async function executor(side: string): Promise<void> {
  executors.push(await world.start('executor', { labels: { side }, environment: environment() }))
}

interface Shown {
  readonly queued?: { readonly throttled?: string }
}

const begin = async (agent: string, message: string, token?: string): Promise<string> => {
  if (token === undefined) return (await world.api.create(agent, message)).session.id
  const response = await fetch(`${world.api.url()}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ agent, message }),
  })
  const body: unknown = await response.json()
  expect([response.status, body]).toEqual([201, expect.anything()])
  return (body as { session: { id: string } }).session.id
}

const throttled = async (session: string): Promise<string | undefined> =>
  (await world.api.once<Shown>('GET', `/v1/sessions/${session}`)).body.queued?.throttled

const events = async (session: string) =>
  (await world.readLog(session)).flatMap(({ frame }) => frame.events.map((event) => ({ ...event, by: frame.by })))

const has = (session: string, type: string) =>
  eventually(async () => (await events(session)).some((event) => event.type === type), {
    withinMs: 60_000,
    describe: () => `${session} has ${type}`,
  })

test('what one executor is refused, another leaves alone for as long as the provider asks, and the session says why', async () => {
  const seconds = 3
  provider.refuseNext(seconds)
  const first = await begin('free-left', 'one')
  await has(first, 'model-call.throttled')
  const refused = provider.asked.findIndex(({ status }) => status === 429)
  const others = await Promise.all([1, 2, 3].map((at) => begin('free-right', `other ${at}`)))
  await eventually(async () => (await Promise.all(others.map(throttled))).every((why) => why !== undefined), {
    describe: () => 'the sessions say that they wait for their provider',
  })
  expect(await throttled(others[0] ?? '')).toMatch(
    /^free\/m has refused calls, and is asked again at \d\d:\d\d:\d\d UTC$/,
  )
  for (const session of [first, ...others]) await has(session, 'turn.completed')
  const { at: refusedAt = 0 } = provider.asked[refused] ?? {}
  const later = provider.asked.slice(refused + 1)
  expect(later).toHaveLength(4)
  expect(later.filter(({ status }) => status === 429)).toEqual([])
  expect(Math.min(...later.map(({ at }) => at - refusedAt))).toBeGreaterThanOrEqual(seconds * 1000 - 50)
  const [begun] = (await events(others[0] ?? '')).filter(({ type }) => type === 'model-call.started')
  expect(begun?.data).toMatchObject({
    throttled: { ms: expect.any(Number), reason: expect.stringContaining('free/m has refused calls') },
  })
})

test('executors together ask no more than the limit, take principals in turns, and go on when the owner of the bucket dies', async () => {
  const bob = await tokenOf('bob')
  provider.limit(perMinute)
  const from = provider.asked.length
  await executor('third')
  const many = await Promise.all(Array.from({ length: 22 }, (_, at) => begin('anywhere', `many ${at}`)))
  const asked = () => provider.asked.slice(from)
  await eventually(() => asked().length >= 12, { describe: () => 'the first of them are asked' })
  await eventually(async () => (await Promise.all(many.map(throttled))).some((why) => why !== undefined), {
    describe: () => 'some say that they wait for the quota',
  })
  const waiting = await Promise.all(many.map(throttled))
  expect(waiting.find((why) => why !== undefined)).toBe(
    `the quota of lab is used up for the moment: ${perMinute} requests a minute`,
  )
  const single = await begin('anywhere', 'single', bob)
  const left = many.length - asked().length
  await has(single, 'turn.completed')
  // It comes before the last of those that waited longer. On a machine so slow that few are left by now, nothing is to be seen of it.
  const place = asked().findIndex(({ text }) => text === 'single')
  if (left >= enoughLeft) expect(place).toBeLessThan(many.length)

  // The one whose name comes first owns the bucket.
  const [owner] = executors.toSorted((one, other) => ((one.instance() ?? '') < (other.instance() ?? '') ? -1 : 1))
  await owner?.kill()
  for (const session of many) await has(session, 'turn.completed')
  // Executors that each took the limit for their own would be refused nine of the first calls at once. On a busy machine calls that began one
  // after the other may arrive together, of which the provider refuses one or the other.
  expect(asked().filter(({ status }) => status === 429).length).toBeLessThan(5)
  const starts = await Promise.all(many.map(async (session) => (await events(session)).filter(isStarted)))
  expect(new Set(starts.flat().map(({ by }) => by)).size).toBeGreaterThan(1)
})

async function tokenOf(principal: string): Promise<string> {
  await world.api.once('POST', '/v1/principals', { name: principal, roles: ['admin'] })
  const { status, body } = await world.api.once<{ text: string }>('POST', '/v1/tokens', { principal })
  expect(status).toBe(201)
  return body.text
}

const isStarted = ({ type }: { type: string }): boolean => type === 'model-call.started'
