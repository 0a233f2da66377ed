// The keys under which secrets are kept: one that wraps whatever is written now, and older ones that still unwrap.
//   K1. A key is known by its id, which is made of it and tells nothing about it. A record names the id of the key that wrapped it.
//   K2. A text that is no key is refused with what a key looks like; the text itself is never shown.
import { createHash } from 'node:crypto'

export interface SecretsKey {
  readonly id: string
  readonly bytes: Buffer
}

export interface Keyring {
  /** Wraps what is written now. */
  readonly current: SecretsKey
  /** Unwrap what was written before, until it is wrapped anew. */
  readonly older: readonly SecretsKey[]
}

export const keyPrefix = 'reins_key_'
const keyBytes = 32

export const makeKey = (bytes: Buffer): SecretsKey => ({
  id: createHash('sha256').update('reins key id\0').update(bytes).digest('hex').slice(0, 12),
  bytes,
})

/** As a key file and the environment hold it. */
export const keyText = ({ bytes }: SecretsKey): string => `${keyPrefix}${bytes.toString('base64url')}`

/** Keys with commas or line ends between them, the current one first. Throws an Error that shows none of the text (K2). */
export function parseKeyring(text: string): Keyring {
  const keys = text
    .split(/[\s,]+/)
    .filter((one) => one !== '')
    .map((one, i) => parseKey(one, i + 1))
  const [current, ...older] = keys
  if (!current) throw new Error(`there is no key in it. A key is ${keyForm}`)
  return { current, older: older.filter(({ id }, i) => id !== current.id && older.findIndex((k) => k.id === id) === i) }
}

export const keyringText = ({ current, older }: Keyring): string => `${[current, ...older].map(keyText).join('\n')}\n`

export const keyOf = ({ current, older }: Keyring, id: string): SecretsKey | undefined =>
  current.id === id ? current : older.find((key) => key.id === id)

const keyForm = `${keyPrefix} and 43 letters, digits, "-" or "_": 32 random bytes in base64url`

function parseKey(text: string, at: number): SecretsKey {
  const encoded = text.startsWith(keyPrefix) ? text.slice(keyPrefix.length) : ''
  const bytes = Buffer.from(encoded, 'base64url')
  if (!/^[\w-]{43}$/.test(encoded) || bytes.length !== keyBytes)
    throw new Error(`key ${at} in it is not valid. A key is ${keyForm}`)
  return makeKey(bytes)
}
