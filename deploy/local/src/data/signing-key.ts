// The key with which the gateway of this process signs decisions of people: Ed25519, made at the first start, readable by its owner alone.
//   SK1. The public key stands beside it (signing.pub): whoever has it can check each decision in the log, without this machine.
//   SK2. A decision names its key by the first 16 hexadecimal characters of the public key's sha256.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { DecisionSignature } from '@reins/contracts'
import { secretFile } from './secret-file.ts'

/** PKCS #8 of an Ed25519 key is this, and then its 32 random bytes. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Throws where the file does not hold what was written there. */
export function signingKey(dataDir: string): (text: string) => DecisionSignature {
  const seed = Buffer.from(secretFile(path.join(dataDir, 'signing.key')), 'base64url')
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  const der = publicKey.export({ format: 'der', type: 'spki' })
  writeFileSync(path.join(dataDir, 'signing.pub'), publicKey.export({ format: 'pem', type: 'spki' }))
  const name = createHash('sha256').update(der).digest('hex').slice(0, 16)
  return (text) => ({ key: name, value: sign(null, Buffer.from(text), key).toString('base64url') })
}
