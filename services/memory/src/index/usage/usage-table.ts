// The rows of usage that frames change, written together with the sessions' rows.
import type { KnownRows } from '../known-rows.ts'
import type { SessionRow } from '../session-row.ts'
import type { StoredFrame } from '../session-stream.ts'
import type { Database, UsageTable } from '../tables.ts'
import { addTo, type UsageCounts, type UsageRow, type UsedBy, usageId, usageIn } from './usage-row.ts'

/** `before`: the sessions' rows as they were before these frames; `after`: with them. `known`: what was written a short while ago. */
export async function changedUsage(
  db: Database,
  table: UsageTable,
  known: KnownRows<UsageRow>,
  news: readonly StoredFrame[],
  before: readonly SessionRow[],
  after: ReadonlyMap<string, SessionRow>,
): Promise<readonly UsageRow[]> {
  const { used, begun } = usedIn(news, before)
  if (used.length === 0) return []
  const ids = [...new Set(used.map(({ owner, turn }) => usageId(owner, turn)))]
  const rows = known.of(ids)
  // A turn that begins in these frames has no row yet.
  const unknown = ids.filter((id) => !rows.has(id) && !begun.has(id))
  if (unknown.length > 0)
    for (const row of await db.selectFrom(table).selectAll().where('id', 'in', unknown).execute()) rows.set(row.id, row)
  for (const { owner, frame, turn, counts } of used) {
    const id = usageId(owner, turn)
    rows.set(id, addTo(rows.get(id), owner, turn, usedBy(after.get(owner.session)), counts, frame))
  }
  return ids.flatMap((id) => rows.get(id) ?? [])
}

interface Used {
  readonly owner: NonNullable<StoredFrame['owner']>
  readonly frame: NonNullable<StoredFrame['frame']>
  readonly turn: string
  readonly counts: UsageCounts
}

/** Of each frame that its session's row does not account for yet; and the turns that begin in them, by the ids of their rows. */
export function usedIn(
  news: readonly StoredFrame[],
  before: readonly SessionRow[],
): { readonly used: readonly Used[]; readonly begun: ReadonlySet<string> } {
  const seen = new Map(before.map(({ id, turn, last_seq: seq }) => [id, { turn: turn ?? '', seq }]))
  const begun = new Set<string>()
  const used = news.flatMap(({ owner, frame }): Used[] => {
    if (!owner || !frame) return []
    const { turn, seq } = seen.get(owner.session) ?? { turn: '', seq: 0 }
    if (frame.seq <= seq) return []
    const found = usageIn(frame, turn)
    for (const one of found.begun) begun.add(usageId(owner, one))
    seen.set(owner.session, { turn: found.turn, seq: frame.seq })
    return [...found.used].map(([of, counts]) => ({ owner, frame, turn: of, counts }))
  })
  return { used, begun }
}

const usedBy = (row: SessionRow | undefined): UsedBy => ({
  agent: row?.agent ?? '',
  principal: row?.principal ?? '',
  model: row?.model ?? '',
})
