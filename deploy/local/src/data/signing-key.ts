// The key with which the gateway of this process signs decisions of people: Ed25519, made at the first start, readable by its owner alone.
//   SK1. The public key stands beside it (signing.pub): whoever has it can check each decision in the log, without this machine.
//   SK2. A decision names its key by the first 16 hexadecimal characters of the public key's sha256.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type DecisionSignature, ReinsError } from '@reins/contracts'
import type { CheckSignature } from '@reins/session'
import { secretFile } from './secret-file.ts'

const publicKeyFile = 'signing.pub'

/** PKCS #8 of an Ed25519 key is this, and then its 32 random bytes. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Throws where the file does not hold what was written there. */
export function signingKey(dataDir: string): (text: string) => DecisionSignature {
  const seed = Buffer.from(secretFile(path.join(dataDir, 'signing.key')), 'base64url')
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  writeFileSync(path.join(dataDir, publicKeyFile), publicKey.export({ format: 'pem', type: 'spki' }))
  const name = nameOf(publicKey)
  return (text) => ({ key: name, value: sign(null, Buffer.from(text), key).toString('base64url') })
}

/** SK2. */
const nameOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 16)

/** The public key of the data folder; undefined: it has none. */
export function publicKeyIn(dataDir: string): string | undefined {
  try {
    return readFileSync(path.join(dataDir, publicKeyFile), 'utf8')
  } catch {
    return undefined
  }
}

/** `keys`: PEM texts of public keys. Throws where one is none. */
export function signatureCheck(keys: readonly string[]): CheckSignature {
  const known = new Map(keys.map((pem) => publicKeyOf(pem)).map((key) => [nameOf(key), key] as const))
  return (text, { key, value }) => {
    const publicKey = known.get(key)
    if (!publicKey) return 'unknown-key'
    return verify(null, Buffer.from(text), publicKey, Buffer.from(value, 'base64url')) ? 'valid' : 'wrong'
  }
}

function publicKeyOf(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Said below.
  }
  throw new ReinsError('invalid_request', 'A key is no public key of Ed25519 in PEM form.', {
    next: 'Give the file signing.pub of the data folder of a gateway.',
  })
}
