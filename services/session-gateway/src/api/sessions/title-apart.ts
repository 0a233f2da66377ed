// The title of a session may be what somebody said. So no receipt that is kept for a day has it (K5 of idempotency.ts): a receipt that is
// given again has the title that the session has by then, and that of a session that was erased has none.
import type { CreatedSession } from '@reins/contracts'
import type { SessionFolds } from '../reads/session-folds.ts'
import type { Apart } from './session-writes.ts'

export function titleApart(folds: SessionFolds): Apart<CreatedSession> {
  const out = ({ session: { title: _title, ...session }, ...receipt }: CreatedSession): CreatedSession => ({
    ...receipt,
    session,
  })
  return {
    out,
    // An older gateway has kept the title too.
    async back(kept) {
      const receipt = out(kept)
      const { title } = await folds.info(receipt.session.id)
      return title === undefined ? receipt : { ...receipt, session: { ...receipt.session, title } }
    },
  }
}
