// Keys of roles: Ed25519, made at the first start, readable by their owner alone. The gateway's also signs decisions of people.
//   SK1. The public key stands beside it (signing.pub for signing.key): whoever has it can check what was signed, without this machine.
//   SK2. A signature names its key by the first 16 hexadecimal characters of the public key's sha256.
//   SK3. The file of public keys may hold several: the newest first, and behind it those that have signed what is still there.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import {
  type DecisionSignature,
  ReinsError,
  type SealRole,
  type Seals,
  sealParts,
  sealsOf,
  type ServiceName,
} from '@reins/contracts'
import type { CheckSignature } from '@reins/session'
import { writeOwnFile } from './own-file.ts'
import { secretFile } from './secret-file.ts'

/** PKCS #8 of an Ed25519 key is this, and then its 32 random bytes. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The names of its files. The gateway's was there before the others. */
const fileOf = (service: ServiceName): string => (service === 'session-gateway' ? 'signing' : service)
const roleOf: Readonly<Record<ServiceName, SealRole>> = {
  registry: 'r',
  'session-gateway': 'g',
  executor: 'e',
  'tool-runner': 't',
  memory: 'm',
}
const services = Object.keys(roleOf) as readonly ServiceName[]

interface SigningKey {
  readonly name: string
  readonly key: KeyObject
}

/** Makes what is missing, also the file of its public key. Throws where a file does not hold what was written there. */
function keyIn(folder: string, service: ServiceName): SigningKey {
  const seed = Buffer.from(secretFile(path.join(folder, `${fileOf(service)}.key`)), 'base64url')
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  const name = nameOf(publicKey)
  const known = publicKeysIn(folder, service)
  if (known[0]?.name !== name)
    writeKeys(folder, service, [publicKey, ...known.filter((one) => one.name !== name).map((one) => one.key)])
  return { name, key }
}

function writeKeys(folder: string, service: ServiceName, keys: readonly KeyObject[]): void {
  const file = path.join(folder, `${fileOf(service)}.pub`)
  // Services that start together each write it, and all the same.
  const draft = `${file}.${randomBytes(6).toString('hex')}.new`
  writeOwnFile(draft, keys.map((key) => key.export({ format: 'pem', type: 'spki' })).join(''), 0o644)
  renameSync(draft, file)
}

/** For decisions of people. */
export function signingKey(dataDir: string): (text: string) => DecisionSignature {
  const { name, key } = keyIn(dataDir, 'session-gateway')
  return (text) => ({ key: name, value: sign(null, Buffer.from(text), key).toString('base64url') })
}

/** Makes the keys that are missing. */
export function makeRoleKeys(folder: string): void {
  for (const service of services) keyIn(folder, service)
}

/** SK3. Each service has a new key; what the former ones have signed stays sound. Nobody may use the folder. */
export function rotateRoleKeys(folder: string, which: readonly ServiceName[] = services): void {
  for (const service of which) {
    keyIn(folder, service) // its public key is in the file, whatever comes
    rmSync(path.join(folder, `${fileOf(service)}.key`))
    keyIn(folder, service)
  }
}

/** What the service was signed with before is sound no more. */
export function forgetOlderKeys(folder: string, service: ServiceName): void {
  const [newest, ...older] = publicKeysIn(folder, service)
  if (newest && older.length > 0) writeKeys(folder, service, [newest.key])
}

/** `names`: the services of this process, whose keys it signs with; what it has public keys of it checks. */
export function sealsIn(folder: string, names: readonly ServiceName[]): Seals {
  const signing = new Map<SealRole, SigningKey>()
  for (const name of names)
    if (existsSync(path.join(folder, `${fileOf(name)}.key`))) signing.set(roleOf[name], keyIn(folder, name))
  const known = new Map(services.map((service) => [roleOf[service], publicKeysIn(folder, service)] as const))
  return {
    sealedFrom: undefined,
    sign(role, text) {
      const own = signing.get(role)
      return own && sealBy(own)(text)
    },
    signAll(role, texts) {
      const own = signing.get(role)
      return own && sealsOf(texts, sealBy(own))
    },
    check(role, text, seal) {
      const keys = known.get(role) ?? []
      if (keys.length === 0) return 'unknown'
      if (seal === '') return 'none'
      const { key: name, signature, signed } = sealParts(text, seal)
      const key = keys.find((one) => one.name === name)?.key
      if (!key || signed === undefined) return 'wrong'
      return verify(null, Buffer.from(signed), key, Buffer.from(signature, 'base64url')) ? 'sound' : 'wrong'
    },
    isNewest: (role, seal) => seal.split('.')[0] === known.get(role)?.[0]?.name,
  }
}

const sealBy =
  ({ name, key }: SigningKey) =>
  (text: string): string =>
    `${name}.${sign(null, Buffer.from(text), key).toString('base64url')}`

/** SK2. */
const nameOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 16)

/** SK3. Throws where the file does not hold public keys. */
function publicKeysIn(folder: string, service: ServiceName): readonly SigningKey[] {
  return pemsIn(textIn(path.join(folder, `${fileOf(service)}.pub`)) ?? '').map((pem) => {
    const key = publicKeyOf(pem)
    return { name: nameOf(key), key }
  })
}

const pemsIn = (text: string): readonly string[] => text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []

function textIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** The public keys of the data folder's gateway, as PEM text; undefined: it has none. */
export const publicKeyIn = (dataDir: string): string | undefined =>
  textIn(path.join(dataDir, `${fileOf('session-gateway')}.pub`))

/** `keys`: PEM texts of public keys; one may hold several. Throws where one is none. */
export function signatureCheck(keys: readonly string[]): CheckSignature {
  const pems = keys.flatMap((text) => {
    const found = pemsIn(text)
    return found.length === 0 ? [text] : found
  })
  const known = new Map(pems.map((pem) => publicKeyOf(pem)).map((key) => [nameOf(key), key] as const))
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
