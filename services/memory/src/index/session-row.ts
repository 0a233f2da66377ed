// What the index keeps of a session: the columns of its row. What they say is folded in libs/session (session-info.ts), as the
// gateway does it for one session; here it is only laid out as a row, and read back.
import type { Frame, Status } from '@reins/contracts'
import { emptyInfo, foldInfo, type InfoFold } from '@reins/session'

export interface SessionRow {
  readonly id: string
  readonly root: string
  readonly parent: string | null
  readonly agent: string | null
  readonly digest: string | null
  readonly model: string | null
  readonly instance: string | null
  readonly status: Status
  readonly faulted: boolean
  /** Its last frame says that those before it lie in the archive. */
  readonly archived: boolean
  /** JSON: who ordered that it is erased, and when; null: it was not. */
  readonly erased: string | null
  readonly title: string | null
  /** JSON: calls that wait for people. */
  readonly waiting: string
  /** JSON: what it works on, and how its latest turn ended. */
  readonly work: string
  readonly turns: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly reasoning_tokens: number
  /** US dollars, as far as prices were known. */
  readonly usd: number
  readonly principal: string | null
  /** The session that it was forked from, and the frame that it goes on behind. */
  readonly forked_from: string | null
  readonly forked_at: number | null
  /** The turn that is open. */
  readonly turn: string | null
  /** epoch ms, as the times below */
  readonly created_at: number
  readonly last_activity_at: number
  readonly last_seq: number
  readonly last_n: number
}

export interface Owner {
  readonly session: string
  readonly root: string
}

/** `storedAt`: the broker's time of the frame, for frames that say none. The row itself where the frame changes nothing. */
export function applyFrame(row: SessionRow | undefined, owner: Owner, frame: Frame, storedAt: number): SessionRow {
  const before = row ? foldOf(row) : emptyInfo
  const after = foldInfo(before, frame, storedAt)
  return row && after === before ? row : rowOf(owner, after)
}

const rowOf = ({ session, root }: Owner, fold: InfoFold): SessionRow => ({
  id: session,
  root,
  parent: fold.parent,
  agent: fold.agent,
  digest: fold.digest,
  model: fold.model,
  instance: fold.instance,
  status: fold.status,
  faulted: fold.faulted,
  archived: fold.archived,
  erased: fold.erased && JSON.stringify(fold.erased),
  title: fold.title,
  waiting: JSON.stringify(fold.waiting),
  work: JSON.stringify(fold.work),
  turns: fold.turns,
  input_tokens: fold.usage.inputTokens,
  output_tokens: fold.usage.outputTokens,
  cache_read_tokens: fold.usage.cacheReadTokens,
  cache_write_tokens: fold.usage.cacheWriteTokens,
  reasoning_tokens: fold.usage.reasoningTokens,
  usd: fold.usd,
  principal: fold.principal,
  forked_from: fold.forked?.session ?? null,
  forked_at: fold.forked?.frame ?? null,
  turn: fold.turn,
  created_at: fold.createdAt,
  last_activity_at: fold.lastActivityAt,
  last_seq: fold.last.seq,
  last_n: fold.last.n,
})

export const foldOf = (row: SessionRow): InfoFold => ({
  parent: row.parent,
  agent: row.agent,
  digest: row.digest,
  model: row.model,
  instance: row.instance,
  status: row.status,
  faulted: row.faulted,
  archived: row.archived,
  erased: row.erased === null ? null : (JSON.parse(row.erased) as InfoFold['erased']),
  title: row.title,
  waiting: JSON.parse(row.waiting) as InfoFold['waiting'],
  work: JSON.parse(row.work) as InfoFold['work'],
  turns: row.turns,
  usage: {
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cacheReadTokens: row.cache_read_tokens,
    cacheWriteTokens: row.cache_write_tokens,
    reasoningTokens: row.reasoning_tokens,
  },
  usd: row.usd,
  principal: row.principal,
  forked: row.forked_from === null ? null : { session: row.forked_from, frame: row.forked_at ?? 0 },
  turn: row.turn,
  createdAt: row.created_at,
  lastActivityAt: row.last_activity_at,
  // Which event of the frame was the last is not kept: the list gives no cursors.
  last: { seq: row.last_seq, n: row.last_n, i: -1 },
})
