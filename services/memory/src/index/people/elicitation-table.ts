// The rows of elicitations that frames change, written together with the sessions' rows.
import { applyElicitations, type ElicitationRow, elicitationIds } from './elicitation-row.ts'
import type { StoredFrame } from '../session-stream.ts'
import type { Database, ElicitationsTable } from '../tables.ts'

/** `agentOf`: of a session, as its row has it by now. `asked`: sessions in which something was open before the news. */
export async function changedElicitations(
  db: Database,
  table: ElicitationsTable,
  news: readonly StoredFrame[],
  agentOf: (session: string) => string,
  asked: readonly string[],
): Promise<readonly ElicitationRow[]> {
  const named = news.flatMap(({ owner, frame }) =>
    owner && frame ? elicitationIds(owner, frame).map((id) => ({ id, session: owner.session })) : [],
  )
  const sessions = [...new Set([...asked, ...named.map(({ session }) => session)])]
  if (sessions.length === 0) return []
  const known = await db
    .selectFrom(table)
    .selectAll()
    .where('session', 'in', sessions)
    .where((row) =>
      row.or([row('state', 'in', ['waiting', 'accepted']), row('id', 'in', ['', ...named.map(({ id }) => id)])]),
    )
    .execute()
  const rows = new Map<string, Map<string, ElicitationRow>>(sessions.map((session) => [session, new Map()]))
  for (const row of known) rows.get(row.session)?.set(row.id, row)
  const changed = new Map<string, ElicitationRow>()
  for (const { owner, frame } of news) {
    const before = owner && rows.get(owner.session)
    if (!before || !frame) continue
    for (const row of applyElicitations([...before.values()], owner, agentOf(owner.session), frame)) {
      before.set(row.id, row)
      changed.set(row.id, row)
    }
  }
  return [...changed.values()]
}
