// The rows of approvals that frames change, written together with the sessions' rows.
import { type ApprovalRow, applyApprovals, approvalIds } from './approval-row.ts'
import type { StoredFrame } from '../session-stream.ts'
import type { ApprovalsTable, Database } from '../tables.ts'

/** `agentOf`: of a session, as its row has it by now. */
export async function changedApprovals(
  db: Database,
  table: ApprovalsTable,
  news: readonly StoredFrame[],
  agentOf: (session: string) => string,
): Promise<readonly ApprovalRow[]> {
  const about = news.flatMap(({ owner, frame }) => (owner && frame ? approvalIds(owner, frame) : []))
  if (about.length === 0) return []
  const ids = [...new Set(about)]
  const known = await db.selectFrom(table).selectAll().where('id', 'in', ids).execute()
  const rows = new Map<string, ApprovalRow>(known.map((row) => [row.id, row]))
  const changed = new Map<string, ApprovalRow>()
  for (const { owner, frame } of news) {
    if (!owner || !frame) continue
    for (const row of applyApprovals((id) => rows.get(id), owner, agentOf(owner.session), frame)) {
      rows.set(row.id, row)
      changed.set(row.id, row)
    }
  }
  return [...changed.values()]
}
