// Chaos on three nats-servers with three copies of everything: its load and its checks, with outages of nodes in place of random faults.
import { type Report, runChaos } from '../chaos/chaos.ts'
import { type Outage, type OutageKind, Outages } from './outages.ts'

export interface ClusterOptions {
  readonly seed: number
  readonly clients: number
  readonly rounds: number
  readonly kinds: readonly OutageKind[]
  readonly plain?: boolean
  /** epoch ms */
  now(): number
  say(line: string): void
}

export interface ClusterReport extends Report {
  readonly outages: readonly Outage[]
  /** Of all turns that were timed: ms. */
  readonly medianTurnMs: number
  /** Messages whose turns were timed, and that are not in the log. */
  readonly untold: readonly string[]
}

export async function runCluster(options: ClusterOptions): Promise<ClusterReport> {
  let outages: Outages | undefined
  const report = await runChaos({
    ...{ ...options, nodes: 3, seconds: 0 },
    trouble: (stage) => (outages = new Outages({ ...stage, ...options })),
  })
  const written = new Set(
    report.log.flatMap(({ session, frame }) =>
      frame.events.flatMap((event) => (event.type === 'message.received' ? [`${session}/${event.data.message}`] : [])),
    ),
  )
  const told = outages?.stopwatch.accepted.map(({ session, message }) => `${session}/${message}`) ?? []
  return {
    ...report,
    outages: outages?.outages ?? [],
    medianTurnMs: outages?.stopwatch.median() ?? 0,
    untold: told.filter((one) => !written.has(one)),
  }
}
