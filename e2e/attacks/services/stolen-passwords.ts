// What somebody with the password of one service could try on the broker: each attempt is made on a product that runs.
//   SP1. `got through` is what the broker let pass, judged by what is there afterwards where an answer does not tell.
import { type Broker, makeHeaders } from '@reins/broker'
import {
  allSessionStreamNames,
  buckets,
  controlSubject,
  heartbeatSubject,
  inboxOf,
  quotaSubject,
  type Role,
  registrySubject,
  type ServiceName,
  serviceNames,
  serviceSubject,
  sessionSubject,
  spanExportSubject,
  streams,
  toExec,
  toLog,
} from '@reins/contracts'
import type { Outcome, Tally } from '../tally.ts'

type NatsConnection = Broker['nc']

export const roleOf: Readonly<Record<ServiceName, Role | undefined>> = {
  registry: undefined,
  'session-gateway': 'g',
  executor: 'e',
  'tool-runner': 't',
  memory: 'm',
}

interface Attempt {
  readonly what: string
  try(connection: NatsConnection): Promise<Outcome>
}

/** Of a request, or of a publication that a stream would take: an answer of JetStream, whatever it says, is that it got through. */
const asks = (what: string, subject: string, payload = '{}'): Attempt => ({
  what,
  async try(connection) {
    // Never met: what gets through changes nothing.
    const condition = makeHeaders([['Nats-Expected-Last-Sequence', '999999999']])
    try {
      await connection.request(subject, payload, { timeout: 5000, headers: condition })
      return 'got through'
    } catch (error) {
      return /permission|no responders/i.test(String(error)) ? 'refused' : 'got through'
    }
  },
})

const hears = (what: string, subject: string): Attempt => ({
  what,
  async try(connection) {
    const refused = Promise.withResolvers<boolean>()
    const subscription = connection.subscribe(subject, { callback: (error) => refused.resolve(error !== null) })
    await connection.flush()
    // The broker says no in what it answers to the flush, or never.
    const no = await Promise.race([refused.promise, new Promise<boolean>((done) => setTimeout(done, 1000, false))])
    subscription.unsubscribe()
    return no ? 'refused' : 'got through'
  },
})

/** The broker itself answers a request, at a subject that whoever asks may not write to. `landed`: whether something is there afterwards. */
const through = (
  what: string,
  ask: string,
  payload: string,
  place: string,
  landed: (place: string) => Promise<boolean>,
): Attempt => ({
  what,
  async try(connection) {
    connection.publish(ask, payload, { reply: place })
    await connection.flush().catch(() => undefined)
    return (await landed(place)) ? 'got through' : 'refused'
  },
})

export interface Stage {
  connect(service: ServiceName): Promise<Broker>
  readonly session: string
  /** Whether the broker stores something at one of these subjects, now or in a while. */
  landed(...subjects: readonly string[]): Promise<boolean>
}

export async function tryPasswords(stage: Stage, tally: Tally): Promise<void> {
  for (const service of serviceNames) {
    const broker = await stage.connect(service)
    try {
      for (const attempt of attemptsOf(service, stage)) tally.note(service, attempt.what, await attempt.try(broker.nc))
    } finally {
      await broker.close()
    }
  }
}

const [firstStream = ''] = allSessionStreamNames

const takes = (whose: string, durable: string): Attempt =>
  asks(
    `take triggers that are for ${whose}`,
    `$JS.API.CONSUMER.MSG.NEXT.${firstStream}.${durable}`,
    '{"no_wait":true,"batch":1}',
  )

function attemptsOf(service: ServiceName, { session, landed }: Stage): readonly Attempt[] {
  const others = serviceNames.filter((one) => one !== service)
  const own = roleOf[service]
  const consumer = (stream: string, deliver: string) =>
    JSON.stringify({
      stream_name: stream,
      config: { deliver_subject: deliver, deliver_policy: 'last', ack_policy: 'none', inactive_threshold: 5e9 },
    })
  const exec = 'exec-default'
  return [
    ...(['g', 'e', 't', 'm'] as const)
      .filter((role) => role !== own)
      .flatMap((role) => [
        asks(`append a frame as ${role}`, sessionSubject(session, role, toLog)),
        asks(`append a trigger as ${role}`, sessionSubject(session, role, toExec('default'))),
      ]),
    ...(service === 'registry'
      ? []
      : ['token', 'role', 'principal', 'agent', 'secret'].map((kind) =>
          asks(`write a ${kind} of the registry`, registrySubject(kind as 'token', 'forged')),
        )),
    ...[...allSessionStreamNames, ...Object.values(streams)].flatMap((stream) =>
      [
        'PURGE',
        'DELETE',
        'MSG.DELETE',
        'RESTORE',
        'SNAPSHOT',
        'LEADER.STEPDOWN',
        ...(service === 'registry' ? [] : ['UPDATE']),
      ].map((verb) => asks(`${verb} the stream ${stream}`, `$JS.API.STREAM.${verb}.${stream}`)),
    ),
    ...[
      ...allSessionStreamNames.flatMap((stream) => [
        [stream, exec],
        [stream, 'index'],
      ]),
      [streams.timers, 'fired'],
    ].flatMap(([stream, durable]) =>
      ['DELETE', 'PAUSE', 'RESET', 'UNPIN'].map((verb) =>
        asks(`${verb} the consumer ${durable}`, `$JS.API.CONSUMER.${verb}.${stream}.${durable}`),
      ),
    ),
    ...(service === 'registry' || service === 'session-gateway'
      ? allSessionStreamNames.flatMap((stream) => [
          asks(
            'take triggers of executors',
            `$JS.API.CONSUMER.MSG.NEXT.${stream}.${exec}`,
            '{"no_wait":true,"batch":1}',
          ),
          asks('ack a trigger', `$JS.ACK.${stream}.${exec}.1.1.1.1.0`, '+TERM'),
        ])
      : []),
    ...(service === 'memory'
      ? []
      : [
          asks(
            'take timers that fired',
            `$JS.API.CONSUMER.MSG.NEXT.${streams.timers}.fired`,
            '{"no_wait":true,"batch":1}',
          ),
          asks('ack a timer', `$JS.ACK.${streams.timers}.fired.1.1.1.1.0`, '+TERM'),
          asks('remember something', `mem.forged.forged.${service}`),
        ]),
    ...(service === 'session-gateway' ? [] : [asks('write a key of a request', `$KV.${buckets.idempotency}.forged`)]),
    ...(service === 'memory' ? [] : [asks('say how far the export of spans is', spanExportSubject)]),
    ...(service === 'executor' ? [] : [asks('write a snapshot', `$KV.${buckets.snapshots}.forged`)]),
    ...(service === 'registry' || service === 'memory'
      ? [asks('write a pool', `$KV.${buckets.pools}.exec.forged`)]
      : []),
    ...(service === 'registry' ? [] : [asks('write a bundle of code', '$O.reins-bundles.C.forged')]),
    ...(service === 'executor' ? [] : [asks('arm a timer', `timer.0.x.${session}.forged`)]),
    ...(service === 'executor'
      ? []
      : [
          asks('say that a provider has refused', quotaSubject('refused')),
          asks('share out a quota', quotaSubject('granted')),
        ]),
    ...(service === 'executor' ? [] : [asks('be an executor that is there', heartbeatSubject('executor', 'forged'))]),
    ...(service === 'executor' || service === 'tool-runner'
      ? []
      : [asks('abort a call of an instance', controlSubject('forged'), '{"ask":"abort"}')]),
    ...(service === 'session-gateway'
      ? []
      : ['put', 'tokens.create', 'principals.change', 'roles.put', 'secrets.put', 'projects.put'].map((verb) =>
          asks(`act as user:admin by ${verb}`, serviceSubject('registry', verb), '{"by":"user:admin"}'),
        )),
    ...(service === 'registry' || service === 'session-gateway'
      ? [asks('ask for the values of secrets', serviceSubject('registry', 'secrets.resolve'))]
      : []),
    ...others.flatMap((other) => [
      hears(`hear the inbox of ${other}`, `${inboxOf(other).own}.>`),
      asks(`write to the inbox of ${other}`, `${inboxOf(other).own}.forged.1`),
    ]),
    ...['>', '_INBOX.>', '$JS.>', '$SYS.>', 'svc.>', 'reg.>', '$KV.>'].map((all) => hears(`hear ${all}`, all)),
    ...others
      .filter((other) => other === 'registry' || other === 'memory')
      .map((other) => hears(`answer in place of ${other}`, `svc.${other}.>`)),
    // Durables of pools are one token of a subject, so rights cannot tell those of executors from those of tool-runners; and what is asked
    // of a stream that all services read is not told apart either (decision 040). These are open, and here so that it is seen if they close.
    ...(service === 'executor' || service === 'memory' ? [takes('tool-runners', 'tool-default')] : []),
    ...(service === 'tool-runner' || service === 'memory' ? [takes('executors', exec)] : []),
    ...(service === 'registry'
      ? []
      : [asks('change the durable of a pool', `$JS.API.CONSUMER.DURABLE.CREATE.${firstStream}.${exec}`, '{}')]),
    asks('read the hash of a token', `$JS.API.DIRECT.GET.${streams.registry}`, '{"last_by_subj":"reg.token.>"}'),
    // What the broker answers goes wherever the request says.
    ...(service === 'registry'
      ? []
      : [
          through(
            'have a message read to the subject of a token',
            `$JS.API.DIRECT.GET.${streams.registry}`,
            // That there is none. A record is refused there: it says on what it is conditional.
            '{"seq":999999999}',
            registrySubject('token', `direct-${service}`),
            landed,
          ),
          through(
            'have a consumer deliver to the subject of a token',
            `$JS.API.CONSUMER.CREATE.${streams.registry}`,
            consumer(streams.registry, registrySubject('token', `pushed-${service}`)),
            registrySubject('token', `answer-${service}`),
            (place) => landed(registrySubject('token', `pushed-${service}`), place),
          ),
        ]),
  ]
}
