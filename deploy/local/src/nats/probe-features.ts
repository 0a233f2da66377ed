// What Reins needs of a nats-server, tried out on a scratch stream: a server that does not know a feature often accepts
// the request and ignores it, so each is proved by an effect or by the refusal of a wrong use.
//   PF1. The scratch stream lives in memory, under a name and subjects of its own, and is removed, also when a probe fails.
//   PF2. One that a killed process left behind is removed by the next probe, when it is a minute old by the server's clock.
//   PF3. Nothing here rejects but for a connection that is gone: what is missing is a row.
import { randomUUID } from 'node:crypto'
import { JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { createStreamSubject } from '@reins/broker'

export interface FeatureProbe {
  readonly feature: string
  readonly ok: boolean
  /** What was seen. */
  readonly why: string
  /** What Reins needs it for, and how to get it. */
  readonly need: string
  /** False: Reins works without, less well. */
  readonly required: boolean
}

export interface ProbeOptions {
  /** How the server syncs its store, as far as it can be known (RunningNats.syncSetting). */
  readonly sync: 'always' | number | 'unknown'
  /** Per step. Default 3 s. */
  readonly withinMs?: number
}

const PREFIX = 'REINS_PROBE_'
const UPDATE = 'Use nats-server 2.12 or newer.'

interface Scratch {
  readonly nc: NatsConnection
  readonly manager: JetStreamManager
  readonly stream: string
  /** Subjects under which the scratch stream listens begin so. */
  readonly base: string
  readonly republished: string
  readonly withinMs: number
}

/** `nc` needs the right to make a stream. It stays open. */
export async function probeFeatures(nc: NatsConnection, options: ProbeOptions): Promise<FeatureProbe[]> {
  const withinMs = options.withinMs ?? 3000
  const id = randomUUID()
  const manager = await jetstreamManager(nc, { timeout: withinMs, checkAPI: false })
  const scratch: Scratch = {
    nc,
    manager,
    stream: `${PREFIX}${id}`,
    base: `reins-probe.${id}`,
    republished: `reins-probe-rp.${id}`,
    withinMs,
  }
  try {
    await createScratch(scratch)
  } catch (error) {
    const why = `the scratch stream was refused: ${messageOf(error)}`
    const need = `Schedules, message TTL, republish and direct get are properties of Reins's streams. ${UPDATE}`
    return [{ feature: 'streams with the settings that Reins needs', ok: false, why, need, required: true }]
  }
  try {
    return [
      await probe(
        'conditional append on a wildcard subject',
        'The one condition of every append (a session has several subjects).',
        () => conditionalAppend(scratch),
      ),
      await probe('direct get', 'Reading the head of a session without a consumer.', () => directGet(scratch)),
      await probe('batched direct get', "Reading a session's events without a consumer.", () => batchedGet(scratch)),
      await probe('republish', 'Following a session without a consumer per viewer.', () => republish(scratch)),
      await probe('message schedules', 'Timers that survive every process.', () => schedules(scratch)),
      await probe('message TTL', 'Keys of idempotency and presence that expire.', () => messageTtl(scratch)),
      syncRow(options.sync),
    ]
  } finally {
    await manager.streams.delete(scratch.stream).catch(() => false)
  }
}

async function createScratch({ nc, manager, stream, base, republished, withinMs }: Scratch): Promise<void> {
  // Not through the client: it drops settings that it does not know, and this asks the server.
  const reply = await nc.request(
    createStreamSubject(stream),
    JSON.stringify({
      name: stream,
      subjects: [`${base}.>`],
      storage: 'memory',
      retention: 'limits',
      max_bytes: 1024 * 1024,
      allow_direct: true,
      allow_msg_ttl: true,
      allow_msg_schedules: true,
      republish: { src: `${base}.ses.>`, dest: `${republished}.ses.>` },
    }),
    { timeout: withinMs },
  )
  const created = reply.json<{ error?: { description?: string }; created?: string }>()
  if (created.error !== undefined) throw new Error(created.error.description ?? 'no reason given')
  await removeLeftovers(manager, Date.parse(created.created ?? ''))
}

async function removeLeftovers(manager: JetStreamManager, serverNow: number): Promise<void> {
  try {
    for await (const info of manager.streams.list('reins-probe.>')) {
      const old = serverNow - Date.parse(info.created) > 60_000
      if (old && info.config.name.startsWith(PREFIX)) await manager.streams.delete(info.config.name)
    }
  } catch {
    // It is only tidying: the probe goes on.
  }
}

/** A probe returns what it saw, or throws why the feature is not there. */
async function probe(feature: string, need: string, run: () => Promise<string>): Promise<FeatureProbe> {
  const row = { feature, need: `${need} ${UPDATE}`, required: true }
  try {
    return { ...row, ok: true, why: await run() }
  } catch (error) {
    return { ...row, ok: false, why: messageOf(error) }
  }
}

async function conditionalAppend(scratch: Scratch): Promise<string> {
  const condition = `${scratch.base}.ses.a.>`
  const at = (seq: number) => ({
    'Nats-Expected-Last-Subject-Sequence': String(seq),
    'Nats-Expected-Last-Subject-Sequence-Subject': condition,
  })
  const first = await append(scratch, 'ses.a.g.log', at(0))
  const refusal = await refusalOf(() => append(scratch, 'ses.a.e.log', at(0)))
  if (refusal === undefined) throw new Error('a stale condition was accepted')
  await append(scratch, 'ses.a.e.log', at(first))
  return `a stale condition is refused (${refusal})`
}

async function directGet(scratch: Scratch): Promise<string> {
  const message = await scratch.manager.direct.getMessage(scratch.stream, { last_by_subj: `${scratch.base}.ses.a.>` })
  if (message === null) throw new Error('the last message of a wildcard subject was not found')
  return `the last message of a wildcard subject is found`
}

async function batchedGet({ manager, stream, base, withinMs }: Scratch): Promise<string> {
  let count = 0
  // The callback form: the iterator leaves a subscription behind at every call.
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${withinMs} ms`)), withinMs)
    const settle = (error: unknown) => {
      clearTimeout(timer)
      if (error instanceof Error) reject(error)
      else resolve()
    }
    manager.direct
      .getBatch(stream, {
        seq: 1,
        batch: 10,
        next_by_subj: `${base}.ses.a.>`,
        callback: (done, message) => {
          if (message !== null && message !== undefined) count += 1
          if (done !== null) settle(done.err)
        },
      })
      .catch(settle)
  })
  if (count < 2) throw new Error(`${count} of 2 messages came`)
  return 'messages of a wildcard subject come in one answer'
}

async function republish(scratch: Scratch): Promise<string> {
  const subscription = scratch.nc.subscribe(`${scratch.republished}.ses.>`, { max: 1, timeout: scratch.withinMs })
  const seq = await append(scratch, 'ses.b.g.log', {})
  for await (const message of subscription) {
    const seen = message.headers?.get('Nats-Sequence')
    if (seen !== String(seq)) throw new Error(`it carries the sequence ${seen || 'none'} instead of ${seq}`)
    return 'a stored message is sent on with its sequence'
  }
  throw new Error('nothing was sent on')
}

async function schedules(scratch: Scratch): Promise<string> {
  const at = (target: string) => ({ 'Nats-Schedule': '@at 2199-01-01T00:00:00Z', 'Nats-Schedule-Target': target })
  await append(scratch, 'timer.a', at(`${scratch.base}.fired.a`))
  const refusal = await refusalOf(() => append(scratch, 'timer.b', at('reins-probe-elsewhere.a')))
  if (refusal === undefined) throw new Error('the schedule headers were ignored')
  return `a schedule is understood (a target elsewhere is refused: ${refusal})`
}

async function messageTtl(scratch: Scratch): Promise<string> {
  await append(scratch, 'ttl.a', { 'Nats-TTL': '60s' })
  const refusal = await refusalOf(() => append(scratch, 'ttl.b', { 'Nats-TTL': 'not a time' }))
  if (refusal === undefined) throw new Error('the TTL header was ignored')
  return `a TTL is understood (a wrong one is refused: ${refusal})`
}

function syncRow(sync: ProbeOptions['sync']): FeatureProbe {
  const need = 'On one node, what is acknowledged is on the disk only with sync_interval: always (or three replicas).'
  const row = { feature: 'appends are synced to disk', need, required: false }
  if (sync === 'always') return { ...row, ok: true, why: 'sync_interval is always' }
  if (sync === 'unknown') return { ...row, ok: false, why: 'this server does not tell how often it syncs' }
  return {
    ...row,
    ok: false,
    why: `it syncs every ${sync / 1000} s: a power failure may lose what was acknowledged since`,
  }
}

async function append(
  { nc, base, withinMs }: Scratch,
  subject: string,
  values: Record<string, string>,
): Promise<number> {
  const set = headers()
  for (const [name, value] of Object.entries(values)) set.set(name, value)
  const reply = await nc.request(`${base}.${subject}`, 'probe', { headers: set, timeout: withinMs })
  const ack = reply.json<{ error?: { description?: string }; seq?: number }>()
  if (ack.error !== undefined) throw new Refused(ack.error.description ?? 'refused without a reason')
  if (ack.seq === undefined) throw new Error('an append was answered without a sequence')
  return ack.seq
}

class Refused extends Error {}

async function refusalOf(run: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    if (error instanceof Refused) return error.message
    throw error
  }
}

function messageOf(error: unknown): string {
  if (error instanceof JetStreamApiError) return `${error.message} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}
