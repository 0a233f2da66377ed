// Frames applied to the rows of approvals, in the transaction of the sessions' rows.
import type { Transaction } from 'kysely'
import { type ApprovalRow, applyApprovals, approvalIds } from './approval-row.ts'
import type { StoredFrame } from './session-stream.ts'
import type { ApprovalsTable, Tables } from './tables.ts'
import { upsert } from './upsert.ts'

/** `agentOf`: of a session, as its row has it by now. */
export async function applyApprovalsTo(
  trx: Transaction<Tables>,
  table: ApprovalsTable,
  news: readonly StoredFrame[],
  agentOf: (session: string) => string,
): Promise<void> {
  const about = news.flatMap(({ owner, frame }) => (owner && frame ? approvalIds(owner, frame) : []))
  if (about.length === 0) return
  const ids = [...new Set(about)]
  const known = await trx.selectFrom(table).selectAll().where('id', 'in', ids).execute()
  const rows = new Map<string, ApprovalRow>(known.map((row) => [row.id, row]))
  const changed = new Map<string, ApprovalRow>()
  for (const { owner, frame } of news) {
    if (!owner || !frame) continue
    for (const row of applyApprovals((id) => rows.get(id), owner, agentOf(owner.session), frame)) {
      rows.set(row.id, row)
      changed.set(row.id, row)
    }
  }
  await upsert(trx, table, [...changed.values()])
}
