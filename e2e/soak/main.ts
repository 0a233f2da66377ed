// `npm run soak -- --turns 100000 --sessions 10000`: many turns over many sessions, five processes; exit code 1 if anything that
// a process or the server holds goes on growing once caches are full: heap after a collection, resident memory, handles,
// consumers, subscriptions, connections. `--long 1000`: one session of so many turns instead, whose context is compacted again and again.
import path from 'node:path'
import { parseArgs } from 'node:util'
import { jetstreamManager } from '@nats-io/jetstream'
import { connectBroker } from '@reins/broker'
import { residentMb } from '../bench/product/processes.ts'
import { closeProducts, type Product, startProduct, toolAgent } from '../bench/product/product.ts'
import { toolMessage } from '../bench/turns/turns.ts'
import { type Inspector, inspect } from '../bench/product/inspector.ts'
import { longProblems, type LongSoak, soakLongSession } from './long-session.ts'
import { describeSample, growth, type Sample } from './samples.ts'

const usage = `npm run soak -- [options]
  --turns <number>        turns in all; default 100000
  --sessions <number>     over which they are spread; default 10000
  --clients <number>      at once; default 32
  --samples <number>      how often everything is measured; default 12
  --cache <MB>            REINS_SESSION_CACHE_MB of the services; default 16
  --snapshots <folder>    also write a heap snapshot of each service there, early and at the end
  --durability <mode>     fsync or interval (default)
  --long <number>         one session of so many turns instead, whose context is compacted again and again

Example: npm run soak -- --turns 5000 --sessions 500
`

const { values } = parseArgs({
  options: {
    turns: { type: 'string', default: '100000' },
    sessions: { type: 'string', default: '10000' },
    clients: { type: 'string', default: '32' },
    samples: { type: 'string', default: '12' },
    cache: { type: 'string', default: '16' },
    snapshots: { type: 'string' },
    durability: { type: 'string', default: 'interval' },
    long: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
if (values.long !== undefined && !(Number.isSafeInteger(Number(values.long)) && Number(values.long) >= 100)) {
  process.stderr.write('soak: --long must be a whole number of turns, of at least 100\n')
  process.exit(2)
}
const count = (name: 'turns' | 'sessions' | 'clients' | 'samples' | 'cache'): number => {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= 1) return value
  process.stderr.write(`soak: --${name} must be a whole number of at least 1, such as --${name} 1000\n`)
  process.exit(2)
}
const [turns, sessions, clients, wanted] = [count('turns'), count('sessions'), count('clients'), count('samples')]
const settings = { REINS_SESSION_CACHE_MB: String(count('cache')) }
if (values.durability !== 'fsync' && values.durability !== 'interval') {
  process.stderr.write('soak: --durability must be fsync or interval\n')
  process.exit(2)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void closeProducts().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143)))

const product = await startProduct(values.durability, 'five', { inspect: true, settings })
const inspectors = new Map<string, Inspector>()
for (const service of product.services()) {
  const url = service.inspector()
  if (url === undefined) throw new Error(`${service.name} did not say where its inspector listens`)
  inspectors.set(service.name, await inspect(url))
}
if (values.long !== undefined) await soakLong(Number(values.long))
const broker = await connectBroker({ url: product.natsUrl(), name: 'soak' })
const samples: Sample[] = []
const ids: (string | undefined)[] = Array.from({ length: sessions }, () => undefined)
const busy = new Set<number>()
let done = 0
let since = { turns: 0, at: performance.now() }

try {
  for (let at = 1; at <= wanted; at++) {
    await runTo(product, Math.round((turns * at) / wanted))
    const sample = await take()
    samples.push(sample)
    if (values.snapshots !== undefined && (at === 2 || at === wanted)) await snapshots(values.snapshots, at)
    process.stderr.write(`${describeSample(sample)}\n`)
    since = { turns: done, at: performance.now() }
  }
} finally {
  for (const one of inspectors.values()) one.close()
  await broker.close()
  await product.close()
}
const grew = growth(samples)
process.stdout.write(grew.length === 0 ? `flat over ${done} turns in ${sessions} sessions\n` : `${grew.join('\n')}\n`)
process.exit(grew.length === 0 ? 0 : 1)

/** Ends the process. */
async function soakLong(many: number): Promise<never> {
  let soaked: LongSoak
  try {
    const heap = async () => (await inspectors.get('executor')?.held())?.heap ?? 0
    soaked = await soakLongSession(product, many, heap, (line) => process.stderr.write(`${line}\n`))
  } finally {
    for (const one of inspectors.values()) one.close()
    await product.close()
  }
  const problems = longProblems(soaked)
  process.stdout.write(`${JSON.stringify(soaked)}\n${problems.length === 0 ? 'flat' : problems.join('\n')}\n`)
  process.exit(problems.length === 0 ? 0 : 1)
}

/** Each client takes the next session that no other client is at. */
async function runTo({ api }: Product, until: number): Promise<void> {
  let next = done
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (done < until) {
        const place = next++ % sessions
        if (busy.has(place)) continue
        busy.add(place)
        const id = ids[place]
        if (id === undefined) ids[place] = await api.begin(toolAgent, toolMessage)
        else await api.turn(id, toolMessage)
        busy.delete(place)
        done++
      }
    }),
  )
}

async function snapshots(folder: string, at: number): Promise<void> {
  for (const [name, inspector] of inspectors)
    await inspector.snapshot(path.resolve(folder, `${name}-${at}.heapsnapshot`))
}

async function take(): Promise<Sample> {
  const rate = Math.round(((done - since.turns) * 1000) / (performance.now() - since.at))
  const processes: Sample['processes'][number][] = []
  for (const { name, pid } of product.services()) {
    const held = await inspectors.get(name)?.held()
    processes.push({ name, heap: held?.heap ?? 0, resident: residentMb(pid), handles: held?.handles ?? 0 })
  }
  const manager = await jetstreamManager(broker.nc)
  let consumers = 0
  for await (const stream of manager.streams.list()) consumers += stream.state.consumer_count
  const server = await product.monitor()
  return {
    turns: done,
    rate,
    processes,
    consumers,
    subscriptions: server?.subscriptions ?? 0,
    connections: server?.connections ?? 0,
  }
}
