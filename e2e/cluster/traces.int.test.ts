// The export of spans on three nodes with three copies, while trees of sessions work: the one stream is split over four, then a node is killed,
// and the memory that exports is killed while the node is away. Every span comes, and each tree's are those of its log.
import { setTimeout as pause } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { findSessionStreams } from '@reins/broker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Collector, type OtlpSpan, type OtlpTraces, spansIn } from '../harness/collector.ts'
import { eventually } from '../harness/eventually.ts'
import { nodeName } from '../harness/nats-cluster.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { runReins, splitStreams } from '../harness/split-command.ts'
import { World } from '../harness/world.ts'

const deadline = 900_000
let world: World
let collector: Collector
const memories: ServiceProcess[] = []

const startMemory = async (): Promise<void> => {
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  memories.push(await world.start('memory', { environment }))
}

beforeAll(async () => {
  collector = await Collector.open()
  world = await World.open({ nodes: 3 })
  await world.start('registry')
  await Promise.all([
    ...(['session-gateway', 'executor', 'tool-runner'] as const).map((name) => world.start(name)),
    ...[0, 1].map(startMemory),
  ])
  await world.agent('below', { tools: ['shell'], description: 'Delegate work.' })
  await world.agent('lead', { tools: [], agents: ['below'] })
}, deadline)
afterAll(async () => {
  await world?.close()
  await collector?.close()
}, deadline)

const exports = (memory: ServiceProcess): boolean =>
  memory.alive() && memory.log().some((line) => line.includes('spans are exported from here'))

/** As `reins session trace --json` has them. */
async function traceOf(root: string): Promise<readonly OtlpSpan[]> {
  const environment = { REINS_URL: world.api.url(), REINS_TOKEN: world.token }
  const { out } = await runReins(world, ['session', 'trace', root, '--json'], environment)
  return spansIn(JSON.parse(out) as OtlpTraces)
}

const plain = (spans: readonly OtlpSpan[]): unknown =>
  JSON.parse(JSON.stringify(spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1))))

test(
  'the trace of each tree is whole at the collector, over a split of the stream, a killed node and a killed memory',
  async () => {
    const roots: string[] = []
    let over = false
    const work = async (who: string): Promise<void> => {
      for (let n = 0; !over; n++) {
        const instruction = '!shell echo one'
        const message = `call delegate ${JSON.stringify({ agent: 'below', instruction })}`
        const asking = { key: `${who}-${n}`, withinMs: 120_000 }
        roots.push((await world.api.create('lead', message, asking)).session.id)
        await pause(1000)
      }
    }
    const working = Promise.all(['a', 'b'].map(work))
    working.catch(() => undefined)
    const goesOn = async (): Promise<void> => {
      const before = roots.length
      await eventually(() => roots.length > before + 3, { withinMs: 120_000, describe: () => 'trees are begun' })
      const root = roots[before] ?? ''
      await world.settled(root, 120_000)
      await eventually(() => collector.ofRoot(root).length > 2, {
        withinMs: 120_000,
        describe: () =>
          `spans of ${root}; the memories say ${memories.flatMap((one) => one.log().slice(-4)).join('\n')}`,
      })
    }
    await goesOn()
    expect((await splitStreams(world))?.said.kind).toBe('split')
    await goesOn()
    const { names } = await findSessionStreams(world.broker)
    expect(names).toHaveLength(4)

    const manager = await jetstreamManager(world.broker.nc, { checkAPI: false })
    const { cluster } = await manager.streams.info(names[0] ?? '')
    const node = [0, 1, 2].findIndex((one) => nodeName(one) === cluster?.leader)
    await world.servers.cluster?.kill(node)
    const exporting = memories.findLast(exports)
    expect(await exporting?.kill()).toMatchObject({ signal: 'SIGKILL' })
    await startMemory()
    await goesOn()
    await world.servers.cluster?.start(node)
    await goesOn()
    over = true
    await working
    for (const root of roots) await world.settled(root, 120_000)

    let spans = 0
    for (const root of roots) {
      const wanted = await traceOf(root)
      expect(wanted.length).toBeGreaterThan(4)
      spans += wanted.length
      await eventually(() => collector.ofRoot(root).length >= wanted.length, {
        withinMs: 60_000,
        describe: () => `${collector.ofRoot(root).length} of ${wanted.length} spans of ${root}`,
      })
      const came = collector.ofRoot(root)
      expect(plain(came)).toEqual(plain(wanted))
      const ids = new Set(came.map(({ spanId }) => spanId))
      expect(came.filter(({ parentSpanId }) => parentSpanId && !ids.has(parentSpanId))).toEqual([])
      expect(new Set(came.map(({ traceId }) => traceId)).size).toBe(1)
    }
    expect(collector.spans.size).toBe(spans)
  },
  deadline,
)
