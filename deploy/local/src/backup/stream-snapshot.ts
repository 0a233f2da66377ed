// One stream to a file and back, by the snapshots of JetStream (https://docs.nats.io/reference/reference-protocols/nats_api_reference): the
// broker sends its own archive in pieces, and takes the same pieces back.
//   SS1. Each piece is acknowledged when it is written: the broker never has more under way than its window.
//   SS2. Every wait has an end: a broker that falls silent for `silentMs` has failed.
//   SS3. A stream whose leader goes away is saved from the beginning, at another inbox: what was asked of nobody is lost, and what a
//        leader of before still sends is not mixed with the rest.
import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { createInbox, type Msg } from '@nats-io/transport-node'
import { type Broker, listen, loadStreamSubject, saveStreamSubject, untilAnswered } from '@reins/broker'
import { fieldsOf, jsonValue } from '@reins/contracts'
import { piecesOf } from './manifest.ts'

export const silentMs = 30_000
/** ms that one request has, of those that are asked again. */
export const answerMs = 10_000
/** ms in which a cluster has a leader for everything again. */
export const clusterWithinMs = 60_000
const pieceBytes = 128 * 1024
const tries = 3

export interface SavedStream {
  readonly config: Record<string, unknown>
  readonly state: Record<string, unknown>
  readonly bytes: number
  readonly sha256: string
}

/** Writes the stream as it is now, without its consumers, to a new file. Rejects with what the broker said, and leaves no file. */
export async function saveStream(
  broker: Broker,
  stream: string,
  file: string,
  inboxPrefix: string,
): Promise<SavedStream> {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await untilAnswered(() => saveOnce(broker, stream, file, inboxPrefix), clusterWithinMs)
    } catch (error) {
      if (left === 0 || !(error instanceof FellSilent)) throw error // SS3
    }
  }
}

async function saveOnce(broker: Broker, stream: string, file: string, inboxPrefix: string): Promise<SavedStream> {
  const inbox = createInbox(inboxPrefix)
  const pieces = new Pieces(broker, inbox)
  const to = await open(file, 'wx', 0o600)
  try {
    const asked = { deliver_subject: inbox, no_consumers: true, chunk_size: pieceBytes }
    const begun = await answer(broker, saveStreamSubject(stream), JSON.stringify(asked), answerMs)
    const [config, state] = [fieldsOf(begun.config), fieldsOf(begun.state)]
    if (config.name !== stream) throw new Error(`nats-server gave something else than ${stream}.`)
    const hash = createHash('sha256')
    let bytes = 0
    for (;;) {
      const piece = await pieces.next(stream)
      if (piece.data.length === 0) {
        const code = piece.headers?.code ?? 0
        if (code >= 300) throw new Error(`nats-server could not save ${stream}: ${piece.headers?.description}.`)
        break
      }
      await to.appendFile(piece.data)
      hash.update(piece.data)
      bytes += piece.data.length
      if (piece.reply) broker.nc.publish(piece.reply) // SS1
    }
    await to.sync()
    return { config: { ...config }, state: { ...state }, bytes, sha256: hash.digest('hex') }
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    pieces.close()
    await to.close()
  }
}

/** Makes the stream from a file that `saveStream` wrote. The stream must not exist. */
export async function loadStream(
  broker: Broker,
  { name, config, state }: { readonly name: string; readonly config: object; readonly state: object },
  file: string,
): Promise<void> {
  const body = JSON.stringify({ config, state })
  const { deliver_subject: to } = await answer(broker, loadStreamSubject(name), body)
  if (typeof to !== 'string') throw new Error(`nats-server did not say where to send the content of ${name}.`)
  for await (const piece of piecesOf(file, pieceBytes)) await answer(broker, to, piece)
  await answer(broker, to, '')
}

/** The fields of the answer; none where it has no content. Rejects with the error that it tells. */
export async function answer(
  broker: Broker,
  subject: string,
  payload: string | Uint8Array,
  withinMs = silentMs,
): Promise<Readonly<Record<string, unknown>>> {
  const { data } = await broker.nc.request(subject, payload, { timeout: withinMs }) // SS2
  const told = fieldsOf(jsonValue(new TextDecoder().decode(data)))
  if (told.error === undefined) return told
  throw new Error(`nats-server refused ${subject}: ${fieldsOf(told.error).description ?? 'without a reason'}.`)
}

class FellSilent extends Error {}

/** What arrives at the inbox, one after the other. */
class Pieces {
  readonly #waiting: Msg[] = []
  readonly #listening: { close(): void }
  #news = Promise.withResolvers<void>()

  constructor(broker: Broker, inbox: string) {
    this.#listening = listen(
      broker,
      inbox,
      (msg) => {
        this.#waiting.push(msg)
        this.#news.resolve()
      },
      { ofBroker: true },
    )
  }

  async next(stream: string): Promise<Msg> {
    for (;;) {
      const one = this.#waiting.shift()
      if (one) return one
      this.#news = Promise.withResolvers<void>()
      const late = setTimeout(
        () => this.#news.reject(new FellSilent(`nats-server sent nothing more of ${stream} for ${silentMs / 1000} s.`)),
        silentMs,
      )
      await this.#news.promise.finally(() => clearTimeout(late))
    }
  }

  close(): void {
    this.#listening.close()
  }
}
