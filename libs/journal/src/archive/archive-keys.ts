// The keys of sessions in the archive. An object of the archive is encrypted with the key of its session, and a session is erased by
// overwriting its key: copies of the object that lie elsewhere are worth nothing then.
//   AK1. A key is written once, before the first object, and is never replaced. Of two writers one key is in, and both take that one.
//   AK2. A key is one message of a stream of its own, so that it is overwritten where it stands, and a copy of the archive is none of the keys.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type Broker, BrokerUnavailable, lastMessage, makeHeaders, publishReply } from '@reins/broker'
import { archiveKeySubject, streams } from '@reins/contracts'

const cipher = 'aes-256-gcm'
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** What an object begins with that is encrypted. gzip, with which older objects begin, has 1f 8b there. */
const mark = Buffer.from('REINSAR2')

export const isSealed = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(0, mark.length)).equals(mark)

/** `object`: its name, which stands in it, so that one is not taken for another. */
export function sealObject(key: Uint8Array, object: string, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes)
  const sealing = createCipheriv(cipher, key, nonce)
  sealing.setAAD(Buffer.from(object))
  const sealed = Buffer.concat([sealing.update(plain), sealing.final()])
  return Buffer.concat([mark, nonce, sealed, sealing.getAuthTag()])
}

/** Throws where it was not sealed so. */
export function openObject(key: Uint8Array, object: string, bytes: Uint8Array): Uint8Array {
  const from = mark.length + nonceBytes
  const opening = createDecipheriv(cipher, key, bytes.subarray(mark.length, from))
  opening.setAAD(Buffer.from(object))
  opening.setAuthTag(bytes.subarray(bytes.length - tagBytes))
  return Buffer.concat([opening.update(bytes.subarray(from, bytes.length - tagBytes)), opening.final()])
}

/** undefined: there is none, or none any more. Rejects with BrokerUnavailable. */
export async function archiveKey(
  broker: Broker,
  session: string,
  options: { readonly leader: boolean },
): Promise<Uint8Array | undefined> {
  const message = await lastMessage(broker, streams.keys, archiveKeySubject(session), options)
  const key = message && Buffer.from(message.body, 'base64url')
  return key?.length === keyBytes ? key : undefined
}

/** AK1. `archivist`: the user who may write keys. */
export async function madeArchiveKey(broker: Broker, archivist: Broker, session: string): Promise<Uint8Array> {
  const known = await archiveKey(broker, session, { leader: true })
  if (known) return known
  const key = randomBytes(keyBytes)
  const outcome = await archivist.request(archiveKeySubject(session), key.toString('base64url'), {
    headers: makeHeaders([['Nats-Expected-Last-Subject-Sequence', '0']]),
    withinMs: 5000,
  })
  if (outcome.kind === 'reply' && publishReply(outcome.msg.string()).seq !== undefined) return key
  const written = await archiveKey(broker, session, { leader: true })
  if (written) return written
  throw new BrokerUnavailable(`writing the key of session ${session}`)
}
