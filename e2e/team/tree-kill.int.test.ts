// Trees of sessions while each service is killed with kill -9: a tree that works settles once, a tree that is being cancelled leaves nobody
// behind; and the trace of each, as it was exported meanwhile, is whole. The executors of the lead and of the agents below it are in pools
// of their own. That an executor dies at one of its steps is shown beside the others (e2e/kill/cases/delegation-cases.ts).
import { readdirSync, readFileSync } from 'node:fs'
import type { SessionTree } from '@reins/contracts'
import { metricCatalogue } from '@reins/telemetry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attribute, Collector, type OtlpSpan, regenerated } from '../harness/collector.ts'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'
import { childAt, dataOf, delegate, sound } from './events.ts'

const deadline = 240_000
let world: World
let collector: Collector
/** Of the collector: no span, and no line of a log, has it. */
const password = 'a-collectors-own-password'
/** Of all trees. */
const roots: string[] = []
const services = new Map<string, ServiceProcess>()

/** At a port that is free, which the log says. */
const measured = { REINS_METRICS_PORT: '0' }
const starts: Readonly<Record<string, () => Promise<ServiceProcess>>> = {
  'session-gateway': () => world.start('session-gateway', { environment: measured }),
  'executor of the lead': () => world.start('executor', { environment: measured }),
  'executor of the agents below': () => world.start('executor', { labels: { desk: 'a' }, environment: measured }),
  'tool-runner': () => world.start('tool-runner', { labels: { desk: 'a' }, environment: measured }),
  memory: () =>
    world.start('memory', {
      environment: {
        ...measured,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${password}`,
      },
    }),
}

beforeAll(async () => {
  collector = await Collector.open()
  world = await World.open()
  services.set('registry', await world.start('registry', { environment: measured }))
  await Promise.all(Object.entries(starts).map(async ([name, start]) => services.set(name, await start())))
  const below = { affinity: { desk: 'a' }, tools: ['shell'] }
  await world.agent('leaf', {
    ...{ ...below, description: 'Delegate the smallest part.' },
    long_term_memory: { provider: 'builtin', scope: 'trees' },
  })
  await world.agent('middle', { ...below, description: 'Delegate what has parts.', agents: ['leaf'] })
  await world.agent('lead', { tools: [], agents: ['middle'] })
}, deadline)

afterAll(async () => {
  await world?.close()
  await collector?.close()
}, deadline)

interface Tree {
  readonly root: string
  readonly middle: string
  readonly leaf: string
}

/** A tree whose last session is in its tool. */
async function begun(instruction: string, inTool: (leaf: string) => Promise<boolean>): Promise<Tree> {
  const work = delegate({ agent: 'middle', instruction: delegate({ agent: 'leaf', instruction }) })
  const root = (await world.api.create('lead', work)).session.id
  roots.push(root)
  const seen = (read: () => Promise<string>) => eventually(async () => (await read()) || undefined)
  const middle = await seen(() => childAt(world, root))
  const leaf = await seen(() => childAt(world, middle))
  await eventually(() => inTool(leaf))
  return { root, middle, leaf }
}

const ran = (file: string, leaf: string): number =>
  world.lines(file).filter((line) => line.startsWith(`${leaf}/`)).length

async function settledOnce({ root, middle, leaf }: Tree): Promise<void> {
  await sound(world, root, middle, leaf)
  for (const one of [root, middle, leaf]) expect(await dataOf(world, one, 'turn.completed')).toHaveLength(1)
  for (const above of [root, middle])
    expect(await dataOf(world, above, 'delegation.settled')).toMatchObject([{ status: 'completed' }])
}

async function cancelledWhole({ root, middle, leaf }: Tree): Promise<void> {
  await sound(world, root, middle, leaf)
  for (const one of [root, middle, leaf])
    expect([one, (await dataOf(world, one, 'turn.cancelled')).length]).toEqual([one, 1])
}

/** Stands in each command that is cancelled, which would sleep for longer than all of this takes. */
const mark = 'tree-kill-that-is-cancelled'

const onLinux = process.platform === 'linux'

/** Commands of calls that were cancelled, and are still there. */
const leftBehind = (): readonly string[] =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark)
    } catch {
      return false
    }
  })

async function killed(slug: string, kill: () => Promise<void>): Promise<void> {
  const file = `${slug}.txt`
  const leaves = `!shell echo "$TRACEPARENT" >> traces.txt; echo "$REINS_IDEMPOTENCY_KEY" >> ${file}; sleep 2`
  const [works, stops] = await Promise.all([
    begun(leaves, async (leaf) => ran(file, leaf) === 1),
    begun(`${leaves}000; : ${mark}`, async (leaf) => ran(file, leaf) === 1),
  ])
  if (onLinux) expect(leftBehind()).not.toEqual([])
  await world.api.control(stops.root, 'cancel')
  await kill()
  await settledOnce(works)
  await cancelledWhole(stops)
  expect([ran(file, works.leaf), ran(file, stops.leaf)]).toEqual([1, 1])
}

async function killService(name: string): Promise<void> {
  const dead = services.get(name)
  await dead?.kill()
  const next =
    name === 'session-gateway' && dead ? world.replaceGateway(dead, { environment: measured }) : starts[name]?.()
  if (next) services.set(name, await next)
}

test.each(Object.keys(starts).filter((name) => name !== 'memory'))(
  '%s killed: a tree that works settles once, and one that is cancelled ends whole',
  (name) => killed(name.replaceAll(' ', '-'), () => killService(name)),
  deadline,
)

test(
  'nats-server killed: a tree that works settles once, and one that is cancelled ends whole',
  () =>
    killed('nats', async () => {
      await world.servers.killNats()
      await world.servers.restartNats()
    }),
  deadline,
)

test(
  'memory killed: what an agent at the bottom stores meanwhile is stored once, and its tree settles once',
  async () => {
    await services.get('memory')?.kill()
    const tree = await begun(
      'call store_memory {"key": "found", "value": "once"}',
      async (leaf) => (await dataOf(world, leaf, 'tool-calls.requested')).length === 1,
    )
    await killService('memory')
    await settledOnce(tree)
    const [stored] = await dataOf(world, tree.leaf, 'tool-call.completed')
    expect(JSON.parse(stored?.output ?? '{}')).toMatchObject({ status: 'ok', outcome: 'created', version: 1 })
  },
  deadline,
)

const byId = (spans: readonly OtlpSpan[]) => spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1))

/** As `reins session tree` has it: the agents of the turns, each below the one that asked it. */
function agentsOf(spans: readonly OtlpSpan[]): readonly string[] {
  const byParent = (parent: string | undefined) =>
    spans.filter(({ parentSpanId = '' }) => parentSpanId === (parent ?? ''))
  const lines: string[] = []
  const add = (span: OtlpSpan, depth: number): void => {
    const turn = span.name.startsWith('invoke_agent ')
    if (turn)
      lines.push(`${depth} ${attribute(span, 'gen_ai.agent.name')} ${attribute(span, 'gen_ai.conversation.id')}`)
    for (const child of byParent(span.spanId)) add(child, turn ? depth + 1 : depth)
  }
  for (const span of byParent(undefined)) add(span, 0)
  return lines
}

test(
  'the trace of each of these trees is one, without orphans, whoever was killed; it is the one of the log, and draws the tree',
  async () => {
    for (const root of roots) {
      const wanted = byId(await regenerated(world.api, root))
      const exported = await eventually(
        () => collector.ofRoot(root).length >= wanted.length && byId(collector.ofRoot(root)),
        {
          describe: () =>
            `${collector.ofRoot(root).length} of ${wanted.length} spans of ${root}; memory says ${services.get('memory')?.log().slice(-5).join('\n')}`,
        },
      )
      const plain = (spans: readonly OtlpSpan[]) => JSON.parse(JSON.stringify(spans)) as unknown
      expect(plain(exported)).toEqual(plain(wanted))
      expect(new Set(exported.map(({ traceId }) => traceId)).size).toBe(1)
      const ids = new Set(exported.map(({ spanId }) => spanId))
      expect(exported.filter(({ parentSpanId }) => parentSpanId && !ids.has(parentSpanId))).toEqual([])
      const { nodes } = (await world.api.once<SessionTree>('GET', `/v1/sessions/${root}/tree`)).body
      expect(agentsOf(exported)).toEqual(nodes.map(({ depth, agent, id }) => `${depth} ${agent} ${id}`))
    }
    // Commands were told which span they are.
    const shells = [...collector.spans.values()].filter(({ name }) => name === 'execute_tool shell')
    const told = world.lines('traces.txt')
    expect(told.length).toBeGreaterThan(0)
    expect(shells.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`)).toEqual(expect.arrayContaining([...told]))
    expect(collector.headers.every(({ authorization }) => authorization === password)).toBe(true)
    expect(collector.bodies.join('')).not.toContain(password)
  },
  deadline,
)

test(
  'each service says its metrics: every one that there is of it',
  async () => {
    const said = new Set<string>()
    for (const [name, service] of services) {
      const url = await eventually(
        () =>
          service.log().flatMap((line) => /"url":"(http:[^"]+)","msg":"metrics are served"/.exec(line)?.[1] ?? [])[0],
        { describe: () => `the address of the metrics of ${name}` },
      )
      const text = await (await fetch(`${url}/metrics`)).text()
      for (const [, metric = ''] of text.matchAll(/^# TYPE (\S+) /gm)) said.add(metric)
      expect((await fetch(`${url}/elsewhere`)).status).toBe(404)
    }
    // One is said by the process that has the disk below the broker, and some where sessions are archived.
    const elsewhere = /^reins_(?:disk_used_percent|archive_\w+|archived_\w+|sessions_(?:archived|erased)_total)$/
    const others = Object.keys(metricCatalogue).filter((metric) => !elsewhere.test(metric))
    expect(others.filter((metric) => !said.has(metric))).toEqual([])
  },
  deadline,
)

test.runIf(onLinux)(
  'no command of what was cancelled runs on, whoever ran it was killed or not',
  () => eventually(() => leftBehind().length === 0, { describe: () => `${leftBehind().length} commands to end` }),
  deadline,
)
