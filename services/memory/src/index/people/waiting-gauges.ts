// How much waits for people, in all sessions, and for how long: two indexed questions to the database, twice a minute.
import type { Clock } from '@reins/service'
import type { Metrics } from '@reins/telemetry'
import type { Kysely } from 'kysely'
import type { Tables } from '../tables.ts'

const everyMs = 15_000

/** The caller closes it. While the database is away the gauges stay as they are. */
export function watchWaiting(
  db: Kysely<Tables>,
  { metrics, clock }: { readonly metrics: Metrics; readonly clock: Pick<Clock, 'now'> },
): { close(): void } {
  const gauges = {
    approvals: [metrics.gauge('reins_approvals_waiting'), metrics.gauge('reins_approvals_oldest_seconds')],
    elicitations: [metrics.gauge('reins_elicitations_waiting'), metrics.gauge('reins_elicitations_oldest_seconds')],
  } as const
  const look = async (): Promise<void> => {
    for (const table of ['approvals', 'elicitations'] as const) {
      const found = await db
        .selectFrom(table)
        .select(({ fn }) => [fn.countAll<string>().as('count'), fn.min<string>('requested_at').as('oldest')])
        .where('state', 'in', table === 'approvals' ? ['waiting'] : ['waiting', 'accepted'])
        .executeTakeFirst()
      const [waiting, oldest] = gauges[table]
      const count = Number(found?.count ?? 0)
      waiting.set(count)
      oldest.set(count === 0 ? 0 : Math.max(0, (clock.now() - Number(found?.oldest ?? clock.now())) / 1000))
    }
  }
  const sample = setInterval(() => void look().catch(() => undefined), everyMs)
  sample.unref()
  void look().catch(() => undefined)
  return { close: () => clearInterval(sample) }
}
