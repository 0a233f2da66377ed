// What the index keeps of a question of a server: what it asks, and what became of it. A row is folded from the events of its session,
// in their order; whoever answers looks at the session itself.
//   ER1. A question is over when it is answered, or when its call is: a call that goes on waits for nobody.
//   ER2. Questions of code that decides for its session are rows as well. They are no calls of a turn: turns come and go beside them.
import {
  type AskedElicitation,
  type ElicitationState,
  type EventOf,
  type Frame,
  maySay,
  questionOfTimer,
  runMessage,
  runPosition,
  type SessionEvent,
} from '@reins/contracts'
import type { Owner } from '../session-row.ts'

export interface ElicitationRow {
  /** `<session>/<elicitation>` */
  readonly id: string
  readonly session: string
  readonly call: string
  readonly elicitation: string
  readonly agent: string
  readonly server: string
  readonly mode: 'form' | 'url'
  readonly message: string
  readonly url: string | null
  /** JSON; null: there is none, or it is long, and stands in the session. */
  readonly schema: string | null
  readonly nothing_ran: boolean
  /** The server has said that the page is done. */
  readonly completed: boolean
  readonly state: ElicitationState
  readonly answered_by: string | null
  /** epoch ms, as the times below */
  readonly requested_at: number
  /** 0: nothing ends the waiting. */
  readonly expires_at: number
  readonly ended_at: number | null
  readonly last_seq: number
}

const maxSchemaChars = 20_000

export const elicitationId = (session: string, elicitation: string): string => `${session}/${elicitation}`

/** The ids that a frame says something about. */
export const elicitationIds = ({ session }: Owner, frame: Frame): readonly string[] =>
  frame.events.flatMap((event) => {
    if (!maySay(frame.role, event.type)) return []
    if (event.type === 'elicitation.requested' || isAnswer(event))
      return [elicitationId(session, text(event.data.elicitation))]
    return event.type === 'run.paused' && event.data.output.type === 'elicitation'
      ? [elicitationId(session, text(event.data.output.elicitation_id))]
      : []
  })

export const isOpen = ({ state }: ElicitationRow): boolean => state === 'waiting' || state === 'accepted'

/** The rows that a frame changes, from those of its session that there were: all open ones, and all that it names. */
export function applyElicitations(
  before: readonly ElicitationRow[],
  owner: Owner,
  agent: string,
  frame: Frame,
): readonly ElicitationRow[] {
  const rows = new Map(before.map((row) => [row.id, row]))
  const changed = new Set<string>()
  const put = (row: ElicitationRow) => {
    rows.set(row.id, { ...row, last_seq: frame.seq })
    changed.add(row.id)
  }
  const close = (which: (row: ElicitationRow) => boolean, state: ElicitationState = 'withdrawn') => {
    for (const row of [...rows.values()]) if (isOpen(row) && which(row)) put({ ...row, state, ended_at: frame.at })
  }
  for (const event of frame.events) {
    if (!maySay(frame.role, event.type)) continue
    const about = callsThatGoOn(event)
    if (about === 'all') close(({ call }) => event.type === 'session.ended' || runPosition(call) === undefined)
    else close(({ call }) => about.includes(call))
    if (event.type === 'elicitation.requested') {
      close(({ call }) => call === event.data.call)
      const row = requested(event, owner, agent, frame)
      if (!rows.has(row.id)) put(row)
    } else if (event.type === 'run.paused') {
      const row = askedByCode(event, owner, agent, frame)
      if (row && !rows.has(row.id)) put(row)
    } else if (event.type === 'timer.fired') {
      const position = questionOfTimer(event.data.timer)
      if (position !== undefined) close(({ call }) => call === runMessage(position), 'expired')
    } else if (isAnswer(event)) {
      const row = rows.get(elicitationId(owner.session, text(event.data.elicitation)))
      if (row && isOpen(row)) put(answered(row, event, frame.at))
    }
  }
  return [...changed].flatMap((id) => rows.get(id) ?? [])
}

/** ER1 */
function callsThatGoOn(event: SessionEvent): readonly string[] | 'all' {
  switch (event.type) {
    case 'tool-calls.requested':
      return event.data.calls.map(({ call }) => text(call))
    case 'tool-call.completed':
    case 'tool-call.cancelled':
    case 'tool-call.outcome-unknown':
      return [text(event.data.call)]
    case 'run.withdrawn':
      return [runMessage(event.data.position)]
    case 'turn.cancelled':
    case 'session.ended':
      return 'all'
    default:
      return []
  }
}

type Answer = EventOf<
  | 'elicitation.answered'
  | 'elicitation.completed'
  | 'elicitation.remembered'
  | 'elicitation.expired'
  | 'elicitation.withdrawn'
>

const isAnswer = (event: SessionEvent): event is Answer =>
  event.type.startsWith('elicitation.') && event.type !== 'elicitation.requested'

function answered(row: ElicitationRow, event: Answer, at: number): ElicitationRow {
  const ended = (state: ElicitationState): ElicitationRow => ({ ...row, state, ended_at: at })
  switch (event.type) {
    case 'elicitation.answered': {
      const { action, completed, person } = event.data
      const answered_by = text(person)
      if (action !== 'accept') return { ...ended(action === 'decline' ? 'declined' : 'cancelled'), answered_by }
      const opens = row.mode === 'url' && row.nothing_ran && row.state === 'waiting' && !row.completed && !completed
      return opens ? { ...row, state: 'accepted', answered_by } : { ...ended('answered'), answered_by }
    }
    case 'elicitation.completed':
      return row.state === 'accepted' ? ended('answered') : { ...row, completed: true }
    case 'elicitation.remembered':
      return ended('remembered')
    case 'elicitation.expired':
      return ended('expired')
    case 'elicitation.withdrawn':
      return ended('withdrawn')
    default:
      return event satisfies never
  }
}

function requested(
  { data }: EventOf<'elicitation.requested'>,
  { session }: Owner,
  agent: string,
  frame: Frame,
): ElicitationRow {
  const schema = data.schema === undefined ? null : text(JSON.stringify(data.schema))
  return {
    ...{ id: elicitationId(session, text(data.elicitation)), session, call: text(data.call) },
    ...{ elicitation: text(data.elicitation), agent, server: text(data.server), mode: data.mode },
    message: text(data.message),
    url: data.url === undefined ? null : text(data.url),
    schema: schema === null || schema.length > maxSchemaChars ? null : schema,
    nothing_ran: data.nothingRan === true,
    ...{ completed: false, state: 'waiting', answered_by: null },
    ...{ requested_at: frame.at, expires_at: data.expiresAt, ended_at: null, last_seq: frame.seq },
  }
}

/** ER2. null: the code asks nobody. */
function askedByCode(
  { data: { position, output, expiresAt } }: EventOf<'run.paused'>,
  { session }: Owner,
  agent: string,
  frame: Frame,
): ElicitationRow | null {
  if (output.type !== 'elicitation') return null
  const elicitation = text(output.elicitation_id)
  return {
    ...{ id: elicitationId(session, elicitation), session, call: runMessage(position), elicitation, agent },
    ...{ server: text(output.server_name), mode: output.mode, message: text(output.message), url: text(output.url) },
    ...{ schema: null, nothing_ran: false, completed: false, state: 'waiting', answered_by: null },
    ...{ requested_at: frame.at, expires_at: expiresAt ?? 0, ended_at: null, last_seq: frame.seq },
  }
}

// Postgres takes no NUL and no half characters in a text.
const text = (value: string): string => value.replaceAll('\0', '').toWellFormed()

export const askedOf = (row: ElicitationRow): AskedElicitation => ({
  ...{ session: row.session, agent: row.agent, call: row.call, elicitation_id: row.elicitation, mode: row.mode },
  ...(row.url === null ? {} : { url: row.url }),
  ...{ message: row.message, server_name: row.server },
  ...(row.schema === null ? {} : { schema: JSON.parse(row.schema) as Record<string, unknown> }),
  ...{ state: row.state, requestedAt: row.requested_at },
  ...(row.expires_at === 0 ? {} : { expiresAt: row.expires_at }),
  ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  ...(row.answered_by === null ? {} : { answeredBy: row.answered_by }),
})
