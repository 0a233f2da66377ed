// One visit: the product started anew in one configuration, everything that was asked for measured once, with the raw costs of the same minute.
import { loadavg } from 'node:os'
import { type Delegations, measureDelegations } from '../team/delegations.ts'
import { measurePrefix, type PrefixShare } from '../team/prefix.ts'
import { type ApprovedTurns, measureApprovals } from '../turns/approvals.ts'
import { type CodeCalls, measureCodeCalls } from '../turns/code-calls.ts'
import { type ArchivedSessions, measureArchived } from '../crowd/archived-sessions.ts'
import { type FullExecutor, measureFullExecutor } from '../crowd/full-executor.ts'
import { type Joining, measureJoining } from '../crowd/joining.ts'
import { type ManyWaiting, measureManyWaiting } from '../crowd/many-waiting.ts'
import { measureSessionsAtRest, type SessionsAtRest } from '../crowd/sessions-at-rest.ts'
import { measureStalledReaders, type StalledReaders } from '../crowd/stalled-readers.ts'
import { measureTokenFleet, type TokenFleet } from '../crowd/token-fleet.ts'
import { measureWaiting, type Waiting } from '../crowd/waiting.ts'
import { type Disk, measureDisk } from '../turns/disk.ts'
import { type Load, measureLoad } from '../turns/load.ts'
import { type LongSession, measureLong } from '../turns/long-session.ts'
import type { BenchName, BenchOptions, Durability, Processes } from '../options.ts'
import { type Product, type ProductOptions, startProduct } from '../product/product.ts'
import { type McpCalls, measureMcpCalls } from '../turns/mcp-calls.ts'
import { measureRaw, type Raw } from '../turns/raw.ts'
import { measureSpanExport, type SpanExportCost } from '../turns/span-export.ts'
import { type EverythingKilled, measureEverythingKilled } from '../recovery/everything.ts'
import { measureRecovery, type Recovery } from '../recovery/recovery.ts'
import { measureResume, type Resume } from '../recovery/resume.ts'
import { measureReload, type Reload } from '../runs/reload.ts'
import { measureSleepers, type Sleepers } from '../runs/sleepers.ts'
import { measureWorkflows, type Workflows } from '../runs/workflows.ts'
import { measureStreams, type OpenStreams } from '../crowd/streams.ts'
import { measureTokens, type Tokens } from '../turns/tokens.ts'
import { measureTurns, type Turns, warmUp } from '../turns/turns.ts'

export interface Visit {
  readonly round: number
  readonly durability: Durability
  readonly processes: Processes
  /** Of the machine, over a minute: what else went on. */
  readonly loadAverage: number
  readonly raw: Raw
  readonly turns?: Turns
  readonly plainLoad?: readonly Load[]
  readonly toolLoad?: readonly Load[]
  readonly spanExport?: readonly SpanExportCost[]
  readonly code?: CodeCalls
  readonly mcp?: McpCalls
  readonly approvals?: ApprovedTurns
  readonly workflows?: Workflows
  readonly reload?: Reload
  readonly sleepers?: Sleepers
  readonly long?: LongSession
  readonly tokens?: Tokens
  readonly resume?: readonly Resume[]
  readonly streams?: OpenStreams
  readonly recovery?: readonly Recovery[]
  readonly everything?: EverythingKilled
  readonly disk?: Disk
  readonly full?: readonly FullExecutor[]
  readonly fleet?: readonly TokenFleet[]
  readonly stalled?: StalledReaders
  readonly joining?: Joining
  readonly team?: Delegations
  readonly prefix?: PrefixShare
  readonly atRest?: readonly SessionsAtRest[]
  readonly archived?: ArchivedSessions
  readonly waiting?: readonly Waiting[]
  readonly manyWaiting?: ManyWaiting
  /** What could not be measured, and why. */
  readonly failed: Readonly<Record<string, string>>
}

type Measured = { -readonly [K in keyof Visit]?: Visit[K] }

/** These are measured in the first round only: they take long, and noise does not change them much. */
const onceOnly: readonly BenchName[] = [
  ...([
    'spans',
    'resume',
    'streams',
    'recovery',
    'disk',
    'full',
    'fleet',
    'stalled',
    'join',
    'rest',
    'archived',
    'sleepers',
    'waiting',
    'prefix',
  ] as const),
]

export async function visit(
  options: BenchOptions,
  round: number,
  durability: Durability,
  processes: Processes,
  say: (line: string) => void,
): Promise<Visit> {
  const { quick } = options
  const loadAverage = loadavg()[0] ?? 0
  const product = await startProduct(durability, processes, { profile: options.profile })
  const failed: Record<string, string> = {}
  const measured: Measured = {}
  const wanted = (name: BenchName): boolean => options.only.includes(name) && (round === 1 || !onceOnly.includes(name))
  const step = async (name: BenchName, measure: () => Promise<void>): Promise<void> => {
    if (!wanted(name)) return
    say(`  ${name}`)
    try {
      await measure()
    } catch (error) {
      failed[name] = error instanceof Error ? error.message : String(error)
      say(`  ${name} could not be measured: ${failed[name]}`)
    }
  }
  const opened = (more: ProductOptions): Promise<Product> => startProduct(durability, processes, more)
  try {
    const raw = await measureRaw(product, quick ? 1 : 2)
    if (
      ['turns', 'load', 'code', 'mcp', 'approvals', 'workflows', 'long', 'disk', 'team'].some((name) =>
        options.only.some((one) => one === name),
      )
    )
      await warmUp(product, quick ? 150 : 400)
    await step('turns', async () => {
      measured.turns = await measureTurns(product, quick ? 8 : 20)
    })
    await step('load', async () => {
      const seconds = quick ? 3 : 6
      const plain: Load[] = []
      const tool: Load[] = []
      for (const clients of [1, 16, 64]) {
        tool.push(await measureLoad(product, 'tool', clients, seconds))
        plain.push(await measureLoad(product, 'plain', clients, seconds))
      }
      measured.toolLoad = tool
      measured.plainLoad = plain
    })
    await step('spans', async () => {
      measured.spanExport = await measureSpanExport(opened, { rounds: quick ? 2 : 6, seconds: quick ? 3 : 5 })
    })
    await step('code', async () => {
      measured.code = await measureCodeCalls(product, quick)
    })
    await step('mcp', async () => {
      measured.mcp = await measureMcpCalls(product, quick)
    })
    await step('approvals', async () => {
      measured.approvals = await measureApprovals(product, quick ? 4 : 20)
    })
    await step('workflows', async () => {
      measured.workflows = await measureWorkflows(product, quick ? 50 : 300, quick ? [1000] : [1000, 10_000])
    })
    await step('reload', async () => {
      measured.reload = await measureReload(product, quick ? 5 : 20)
    })
    await step('long', async () => {
      measured.long = await measureLong(product, 500)
    })
    await step('tokens', async () => {
      measured.tokens = await measureTokens(product)
    })
    await step('disk', async () => {
      measured.disk = await measureDisk(product, quick ? 10 : 30)
    })
    await step('resume', async () => {
      measured.resume = await measureResume(product, quick ? [100, 1000] : [100, 1000, 10_000], quick ? 5 : 9)
    })
    await step('recovery', async () => {
      measured.recovery = await measureRecovery(product, quick ? 1 : 3)
      if (processes === 'one') measured.everything = await measureEverythingKilled(opened, quick ? 2 : 5)
    })
    await step('team', async () => {
      measured.team = await measureDelegations(product, quick ? 5 : 20)
    })
    await step('prefix', async () => {
      measured.prefix = await measurePrefix(durability, processes, 50)
    })
    // Each of these has a product of its own: what one leaves behind would be counted for the next.
    const alone = async <T>(measure: (product: Product) => Promise<T>): Promise<T> => {
      const fresh = await startProduct(durability, processes)
      try {
        await warmUp(fresh, 50)
        return await measure(fresh)
      } finally {
        await fresh.close()
      }
    }
    await step('full', async () => {
      measured.full = [
        await alone((fresh) => measureFullExecutor(fresh, 64)),
        await alone((fresh) => measureFullExecutor(fresh, quick ? 300 : 1000)),
      ]
    })
    await step('fleet', async () => {
      measured.fleet = [
        await alone((fresh) => measureTokenFleet(fresh, 200, quick ? 5 : 10)),
        await alone((fresh) => measureTokenFleet(fresh, 500, quick ? 5 : 10)),
      ]
    })
    await step('stalled', async () => {
      measured.stalled = await alone((fresh) => measureStalledReaders(fresh, quick ? 500 : 2000, quick ? 15 : 60))
    })
    await step('join', async () => {
      measured.joining = await alone((fresh) => measureJoining(fresh, quick ? 500 : 5000, 7))
    })
    await step('rest', async () => {
      const sizes = [1000, ...(options.sessions ? [options.sessions] : quick ? [] : [300_000])]
      const results: SessionsAtRest[] = []
      for (const size of sizes) results.push(await alone((fresh) => measureSessionsAtRest(fresh, size, say)))
      measured.atRest = results
    })
    // A start is part of it, and the services start one by one where there are five.
    if (processes === 'one')
      await step('archived', async () => {
        measured.archived = await measureArchived(opened, options.sessions ?? (quick ? 1000 : 100_000), say)
      })
    await step('sleepers', async () => {
      measured.sleepers = await alone((fresh) => measureSleepers(fresh, quick ? 500 : 10_000))
    })
    await step('waiting', async () => {
      const amounts = quick ? { sessions: 500, seconds: 6, goOn: 50 } : { sessions: 10_000, seconds: 30, goOn: 100 }
      const results: Waiting[] = []
      for (const waitsFor of ['model', 'person', 'timer'] as const) {
        say(`    for a ${waitsFor}`)
        results.push(await measureWaiting(opened, waitsFor, amounts))
        measured.waiting = results
      }
      say('    for a person, more than anybody keeps in mind')
      measured.manyWaiting = await measureManyWaiting(opened, quick ? 5_000 : 100_000, quick ? 100 : 1000, say)
    })
    await step('streams', async () => {
      // A product of its own: what a gateway has kept from much work before would hide what the streams cost.
      const fresh = await startProduct(durability, processes)
      try {
        measured.streams = await measureStreams(fresh, quick ? 2000 : 10_000)
      } finally {
        await fresh.close()
      }
    })
    return { round, durability, processes, loadAverage, raw, ...measured, failed }
  } finally {
    await product.close()
  }
}
