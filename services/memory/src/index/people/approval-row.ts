// What the index keeps of a call that waits for people, or that waited. A row is folded from the events of its call, in their order;
// whoever decides looks at the session itself.
import {
  type ApprovalInfo,
  type ApprovalState,
  type EventOf,
  type Frame,
  maySay,
  type SessionEvent,
} from '@reins/contracts'
import type { Owner } from '../session-row.ts'

export interface ApprovalRow {
  /** `<session>/<call>` */
  readonly id: string
  readonly session: string
  readonly call: string
  readonly agent: string
  readonly name: string
  /** JSON; null: they are long, and stand in the session. */
  readonly arguments: string | null
  readonly digest: string
  readonly reason: string
  readonly state: ApprovalState
  readonly target: string | null
  readonly must: boolean
  readonly quorum: number
  /** JSON */
  readonly approvers: string
  /** epoch ms, as the times below */
  readonly requested_at: number
  readonly expires_at: number | null
  readonly decided_at: number | null
  readonly decided_by: string | null
  readonly decision_reason: string | null
  readonly granted_by: string | null
  readonly last_seq: number
}

const maxArgumentsChars = 20_000

export const approvalId = (session: string, call: string): string => `${session}/${call}`

/** The ids that a frame says something about. */
export const approvalIds = ({ session }: Owner, frame: Frame): readonly string[] =>
  approvalEvents(frame).map(({ data }) => approvalId(session, data.call))

type ApprovalEvent = EventOf<
  'approval.requested' | 'approval.decided' | 'approval.granted' | 'approval.expired' | 'approval.withdrawn'
>

const approvalEvents = (frame: Frame): readonly ApprovalEvent[] =>
  frame.events.filter((event): event is ApprovalEvent => isApproval(event) && maySay(frame.role, event.type))

const isApproval = ({ type }: SessionEvent): boolean =>
  type === 'approval.requested' ||
  type === 'approval.decided' ||
  type === 'approval.granted' ||
  type === 'approval.expired' ||
  type === 'approval.withdrawn'

/** The rows that a frame changes, from those that there were. `agent`: of the session. */
export function applyApprovals(
  rowOf: (id: string) => ApprovalRow | undefined,
  owner: Owner,
  agent: string,
  frame: Frame,
): readonly ApprovalRow[] {
  const changed = new Map<string, ApprovalRow>()
  for (const event of approvalEvents(frame)) {
    const id = approvalId(owner.session, event.data.call)
    const row = changed.get(id) ?? rowOf(id)
    const next = nextOf(row, event, owner, agent, frame)
    if (next) changed.set(id, { ...next, last_seq: frame.seq })
  }
  return [...changed.values()]
}

function nextOf(
  row: ApprovalRow | undefined,
  event: ApprovalEvent,
  owner: Owner,
  agent: string,
  frame: Frame,
): ApprovalRow | undefined {
  if (row && row.last_seq >= frame.seq && row.state !== 'waiting') return undefined
  if (event.type === 'approval.requested') return row ? undefined : requested(event, owner, agent, frame)
  if (row?.state !== 'waiting') return undefined
  const ended = { decided_at: frame.at }
  switch (event.type) {
    case 'approval.decided': {
      const { verdict, approver, reason } = event.data
      const said = { decided_by: text(approver), decision_reason: reason === undefined ? null : text(reason) }
      if (verdict === 'denied') return { ...row, ...ended, ...said, state: 'denied' }
      const before = verdict === 'edited' ? [] : (JSON.parse(row.approvers) as string[])
      const approvers = before.includes(approver) ? before : [...before, text(approver)]
      const counted = { ...row, approvers: JSON.stringify(approvers) }
      return approvers.length < row.quorum ? counted : { ...counted, ...ended, ...said, state: verdict }
    }
    case 'approval.granted':
      return { ...row, ...ended, state: 'granted', granted_by: text(event.data.grant) }
    case 'approval.expired':
      return { ...row, ...ended, state: 'expired' }
    case 'approval.withdrawn':
      return { ...row, ...ended, state: 'withdrawn' }
    default:
      return event satisfies never
  }
}

function requested(
  { data }: EventOf<'approval.requested'>,
  { session }: Owner,
  agent: string,
  frame: Frame,
): ApprovalRow {
  const args = text(JSON.stringify(data.arguments))
  return {
    ...{ id: approvalId(session, data.call), session, call: text(data.call), agent, name: text(data.name) },
    arguments: args.length > maxArgumentsChars ? null : args,
    digest: data.digest,
    reason: text(data.reason),
    state: 'waiting',
    target: data.target === undefined ? null : text(data.target).slice(0, 2_000),
    must: data.must === true,
    quorum: data.quorum ?? 1,
    approvers: '[]',
    requested_at: frame.at,
    expires_at: data.expiresAt ?? null,
    ...{ decided_at: null, decided_by: null, decision_reason: null, granted_by: null },
    last_seq: frame.seq,
  }
}

// Postgres takes no NUL and no half characters in a text.
const text = (value: string): string => value.replaceAll('\0', '').toWellFormed()

export const approvalOf = (row: ApprovalRow): ApprovalInfo => ({
  ...{ session: row.session, call: row.call, agent: row.agent, name: row.name },
  ...(row.arguments === null ? {} : { arguments: JSON.parse(row.arguments) as unknown }),
  ...{ digest: row.digest, reason: row.reason, state: row.state },
  ...(row.target === null ? {} : { target: row.target }),
  ...(row.must ? { must: true } : {}),
  ...(row.quorum > 1 ? { quorum: row.quorum, approvers: JSON.parse(row.approvers) as string[] } : {}),
  requestedAt: row.requested_at,
  ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  ...(row.decided_at === null ? {} : { decidedAt: row.decided_at }),
  ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
  ...(row.decision_reason === null ? {} : { decisionReason: row.decision_reason }),
  ...(row.granted_by === null ? {} : { grant: row.granted_by }),
})
