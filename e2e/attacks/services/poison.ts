// Values that are none, for every place of the broker that somebody reads from: what a service whose password was stolen could write there.
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { Broker } from '@reins/broker'
import {
  bucketStream,
  buckets,
  controlSubject,
  deliverySubject,
  firedSubject,
  heartbeatSubject,
  liveSubject,
  memoryEntrySubject,
  objectStores,
  quotaAskSubject,
  quotaSubject,
  registrySubject,
  serviceSubject,
  olderWebhookJobSubject,
  webhookJobSubject,
} from '@reins/contracts'

const kinds = ['agent', 'version', 'bundle', 'secret', 'role', 'principal', 'token', 'webhook', 'project'] as const

export const nonsense: readonly string[] = [
  'garbage',
  '',
  'null',
  '[]',
  '{}',
  '7',
  '{"instance":"x","pools":7}',
  '{"ask":"abort"}',
  '{"key":"exec.*.>"}',
  '{"name":3,"hash":[],"v":"x"}',
  '\u0000\u001f\u008b\u0008',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  // Nearly as large as a message may be.
  '{"a":'.repeat(150_000),
  `${'['.repeat(450_000)}${']'.repeat(450_000)}`,
]

/** Core subjects: heartbeats, questions to instances, requests to services, live deltas of a session. */
export async function sayNonsense(broker: Broker, instances: readonly string[], session: string): Promise<void> {
  for (const said of nonsense) {
    for (const service of ['executor', 'tool-runner'] as const)
      broker.publish(heartbeatSubject(service, 'somebody'), said)
    for (const instance of instances) broker.publish(controlSubject(instance), said)
    for (const verb of ['put', 'list', 'secrets.resolve', 'large', 'here'])
      broker.publish(serviceSubject('registry', verb), said)
    for (const verb of ['sessions.list', 'entries.recall', 'large'])
      broker.publish(serviceSubject('memory', verb), said)
    broker.publish(serviceSubject('tool-runner', 'mcp.test'), said)
    for (const role of ['e', 't'] as const) broker.publish(liveSubject(session, role), said)
    for (const what of ['granted', 'refused', 'spent'] as const) broker.publish(quotaSubject(what), said)
    for (const instance of instances) broker.publish(quotaAskSubject(instance), said)
  }
  await broker.nc.flush()
}

/** Streams and buckets. Resolves when the broker has stored all of it. */
export async function storeNonsense(broker: Broker, session: string): Promise<void> {
  const js = jetstream(broker.nc)
  for (const [at, said] of nonsense.entries()) {
    for (const kind of kinds) await js.publish(registrySubject(kind, `nonsense-${at}`), said)
    await js.publish(firedSubject(session, `nonsense-${at}`), said)
    await js.publish(`fired.nobody.nothing.no-session.nonsense-${at}`, said)
    await js.publish(`fired.${at}`, said)
    for (const subject of [webhookJobSubject, olderWebhookJobSubject])
      await js.publish(subject('nobody', `nonsense-${at}`), said)
    await js.publish(deliverySubject('nobody'), said)
    await js.publish(memoryEntrySubject('nobody', 'nothing', `nonsense-${at}`), said)
    for (const token of ['M', 'C']) await js.publish(`$O.${objectStores.outputs}.${token}.nonsense-${at}`, said)
  }
  const kvm = new Kvm(js)
  const pools = await kvm.open(buckets.pools)
  for (const [at, said] of nonsense.entries()) await pools.put(`exec.nonsense-${at}`, said)
  for (const kind of ['exec', 'tool']) await pools.put(`${kind}.default`, 'garbage')
  const snapshots = await kvm.open(buckets.snapshots)
  for (const said of nonsense) await snapshots.put(session, said)
  await snapshots.put(session, '{"seq":1,"n":1,"hash":"x","foldVersion":1,"state":{"transcript":7}}')
}

/** Whatever is kept of requests with a key. How many there were. */
export async function spoilKeys(broker: Broker, said: string): Promise<number> {
  const manager = await jetstreamManager(broker.nc)
  const { state } = await manager.streams.info(bucketStream(buckets.idempotency), { subjects_filter: '>' })
  const subjects = Object.keys(state.subjects ?? {})
  for (const subject of subjects) await jetstream(broker.nc).publish(subject, said)
  return subjects.length
}
