// How far the export of spans has come, and which memory exports: one record on the broker, which that memory writes again and again.
//   EP1. It is written after the collector has taken the spans, about once a second. Wherever everything dies, what it does not tell of is
//        sent again, with the same ids.
//   EP2. Who starts takes the export over. Who has lost it takes it again when the record stands still for so long that its writer must be
//        gone. Each writing names the one before it, so of two the older one is refused, and ends; until then both send the same.
//   EP3. Where there is no record, the durables of an older version say how far the export is, each on its stream. They are deleted once it
//        is written.
//   EP4. Without either, and so a week after the last writing, the export begins where the streams end.
//   EP5. A place behind the end of its stream tells of frames that are there no more (a restored stream, a disk that lost its last moment):
//        then the end is the place.
import { setTimeout as pause } from 'node:timers/promises'
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, BrokerUnavailable, isPutByBroker, lastMessage, makeHeaders, publishReply } from '@reins/broker'
import {
  bucketStream,
  buckets,
  fieldsOf,
  jsonValue,
  type SessionStreams,
  spanExportSubject,
  tracesDurable,
} from '@reins/contracts'
import type { Log } from '@reins/telemetry'
import type { Places } from '../index/index-checkpoint.ts'
import { apiMs, describeStreams } from '../index/session-stream.ts'

export interface ExportPlaceOptions {
  readonly broker: Broker
  readonly streams: SessionStreams
  /** Of this start of this process. */
  readonly instance: string
  readonly log: Pick<Log, 'info' | 'warn'>
  /** EP2. ms. Default 10 000. */
  readonly silentMs?: number
}

/** The export, while it is this memory's. */
export interface HeldExport {
  /** Where it begins. */
  readonly places: Places
  /** Aborted when another memory has taken it over. */
  readonly lost: AbortSignal
  /** The collector has taken everything up to there. */
  movedTo(places: Places): void
  /** Says how far it came, so that the next one need not wait. */
  release(): Promise<void>
}

interface ExportRecord {
  /** '': nobody. */
  readonly by: string
  readonly places: Places
}

const bucket = bucketStream(buckets.exports)
const writeMs = 1000
/** Also where nothing has changed. */
const aliveMs = 3000
const silentMs = 10_000

/**
 * Resolves when the export is this memory's; undefined: `signal` came first. Rejects where the broker does not answer. `reached`: how far
 * this memory has exported already, if it has begun to.
 */
export async function holdExport(
  options: ExportPlaceOptions,
  reached: Places | undefined,
  signal: AbortSignal,
): Promise<HeldExport | undefined> {
  const { broker, instance, log } = options
  for (let seen = { seq: -1, at: 0 }; !signal.aborted; ) {
    const { record, seq } = await read(broker)
    if (seq !== seen.seq) seen = { seq, at: performance.now() }
    const isSilent = performance.now() - seen.at > (options.silentMs ?? silentMs)
    const isOurs = record?.by === instance
    if (!reached || !record || isOurs || record.by === '' || isSilent) {
      const places = isOurs && reached ? reached : await beginning(options, record)
      const written = await write(broker, { by: instance, places }, seq)
      if (written === 'refused') continue // It was written meanwhile.
      await removeDurables(options)
      log.info({ places, before: record?.by ?? '' }, 'spans are exported from here')
      return new Held(options, places, written)
    }
    await pause(writeMs, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}

class Held implements HeldExport {
  readonly places: Places
  readonly #options: ExportPlaceOptions
  readonly #lost = new AbortController()
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #now: Places
  #written: { readonly seq: number; readonly places: Places; readonly at: number }

  constructor(options: ExportPlaceOptions, places: Places, seq: number) {
    this.#options = options
    this.places = places
    this.#now = places
    this.#written = { seq, places, at: performance.now() }
    this.#done = this.#run()
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  movedTo(places: Places): void {
    this.#now = places
  }

  async release(): Promise<void> {
    this.#stop.abort()
    await this.#done
    const { broker } = this.#options
    // Where it cannot be said, the next one waits for the silence.
    if (!this.lost.aborted && broker.connected()) await this.#write('').catch(() => undefined)
  }

  async #run(): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.lost])
    for (;;) {
      await pause(writeMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      const { places, at } = this.#written
      if (places === this.#now && performance.now() - at < aliveMs) continue
      // A broker that is away is asked again; nobody else can take the export over meanwhile.
      await this.#write(this.#options.instance).catch(() => undefined)
    }
  }

  async #write(by: string): Promise<void> {
    const { broker, instance, log } = this.#options
    const places = this.#now
    let seq = await write(broker, { by, places }, this.#written.seq)
    if (seq === 'refused') {
      // By another memory; or by this one, in a writing whose answer was lost.
      const last = await read(broker)
      if (last.record && last.record.by !== instance) {
        log.info({ by: last.record.by }, 'another memory exports spans now')
        return this.#lost.abort()
      }
      seq = await write(broker, { by, places }, last.seq)
    }
    if (seq !== 'refused') this.#written = { seq, places, at: performance.now() }
  }
}

/** `seq`: of the record, or of what stands in its place; 0: nothing does. */
async function read(broker: Broker): Promise<{ readonly record: ExportRecord | undefined; readonly seq: number }> {
  const message = await lastMessage(broker, bucket, spanExportSubject, { leader: true, withinMs: apiMs })
  if (!message) return { record: undefined, seq: 0 }
  return { record: isPutByBroker(message.header) ? undefined : recordIn(message.body), seq: message.seq }
}

function recordIn(body: string): ExportRecord | undefined {
  const { by, places } = fieldsOf(jsonValue(body))
  const sound = Array.isArray(places) && places.every((place) => Number.isSafeInteger(place) && place >= 0)
  return typeof by === 'string' && sound ? { by, places } : undefined
}

/** The sequence of the record; `refused`: it does not follow the one that it names. */
async function write(broker: Broker, record: ExportRecord, after: number): Promise<number | 'refused'> {
  const headers = makeHeaders([['Nats-Expected-Last-Subject-Sequence', String(after)]])
  const outcome = await broker.request(spanExportSubject, JSON.stringify(record), { headers, withinMs: apiMs })
  const { seq, error } = outcome.kind === 'reply' ? publishReply(outcome.msg.string()) : {}
  if (seq !== undefined) return seq
  if (error && isOvertaken(error.err_code)) return 'refused'
  throw new BrokerUnavailable(`writing to ${bucket}${error ? `: ${error.description}` : ''}`)
}

/** Of a single server, and of a cluster. */
const isOvertaken = (code: number | undefined): boolean => code === 10071 || code === 10164

async function beginning(options: ExportPlaceOptions, record: ExportRecord | undefined): Promise<Places> {
  const { broker, streams } = options
  const { ends } = await describeStreams(broker, streams)
  const known = record ? placesIn(record, streams) : await floors(options)
  return ends.map((end, at) => Math.min(known[at] ?? end, end)) // EP4, EP5
}

/** The streams that sessions were moved to have the sequences of the one that they come from. */
function placesIn({ places }: ExportRecord, { names }: SessionStreams): Places {
  if (places.length > names.length) throw new Error('the sessions were split over several streams')
  return places.length === names.length ? places : names.map(() => places[0] ?? 0)
}

/** EP3. */
async function floors({ broker, streams }: ExportPlaceOptions): Promise<readonly (number | undefined)[]> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
  return Promise.all(
    streams.names.map((name) =>
      manager.consumers.info(name, tracesDurable).then(({ ack_floor }) => ack_floor.stream_seq, notThere),
    ),
  )
}

/** EP3. One that a memory of an older version still uses is made again by it, and forgotten when that has ended. */
async function removeDurables({ broker, streams, log }: ExportPlaceOptions): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
  for (const name of streams.names)
    await manager.consumers
      .delete(name, tracesDurable)
      .catch(notThere)
      .catch((error: Error) => log.warn({ stream: name, err: error.message }, 'a consumer of an older version stays'))
}

function notThere(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.status === 404) return undefined
  throw error
}
