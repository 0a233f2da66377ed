// The audit, read from the logs: what people did in sessions, what was done to agents, secrets, roles and the rest, and what was denied.
//   AU1. Nothing is kept for it but the denials: an entry is a frame of a gateway, or a record of the registry, told in one line.
//   AU2. The oldest first, in pages. A page ends after so many messages, or bytes of them, were looked at, also where few of them are shown.
//   AU3. Of what is told, names are told: no content of messages, no value, nothing of a token but its id.
import { type AuditEntry, type AuditPage, ReinsError, tokenIdOf } from '@reins/contracts'
import { authorize, type Caller } from '../caller.ts'
import { operations } from '../operations.ts'

export type AuditKind = 'sessions' | 'registry'

export interface AuditMessage {
  readonly seq: number
  /** epoch ms */
  readonly at: number
  readonly by: string
  /** Of a session: its id. Of the registry: kind and name. */
  readonly on: string
  readonly events: readonly { readonly type: string; readonly data: unknown }[]
  /** Of its body. */
  readonly bytes: number
  /** Of the registry: the record. */
  readonly value?: Readonly<Record<string, unknown>>
}

/** A stream of the broker: several may hold the sessions. */
export interface AuditStream {
  readonly kind: AuditKind
  readonly name: string
}

export interface AuditSource {
  /** Always in the same order: pages name places in them. */
  readonly streams: readonly AuditStream[]
  /** The next messages; none only with `ended`. Rejects where the stream does not answer. */
  read(
    stream: AuditStream,
    from: { readonly after: number } | { readonly since: number },
    count: number,
  ): Promise<{ readonly messages: readonly AuditMessage[]; readonly ended: boolean }>
}

export interface AuditRequest {
  readonly since: number
  readonly limit: number
  readonly after: string | undefined
  readonly denied: boolean
  readonly principal: string | undefined
}

const batch = 500
/** Of a turn with a tool, a gateway has written one frame of six. */
const mostLooked = 20_000
const mostBytes = 32_000_000

/** Throws forbidden, invalid_request. */
export async function auditPage(
  caller: Caller,
  source: AuditSource | undefined,
  request: AuditRequest,
): Promise<AuditPage> {
  authorize(caller, operations.readAudit)
  if (!source) throw new ReinsError('unavailable', 'This gateway cannot read the logs.')
  const { streams } = source
  const places = placesOf(request.after, streams)
  const feeds = streams.map((stream, at) => ({
    ...{ stream, after: places[at] ?? 0, waiting: [] as AuditMessage[], ended: false },
  }))
  const entries: AuditEntry[] = []
  let bytes = 0
  for (let looked = 0; ; looked++) {
    for (const feed of feeds) {
      if (feed.waiting.length > 0 || feed.ended) continue
      const from = feed.after > 0 ? { after: feed.after } : { since: request.since }
      const { messages, ended } = await source.read(feed.stream, from, batch)
      feed.waiting.push(...messages)
      feed.ended = ended
    }
    const ready = feeds.filter(({ waiting }) => waiting.length > 0)
    const [next] = ready.toSorted((a, b) => (a.waiting[0]?.at ?? 0) - (b.waiting[0]?.at ?? 0))
    if (!next) return { entries }
    if (entries.length >= request.limit || looked >= mostLooked || bytes >= mostBytes)
      // AU2
      return { entries, next: placeText(feeds.map(({ after }) => after)) }
    const message = next.waiting.shift()
    if (!message) return { entries }
    next.after = message.seq
    bytes += message.bytes
    if (message.at < request.since) continue
    entries.push(...entriesOf(next.stream.kind, message).filter((entry) => isWanted(entry, request)))
  }
}

const isWanted = ({ by, outcome }: AuditEntry, { denied, principal }: AuditRequest): boolean =>
  (!denied || outcome === 'denied') && (principal === undefined || by === `user:${principal}`)

/** A page of a time when one stream held the sessions goes on in each of those that they were moved to: their sequences are the same. */
function placesOf(after: string | undefined, streams: readonly AuditStream[]): readonly number[] {
  if (after === undefined) return []
  const text = Buffer.from(after, 'base64url').toString()
  const places = /^\d{1,15}(\.\d{1,15})+$/.test(text) ? text.split('.').map(Number) : []
  if (places.length === streams.length) return places
  const [sessions, registry] = places
  if (places.length === 2) return streams.flatMap(({ kind }) => (kind === 'sessions' ? sessions : registry) ?? [])
  throw new ReinsError(
    'invalid_request',
    '"after" does not name a page of this list: give the "next" of the page before it.',
  )
}

const placeText = (places: readonly number[]): string => Buffer.from(places.join('.')).toString('base64url')

/** AU3. */
function entriesOf(kind: AuditKind, { at, by, on, events, value = {} }: AuditMessage): readonly AuditEntry[] {
  const allowed = { at, by, outcome: 'allowed' as const }
  if (kind === 'sessions') return events.map(({ type }) => ({ ...allowed, did: type, on: `session ${on}` }))
  const [entity = '', name = ''] = on.split(/ (.*)/s)
  if (entity === '' || entity === 'sealed' || entity === 'version' || entity === 'bundle' || entity === 'key') return []
  if (entity === 'denial') {
    const { principal, operation, permission, from, count } = value
    return [
      {
        ...{ at, by: `user:${String(principal)}`, did: String(operation), on: 'gateway', outcome: 'denied' },
        ...(typeof permission === 'string' ? { permission } : {}),
        ...(typeof from === 'string' ? { from } : {}),
        ...(typeof count === 'number' ? { count } : {}),
      },
    ]
  }
  const gone = value.deleted === true || value.revoked === true || value.kind === 'removed'
  const did = `${entity}.${gone ? (entity === 'token' ? 'revoked' : 'removed') : value.banned === true ? 'banned' : 'written'}`
  const told = entity === 'token' ? `${tokenIdOf(name)} of ${String(value.principal)}` : name
  return [{ ...allowed, did, on: `${entity} ${told}` }]
}
