// How a secret is kept: AES-256-GCM under a data key of its own, and the data key AES-256-GCM under a key of the keyring.
//   E1. A record opens under its own name only: the name is bound to both layers.
//   E2. Changing the key wraps the data key anew; the value stays as it is, and nobody reads it for that.
//   E3. What does not open is one failure, whatever is wrong with it: it says which key is missing, and nothing of the record.
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { type Keyring, keyOf } from './keyring.ts'

/** Both parts in base64: initialisation vector (12 bytes), ciphertext, tag (16 bytes). */
export interface Envelope {
  /** The id of the key that wraps the data key. */
  readonly key: string
  readonly wrapped: string
  readonly sealed: string
}

export type RandomBytes = (size: number) => Buffer

export type Opened =
  | { readonly kind: 'open'; readonly value: string }
  /** The keyring has no key of this id. */
  | { readonly kind: 'no-key'; readonly key: string }
  /** It was changed, or it belongs to another name. */
  | { readonly kind: 'damaged' }

const ivBytes = 12
const tagBytes = 16

export function sealSecret(name: string, value: string, keyring: Keyring, random: RandomBytes): Envelope {
  const dataKey = random(32)
  const sealed = encrypt(dataKey, Buffer.from(value, 'utf8'), valueLabel(name), random)
  const wrapped = encrypt(keyring.current.bytes, dataKey, keyLabel(name), random)
  dataKey.fill(0)
  return { key: keyring.current.id, wrapped, sealed }
}

export function openSecret(name: string, envelope: Envelope, keyring: Keyring): Opened {
  const dataKey = unwrap(name, envelope, keyring)
  if (!Buffer.isBuffer(dataKey)) return dataKey
  const value = decrypt(dataKey, envelope.sealed, valueLabel(name))
  dataKey.fill(0)
  return value ? { kind: 'open', value: value.toString('utf8') } : { kind: 'damaged' }
}

/** E2. Under the current key. */
export function rewrapSecret(
  name: string,
  envelope: Envelope,
  keyring: Keyring,
  random: RandomBytes,
): { readonly kind: 'wrapped'; readonly envelope: Envelope } | Exclude<Opened, { kind: 'open' }> {
  const dataKey = unwrap(name, envelope, keyring)
  if (!Buffer.isBuffer(dataKey)) return dataKey
  const wrapped = encrypt(keyring.current.bytes, dataKey, keyLabel(name), random)
  dataKey.fill(0)
  return { kind: 'wrapped', envelope: { key: keyring.current.id, wrapped, sealed: envelope.sealed } }
}

const valueLabel = (name: string): Buffer => Buffer.from(`reins secret 1\0${name}`)
const keyLabel = (name: string): Buffer => Buffer.from(`reins data key 1\0${name}`)

function unwrap(name: string, { key: id, wrapped }: Envelope, keyring: Keyring) {
  const key = keyOf(keyring, id)
  if (!key) return { kind: 'no-key', key: id } as const
  const dataKey = decrypt(key.bytes, wrapped, keyLabel(name))
  return dataKey?.length === 32 ? dataKey : ({ kind: 'damaged' } as const)
}

export function encrypt(key: Buffer, plain: Buffer, label: Buffer, random: RandomBytes): string {
  const iv = random(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(label)
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64')
}

/** undefined: it is not what was encrypted under this key and label. */
export function decrypt(key: Buffer, text: string, label: Buffer): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < ivBytes + tagBytes) return undefined
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
    decipher.setAAD(label).setAuthTag(bytes.subarray(bytes.length - tagBytes))
    return Buffer.concat([decipher.update(bytes.subarray(ivBytes, bytes.length - tagBytes)), decipher.final()])
  } catch {
    return undefined
  }
}
