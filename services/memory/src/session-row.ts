// What the index knows of a session, from its frames. Pure and total: no frame can make a row that Postgres does not take.
//   R1. A frame that the row accounts for already (by n, and by sequence) changes nothing.
//   R2. The status is the last frame's header; after a faulty frame it is `quarantined` until the session is released.
//   R3. What a role may not say is not counted (ARCHITECTURE I11).
import {
  type EventOf,
  eventFault,
  type Frame,
  maySay,
  protocolVersion,
  type SessionEvent,
  type Status,
} from '@reins/contracts'

export interface SessionRow {
  readonly id: string
  readonly root: string
  readonly parent: string | null
  /** null: it was never started (a cancel for a child that did not exist yet). */
  readonly agent: string | null
  readonly digest: string | null
  readonly model: string | null
  readonly instance: string | null
  readonly status: Status
  readonly faulted: boolean
  readonly title: string | null
  readonly turns: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly reasoning_tokens: number
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

const titleLength = 80

/** `storedAt`: the broker's time of the frame, for frames that say none. */
export function applyFrame(row: SessionRow | undefined, owner: Owner, frame: Frame, storedAt: number): SessionRow {
  if (row && (frame.seq <= row.last_seq || (frame.fault === undefined && frame.n <= row.last_n))) return row // R1
  const at = storable(frame.at) || storedAt
  const before = row ?? emptyRow(owner, at)
  let next: SessionRow = {
    ...before,
    faulted: before.faulted || frame.fault !== undefined,
    last_activity_at: Math.max(before.last_activity_at, at),
    last_seq: frame.seq,
    last_n: Math.max(before.last_n, storable(frame.n)),
  }
  for (const event of frame.events) if (counts(frame, event)) next = applyEvent(next, event)
  return { ...next, status: next.faulted ? 'quarantined' : frame.status } // R2
}

/** R3. The events of a newer protocol come unchecked (contracts, frame.ts): what is not known here is passed over. */
const counts = (frame: Frame, event: SessionEvent): boolean =>
  (frame.needs <= protocolVersion || eventFault(event) === undefined) && maySay(frame.role, event.type)

const emptyRow = ({ session, root }: Owner, at: number): SessionRow => ({
  id: session,
  root,
  parent: null,
  agent: null,
  digest: null,
  model: null,
  instance: null,
  status: 'idle',
  faulted: false,
  title: null,
  turns: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  created_at: at,
  last_activity_at: at,
  last_seq: 0,
  last_n: 0,
})

function applyEvent(row: SessionRow, event: SessionEvent): SessionRow {
  switch (event.type) {
    case 'session.started':
      return row.agent === null ? started(row, event) : row
    case 'session.renamed':
      return { ...row, title: text(event.data.title) }
    case 'session.released':
      return { ...row, faulted: false }
    case 'message.received':
      return row.title === null ? { ...row, title: titleOf(event) } : row
    case 'turn.started':
      return { ...row, turns: row.turns + 1 }
    case 'model-call.completed': {
      const { usage } = event.data
      return {
        ...row,
        input_tokens: sum(row.input_tokens, usage.inputTokens),
        output_tokens: sum(row.output_tokens, usage.outputTokens),
        cache_read_tokens: sum(row.cache_read_tokens, usage.cacheReadTokens),
        cache_write_tokens: sum(row.cache_write_tokens, usage.cacheWriteTokens),
        reasoning_tokens: sum(row.reasoning_tokens, usage.reasoningTokens),
      }
    }
    default:
      return row
  }
}

function started(row: SessionRow, { data }: EventOf<'session.started'>): SessionRow {
  return {
    ...row,
    agent: text(data.agent),
    digest: text(data.digest),
    model: text(data.model),
    instance: data.instance ? text(data.instance.instance) : null,
    parent: data.parent ? text(data.parent.session) : null,
    title: data.title === undefined ? row.title : text(data.title),
  }
}

/** The first characters of a message on one line; null where it has none. */
function titleOf({ data }: EventOf<'message.received'>): string | null {
  const start = data.content.map((part) => part.text.slice(0, 1000)).join(' ')
  const line = [...text(start).replaceAll(/\s+/g, ' ').trim()]
  if (line.length === 0) return null
  return line.length > titleLength
    ? `${line
        .slice(0, titleLength - 1)
        .join('')
        .trimEnd()}…`
    : line.join('')
}

// Postgres takes no NUL and no half characters in a text, and 64 bits in a number.
const text = (value: string): string => value.replaceAll('\0', '').toWellFormed()
const storable = (value: number): number => (Number.isSafeInteger(value) && value > 0 ? value : 0)
const sum = (a: number, b: number): number => Math.min(a + storable(b), Number.MAX_SAFE_INTEGER)
