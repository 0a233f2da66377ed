// Who may say what on the broker (I11, PROTOCOL 1): one user a service, each with its own role's subjects; the one-process composition
// holds the union.
//   NU1. What is not named is denied. None may purge, delete, restore or reshape what is stored; only the registry updates a stream's
//        settings (a newer version does), and a consumer of sessions or timers is nobody's to delete, but for the one by which memory
//        followed sessions for spans.
//   NU2. Each hears its own inbox and no other. Where it hears what services answer, only those may write whom it asks, and each question
//        has a place for its answer that nobody can guess (libs/broker): so replies cannot be forged, and a question that names another
//        subject for its answer makes nobody write there.
//   NU3. Only a tool-runner, memory and an executor may ask for the values of secrets: the first two use them, for tools and for databases
//        of long-term memories, and an executor masks them in what models say. A gateway, beside which the apps of projects run, may ask
//        for those that a project's build declares, and for no others. The answer is sealed for the process that asks.
//        Only memory, which sends webhooks, may have something signed.
//   NU5. Only the mover may delete a stream of ours: the one stream of sessions, once they lie in several. No service is this user:
//        `reins up` uses it before it starts one, and the operator's command `reins streams split` while they work.
//   NU6. Only the archivist may take frames out of a stream of sessions, once they lie in the archive, and only it writes the archive. The
//        process that runs memory is this user beside its own, where the operator archives sessions; else nobody is, and the streams
//        are made so that nobody can.
//      Only it erases: it overwrites messages of sessions, their objects, their keys and what webhooks are told of them, and empties the
//      snapshots.
//   NU4. What the broker cannot keep apart: its own answers go to whatever reply subject a request names, also to another role's. So whoever
//        hears or reads leaves out what the broker was made to say (LI1 of libs/broker/src/connection/listen.ts, F6 of frame.ts).
import { configureVerb, varyVerb } from '../agents/registry.ts'
import { compactVerb, dispatchVerb, runRequestVerb } from '../api/for-code.ts'
import { memoryToolQuestions, memoryVerb } from '../memory/entries.ts'
import { allSessionStreamNames, sessionStreamsOf } from './session-streams.ts'
import {
  allArchiveKeysFilter,
  allMemoriesFilter,
  allQuotasFilter,
  bucketStream,
  buckets,
  canarySubject,
  electionSubjects,
  inboxOf,
  movedMark,
  objectStores,
  objectStream,
  type Role,
  resolveSecretsVerb,
  scratchOfMove,
  serviceSubject,
  signWebhookVerb,
  streams,
  tracesDurable,
} from './subjects.ts'

export interface NatsPermissions {
  readonly publish?: SubjectRights
  readonly subscribe?: SubjectRights
}

export interface SubjectRights {
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

export const serviceNames = ['registry', 'session-gateway', 'executor', 'tool-runner', 'memory'] as const
export type ServiceName = (typeof serviceNames)[number]

const objects: readonly string[] = Object.values(objectStores).map(objectStream)
const stores: readonly string[] = [
  ...[...allSessionStreamNames, ...Object.values(streams)],
  ...[...Object.values(buckets).map(bucketStream), ...objects],
]
const sessionStreams: readonly string[] = allSessionStreamNames

const api = (...verbs: readonly string[]): readonly string[] => verbs.map((verb) => `$JS.API.${verb}`)
const consumersOf = (stream: string): readonly string[] =>
  api(`CONSUMER.CREATE.${stream}`, `CONSUMER.CREATE.${stream}.>`, `CONSUMER.DURABLE.CREATE.${stream}.*`)
/** By consumers that come and go, and that nobody acks. */
const follows = (...of: readonly string[]): readonly string[] =>
  of.flatMap((stream) => [
    ...consumersOf(stream),
    ...api(`CONSUMER.MSG.NEXT.${stream}.*`, `CONSUMER.DELETE.${stream}.*`),
    // How a reader of an object tells the server to go on.
    `$JS.FC.${stream}.>`,
  ])
/** By durables, which are nobody's to delete. */
const works = (...of: readonly string[]): readonly string[] =>
  of.flatMap((stream) => [...consumersOf(stream), ...api(`CONSUMER.MSG.NEXT.${stream}.*`), ...acks(stream)])
/** With a domain and an account in it, the subject of an ack is longer. */
const acks = (stream: string): readonly string[] => [`$JS.ACK.${stream}.>`, `$JS.ACK.*.*.${stream}.>`]

const everybodyPublishes: readonly string[] = [
  ...api('INFO', 'STREAM.INFO.*', 'STREAM.NAMES', 'STREAM.LIST'),
  ...stores.flatMap((stream) => api(`STREAM.MSG.GET.${stream}`, `DIRECT.GET.${stream}`, `DIRECT.GET.${stream}.>`)),
  ...api('CONSUMER.INFO.>', 'CONSUMER.NAMES.*', 'CONSUMER.LIST.*'),
  // Each service makes what is missing at its start; making it again with other settings is refused by the broker.
  ...stores.flatMap((stream) => api(`STREAM.CREATE.${stream}`)),
  // What the registry keeps, everybody watches.
  ...follows(streams.registry),
]

const frames = (role: Role): string => `ses.*.*.*.${role}.>`
const deltas = (role: 'e' | 't'): string => `live.*.*.*.${role}`

const resolveSecrets = serviceSubject('registry', resolveSecretsVerb)
const signWebhook = serviceSubject('registry', signWebhookVerb)
/** For code of projects, which executors (workflows) and tool-runners (tools) run. */
const dispatch = serviceSubject('session-gateway', dispatchVerb)
/** Of any gateway, for the code of runs. */
const runRequests = serviceSubject('session-gateway', runRequestVerb('*'))

/** All services in one process, which other processes may join: it asks whatever one of them asks. */
export const unionUser = 'reins'

/** NU2. The place where services hear what they are answered. */
const answersTo = (...asking: readonly ServiceName[]): readonly string[] =>
  [unionUser, ...asking].map((user) => `${inboxOf(user).answers}.>`)

interface Own {
  readonly says: readonly string[]
  /** Of what `says` lets in. */
  readonly never?: readonly string[]
  readonly hears: readonly string[]
}

const own: Readonly<Record<ServiceName, Own>> = {
  registry: {
    says: [
      ...['reg.>', `$O.${objectStores.bundles}.>`, ...stores.flatMap((stream) => api(`STREAM.UPDATE.${stream}`))],
      ...answersTo('session-gateway', 'executor', 'tool-runner', 'memory'),
      ...follows(...objects),
    ],
    hears: ['svc.registry.>'],
  },
  'session-gateway': {
    says: [
      ...[frames('g'), canarySubject, 'svc.>', `$KV.${buckets.idempotency}.>`, `$KV.${buckets.pools}.>`],
      // Images of messages.
      `$O.${objectStores.outputs}.>`,
      // It makes pools, and their durables, before the first frame to them. It takes nothing from them.
      ...[...sessionStreams.flatMap(consumersOf), ...follows(...objects)],
      ...answersTo('executor', 'tool-runner'),
    ],
    // NU3; and no gateway asks another.
    never: [resolveSecrets, signWebhook, 'svc.session-gateway.>'],
    hears: ['svc.session-gateway.>', 'rp.ses.>', 'live.>', 'hb.>'],
  },
  executor: {
    says: [
      ...[frames('e'), deltas('e'), 'timer.>', 'hb.executor.>', 'ctl.>', allQuotasFilter],
      // Images of prompts are kept as those of tools' results are.
      ...[`$KV.${buckets.snapshots}.>`, `$O.${objectStores.outputs}.>`],
      ...[`$KV.${buckets.pools}.>`, ...works(...sessionStreams), ...follows(...objects)],
      resolveSecrets,
      // Agents of projects, for the workflows that ask for them.
      serviceSubject('registry', configureVerb),
      serviceSubject('registry', varyVerb),
      ...[dispatch, runRequests, serviceSubject('session-gateway', compactVerb)],
      ...answersTo('executor'),
    ],
    hears: ['ctl.>', 'rp.ses.>', 'hb.>', allQuotasFilter],
  },
  'tool-runner': {
    says: [
      ...[frames('t'), deltas('t'), 'hb.tool-runner.>', 'ctl.>', `$O.${objectStores.outputs}.>`, resolveSecrets],
      ...[dispatch, runRequests],
      ...[`$KV.${buckets.pools}.>`, ...works(...sessionStreams), ...follows(...objects)],
      // For the calls of agents: no more of the memory service.
      ...memoryToolQuestions.map((question) => serviceSubject('memory', memoryVerb(question))),
      ...answersTo('tool-runner', 'session-gateway'),
    ],
    hears: ['ctl.>', 'svc.tool-runner.>', 'rp.ses.>', 'hb.>'],
  },
  memory: {
    says: [
      ...[frames('m'), 'hook.>', 'hookfired.>', 'hooklog.>', signWebhook],
      ...[allMemoriesFilter, ...works(...sessionStreams, streams.timers), ...follows(streams.memories)],
      resolveSecrets,
      // Of sessions that lie in the archive, the index reads the frames there.
      ...follows(objectStream(objectStores.archive)),
      `$KV.${buckets.exports}.>`,
      // NU1. Of an older version, once what it said is taken over.
      ...sessionStreams.flatMap((stream) => api(`CONSUMER.DELETE.${stream}.${tracesDurable}`)),
      ...answersTo('session-gateway', 'tool-runner'),
    ],
    hears: ['svc.memory.>'],
  },
}

export function permissionsOf(service: ServiceName): NatsPermissions {
  const { says, never, hears } = own[service]
  return {
    publish: { allow: [...everybodyPublishes, ...says], ...(never === undefined ? {} : { deny: never }) },
    subscribe: { allow: [`${inboxOf(service).own}.>`, ...electionSubjects.map((one) => `${one}.>`), ...hears] },
  }
}

/** What the one-process composition, which may say all that services say, may not: its own streams stay. What holds nothing of ours, such as the scratch stream of the probe, it may remove again. */
const destructive: readonly string[] = [
  ...api('STREAM.PURGE.>', 'STREAM.MSG.DELETE.>', 'STREAM.RESTORE.>'),
  ...stores.flatMap((stream) => api(`STREAM.DELETE.${stream}`)),
  // NU6.
  allArchiveKeysFilter,
]

export const unionPermissions: NatsPermissions = { publish: { allow: ['>'], deny: destructive } }

/** Reads all that is stored, for `reins backup`: no service is this user, and it changes nothing. */
export const backupUser = 'backup'
export const backupPermissions: NatsPermissions = {
  publish: {
    allow: [
      ...api('INFO', 'STREAM.NAMES', 'STREAM.INFO.*', 'STREAM.SNAPSHOT.*', 'CONSUMER.LIST.*'),
      '$JS.SNAPSHOT.ACK.>',
    ],
  },
  subscribe: { allow: [`${inboxOf(backupUser).own}.>`] },
}

/** NU6. */
export const archivistUser = 'reins-archivist'
const archive = objectStream(objectStores.archive)
const erased: readonly string[] = [
  ...[...allSessionStreamNames, archive, objectStream(objectStores.outputs), streams.keys, streams.timers],
]

export const archivistPermissions: NatsPermissions = {
  publish: {
    allow: [
      ...api('INFO', `STREAM.INFO.${archive}`, `STREAM.MSG.GET.${archive}`, `DIRECT.GET.${archive}`),
      ...api(`DIRECT.GET.${archive}.>`, `STREAM.PURGE.${archive}`, 'CONSUMER.INFO.>'),
      ...[`$O.${objectStores.archive}.>`, ...follows(archive), allArchiveKeysFilter],
      ...allSessionStreamNames.flatMap((name) => api(`STREAM.PURGE.${name}`)),
      ...erased.flatMap((name) => api(`STREAM.MSG.DELETE.${name}`)),
      ...[bucketStream(buckets.snapshots), streams.live].flatMap((name) => api(`STREAM.PURGE.${name}`)),
    ],
  },
  subscribe: { allow: [`${inboxOf(archivistUser).own}.>`] },
}

/** NU5. */
export const moverUser = 'reins-mover'
const emptied = sessionStreamsOf(1).names
const scratch: readonly string[] = [scratchOfMove.from, scratchOfMove.to]

export const moverPermissions: NatsPermissions = {
  publish: {
    allow: [
      ...api('INFO', 'STREAM.INFO.*', 'STREAM.MSG.GET.*', 'CONSUMER.INFO.>', 'CONSUMER.LIST.*'),
      ...[...allSessionStreamNames, ...scratch].flatMap((name) =>
        api(`STREAM.CREATE.${name}`, `STREAM.UPDATE.${name}`),
      ),
      ...allSessionStreamNames.flatMap(consumersOf),
      ...[...emptied, ...scratch].flatMap((name) => api(`STREAM.DELETE.${name}`)),
      ...[movedMark, scratchOfMove.all],
    ],
  },
  subscribe: { allow: [`${inboxOf(moverUser).own}.>`] },
}
