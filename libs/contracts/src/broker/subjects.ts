// Every name on the broker, built and taken apart here and nowhere else: subjects, streams, buckets, durables.
//   N1. A token never holds a dot, a space or a wildcard: ids are checked before they get here (ids.ts), names are encoded.
//   N2. The condition subject of a session is one byte-identical string for every writer (PROTOCOL 3.1).
import { createHash } from 'node:crypto'
import { isSessionId, partitionOf, rootOf } from '../ids.ts'

/** Those that hold the sessions stand in session-streams.ts. */
export const streams = {
  live: 'LIVE',
  timers: 'TIM',
  registry: 'REG',
  deliveries: 'HOOKS',
  memories: 'MEM',
  canary: 'CANARY',
  keys: 'KEYS',
} as const
export const buckets = {
  snapshots: 'reins-snapshots',
  pools: 'reins-pools',
  idempotency: 'reins-idempotency',
  exports: 'reins-exports',
} as const
/** A bucket is a stream whose subjects are its keys. */
export const bucketStream = (bucket: string): string => `KV_${bucket}`
export const bucketSubject = (bucket: string, key: string): string => `$KV.${bucket}.${key}`
export const bucketFilter = (bucket: string): string => `$KV.${bucket}.>`
/** How far the export of spans has come, and who exports. */
export const spanExportSubject = `$KV.${buckets.exports}.spans`
/** Who exports nothing for so long begins anew. */
export const exportsKeptMs = 7 * 24 * 3_600_000
/** What is appended to learn whether the broker takes appends. It says nothing. */
export const canarySubject = 'canary'
export const objectStores = { outputs: 'reins-blobs', bundles: 'reins-bundles', archive: 'reins-archive' } as const
/** An object store is a stream of chunks and of descriptions. */
export const objectStream = (store: string): string => `OBJ_${store}`
/** The subjects of an object store: where its objects are described, and where one is. */
export const objectInfosFilter = (store: string): string => `$O.${store}.M.>`
export const objectAllChunksFilter = (store: string): string => `$O.${store}.C.>`
export const objectChunksSubject = (store: string, nuid: string): string => `$O.${store}.C.${nuid}`
/** The last message there describes the object. The client of the broker pads the name. */
export function objectInfoSubject(store: string, name: string): string {
  const encoded = Buffer.from(name).toString('base64url')
  return `$O.${store}.M.${encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=')}`
}
/** The name that stands in the subject of a description; '' where none does. */
export const objectNameIn = (subject: string): string =>
  Buffer.from(subject.split('.')[3] ?? '', 'base64url').toString('utf8')
/** How long a whole output is kept that a tool made, and how much of it a session keeps in all. */
export const outputsKeptMs = 7 * 24 * 3_600_000
export const maxOutputBytesOfSession = 64 * 1024 * 1024

/**
 * Where a user of the broker hears what it is answered: its own prefix, which nobody else may listen to. JetStream answers below it;
 * what services and instances answer arrives at `answers`, the only place where those whom it asks may write.
 */
export const inboxOf = (user: string): { readonly own: string; readonly answers: string } => {
  const own = `_INBOX.${user.replaceAll(/[^A-Za-z0-9_-]/g, '-') || 'anybody'}`
  return { own, answers: `${own}.answers` }
}
/**
 * In stored messages that the broker hands out on request, and never in what a service says. The broker answers wherever it is told to, so
 * what is heard or stored with this header was put there by somebody who may not speak there.
 */
export const readFromHeader = 'Nats-Stream'
/** Where a message that a consumer delivers is to be acked, as its reply subject says. */
export const ackPrefix = '$JS.ACK.'

/** Whether other processes of Reins answer what is asked at a subject, and not the broker. */
export const answeredByProcesses = (subject: string): boolean => /^(svc|ctl)\./.test(subject)

/** Who says it. The broker enforces that a service's NATS user publishes its own role only (between processes). */
export type Role = 'g' | 'e' | 't' | 'm'
export const roles: readonly Role[] = ['g', 'e', 't', 'm']

/** Who must act on a frame: nobody (`log`), the executors of a pool, the tool-runners of a pool. */
export type Address =
  | { readonly kind: 'log' }
  | { readonly kind: 'exec'; readonly pool: string }
  | { readonly kind: 'tool'; readonly pool: string }

export const toLog: Address = { kind: 'log' }
export const toExec = (pool: string): Address => ({ kind: 'exec', pool })
export const toTool = (pool: string): Address => ({ kind: 'tool', pool })

/** Without a pool (its frame was none, and named none) nobody can be meant. */
const addressToken = (to: Address): string => (to.kind === 'log' || to.pool === '' ? 'log' : `${to.kind}.${to.pool}`)

const sessionPrefix = (session: string): string => {
  const root = rootOf(session)
  return `${partitionOf(root)}.${root}.${session}`
}

export const sessionSubject = (session: string, role: Role, to: Address): string =>
  `ses.${sessionPrefix(session)}.${role}.${addressToken(to)}`
/** The one condition subject of a session, and the filter of all its frames. */
export const sessionFilter = (session: string): string => `ses.${sessionPrefix(session)}.>`
/** What one role has said in a session. */
export const sessionRoleFilter = (session: string, role: Role): string => `ses.${sessionPrefix(session)}.${role}.>`
/** All frames of a root session and everything delegated below it. */
export const treeFilter = (root: string): string => `ses.${partitionOf(root)}.${root}.>`
export const allSessionsFilter = 'ses.>'
export const partitionFilter = (partition: number): string => `ses.${partition}.>`
/** Where memory says that a session's older frames lie in the archive: of one session, of a tree, of all. */
export const archivedSubject = (session: string): string => sessionSubject(session, 'm', toLog)
export const archivedInTreeFilter = (root: string): string => `ses.${partitionOf(root)}.${root}.*.m.log`
export const archivedFilter = 'ses.*.*.*.m.log'
/** Where a session is said to be erased, for a person; those below it have that in `archivedSubject`. */
export const erasedSubject = (session: string): string => sessionSubject(session, 'g', toLog)
export const erasedFilter = 'ses.*.*.*.g.log'
/** The key of a session's objects in the archive. It is written once. */
export const archiveKeySubject = (session: string): string => `key.${session}`
export const allArchiveKeysFilter = 'key.>'
/** What the broker republishes of the frames of a session, a tree, everything. */
export const republished = (filter: string): string => `rp.${filter}`
export const republishSource = 'ses.>'
export const republishTarget = 'rp.ses.>'

export const execFilter = (pool: string): string => `ses.*.*.*.*.exec.${pool}`
export const toolFilter = (pool: string): string => `ses.*.*.*.e.tool.${pool}`
export const execDurable = (pool: string): string => `exec-${pool}`
export const toolDurable = (pool: string): string => `tool-${pool}`
export const indexDurable = 'index'
/** Of versions that followed by durables; `spanExportSubject` says now what it said. */
export const tracesDurable = 'traces'
export const timersDurable = 'fired'
export const archiveDurable = 'archive'
export const erasureDurable = 'erasure'

export const liveSubject = (session: string, role: 'e' | 't'): string => `live.${sessionPrefix(session)}.${role}`
export const liveFilter = (session: string): string => `live.${sessionPrefix(session)}.*`
export const liveTreeFilter = (root: string): string => `live.${partitionOf(root)}.${root}.>`
export const allLiveFilter = 'live.>'

export const timerSubject = (session: string, timer: string): string => `timer.${sessionPrefix(session)}.${timer}`
export const firedSubject = (session: string, timer: string): string => `fired.${sessionPrefix(session)}.${timer}`
export const allTimersFilter = 'timer.>'
export const allFiredFilter = 'fired.>'

/** Core subjects: liveness and questions between instances. They carry no facts. */
export const controlSubject = (instance: string): string => `ctl.${instance}`
export const heartbeatSubject = (service: 'executor' | 'tool-runner', instance: string): string =>
  `hb.${service}.${instance}`
export const heartbeatFilter = (service: 'executor' | 'tool-runner'): string => `hb.${service}.*`
/** Of a cluster: before the name of the stream, or of the stream and the consumer, that has a new leader. */
export const electionSubjects = ['STREAM', 'CONSUMER'].map((of) => `$JS.EVENT.ADVISORY.${of}.LEADER_ELECTED`)
/** Of the quotas of model providers: between executors alone. */
export const quotaAskSubject = (owner: string): string => `quota.ask.${owner}`
export const quotaSubject = (what: 'granted' | 'refused' | 'spent'): string => `quota.${what}`
export const allQuotasFilter = 'quota.>'

/** Deliveries of webhooks: put off until a time, due now, and what came of them. */
export const webhookTimerSubject = (webhook: string, delivery: string): string =>
  `hook.${encodeToken(webhook)}.${encodeToken(delivery)}`
export const webhookJobSubject = (webhook: string, delivery: string): string =>
  `${webhookTimerSubject(webhook, delivery)}.due`
export const allWebhookJobsFilter = 'hook.*.*.due'
export const webhookJobsDurable = 'webhook-due'
/** Both, and what an older version has put off. */
export const allWebhookTimersFilter = 'hook.>'
/** Where an older version says that a delivery is due, with its body. An older process looks nowhere else, and takes away what it cannot read. */
export const olderWebhookJobSubject = (webhook: string, delivery: string): string =>
  `hookfired.${encodeToken(webhook)}.${encodeToken(delivery)}`
export const allOlderWebhookJobsFilter = 'hookfired.>'
export const olderWebhookJobsDurable = 'webhook-jobs'
export const webhooksDurable = 'webhooks'
export const deliverySubject = (webhook: string): string => `hooklog.${encodeToken(webhook)}`
export const allDeliveriesFilter = 'hooklog.>'

/** Long-term memory: one subject for each change, so that a change is in the stream once. Scopes and keys stand there by a digest. */
export const memoryEntrySubject = (scope: string, key: string, op: string): string =>
  `mem.${shortDigest(scope)}.${shortDigest(key)}.${shortDigest(op)}`
/** All that happened to one entry. The one condition subject of its changes. */
export const memoryEntryFilter = (scope: string, key: string): string =>
  `mem.${shortDigest(scope)}.${shortDigest(key)}.*`
/** That a whole scope was forgotten. */
export const memoryScopeSubject = (scope: string, op: string): string =>
  `mem.${shortDigest(scope)}.all.${shortDigest(op)}`
export const memoryScopeForgottenFilter = (scope: string): string => `mem.${shortDigest(scope)}.all.*`
export const memoryScopeFilter = (scope: string): string => `mem.${shortDigest(scope)}.>`
export const allMemoriesFilter = 'mem.>'
/** 128 bits, as letters, digits, - and _. */
const shortDigest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22)

export const registryKinds = [
  'agent',
  'version',
  'bundle',
  'config',
  'secret',
  'role',
  'principal',
  'denial',
  'token',
  'schedule',
  'key',
  'webhook',
  'project',
  'sealed',
] as const
export type RegistryKind = (typeof registryKinds)[number]
export const registrySubject = (kind: RegistryKind, name: string): string => `reg.${kind}.${encodeToken(name)}`
/** The record that says: from here on, records without the registry's seal are not believed. */
export const sealedMarkName = 'registry'
export const registryKindFilter = (kind: RegistryKind): string => `reg.${kind}.*`
export const allRegistryFilter = 'reg.>'

export const serviceSubject = (
  service: 'registry' | 'session-gateway' | 'memory' | 'tool-runner',
  verb: string,
): string => `svc.${service}.${verb}`
/** Whoever may publish here may be given the secrets that an agent's definition names. */
export const resolveSecretsVerb = 'secrets.resolve'
/** Whoever may publish here may be given the secrets that a build declares which a project has. */
export const projectSecretsVerb = 'projects.secrets'
/** Whoever may publish here may have deliveries of webhooks signed. */
export const signWebhookVerb = 'webhooks.sign'

/** Any text as one subject token: letters, digits and hyphens stay, everything else is `_` and two hex digits a byte. */
export function encodeToken(name: string): string {
  // Most are digests and plain names; each request asks for some.
  if (/^[A-Za-z0-9-]*$/.test(name)) return name
  let out = ''
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte)
    out += /[A-Za-z0-9-]/.test(char) ? char : `_${byte.toString(16).padStart(2, '0')}`
  }
  return out
}

export interface SessionSubject {
  readonly session: string
  readonly root: string
  readonly role: Role
  readonly to: Address
}

/** Takes a subject of `ses.>` (republished or not) apart; undefined where it is none. */
export function parseSessionSubject(subject: string): SessionSubject | undefined {
  const tokens = subject.split('.')
  if (tokens[0] === 'rp') tokens.shift()
  const [kind, , root, session, role, to, pool] = tokens
  if (kind !== 'ses' || !root || !session || !to) return undefined
  if (role !== 'g' && role !== 'e' && role !== 't' && role !== 'm') return undefined
  if (to === 'log' && pool === undefined) return { session, root, role, to: toLog }
  if ((to === 'exec' || to === 'tool') && pool && tokens.length === 7)
    return { session, root, role, to: { kind: to, pool } }
  return undefined
}

/**
 * As `parseSessionSubject`; undefined also where it is not the one subject that frames of this session have. A frame under another one is
 * found by no reading of the session, so nobody can act on it.
 */
export function ownSessionSubject(subject: string): SessionSubject | undefined {
  const parsed = parseSessionSubject(subject)
  if (!parsed || !isSessionId(parsed.session)) return undefined
  return sessionSubject(parsed.session, parsed.role, parsed.to) === subject ? parsed : undefined
}

export function parseLiveSubject(subject: string): { readonly session: string; readonly role: 'e' | 't' } | undefined {
  const [kind, , root, session, role, rest] = subject.split('.')
  if (kind !== 'live' || !root || !session || rest !== undefined) return undefined
  return role === 'e' || role === 't' ? { session, role } : undefined
}

export function parseTimerSubject(subject: string): { readonly session: string; readonly timer: string } | undefined {
  const [kind, , root, session, timer, rest] = subject.split('.')
  if ((kind !== 'timer' && kind !== 'fired') || !root || !session || !timer || rest !== undefined) return undefined
  return { session, timer }
}

/** The last message of a stream whose sessions were moved to several streams: all that it takes from then on. */
export const movedMark = 'ses.moved'
/** Metadata of a stream that sessions were moved to: which stream they come from, as its creation time. */
export const movedFrom = 'reins-moved-from'
/** Those that hand out orders to take frames out of a stream. */
export const takingOut: readonly string[] = [archiveDurable, erasureDurable]
/** Metadata of such a stream: up to which sequence the orders of one of those had been carried out when its copy began. */
export const takenOutBefore = (durable: string): string => `reins-${durable}-before`
/** On which a move is tried out first. */
export const scratchOfMove = {
  from: 'REINS_MOVE_FROM',
  to: 'REINS_MOVE_TO',
  all: 'reins-move.>',
  part: 'reins-move.a',
  other: 'reins-move.b',
  closed: 'reins-move.closed',
} as const
/** The client's own update keeps what is left out. */
export const streamUpdateSubject = (stream: string): string => `$JS.API.STREAM.UPDATE.${stream}`
