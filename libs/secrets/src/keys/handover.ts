// A text on its way to the one process that asked for it: X25519 with keys that both sides make for this one answer, HKDF-SHA-256,
// AES-256-GCM. Any service of the broker may listen to the answers of others; only the asker can read this one.
import { createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, type RandomBytes } from './envelope.ts'

/** Both in base64url; `box` as `encrypt` makes it. */
export interface Handover {
  readonly from: string
  readonly box: string
}

export interface Recipient {
  /** Goes into the request. */
  readonly key: string
  /** undefined: it is not for this recipient, or was changed. */
  open(handover: Handover): string | undefined
}

export function makeRecipient(): Recipient {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const key = publicText(publicKey)
  return {
    key,
    open({ from, box }) {
      const sender = publicKeyOf(from)
      return sender && decrypt(agree(privateKey, sender, from, key), box, label)?.toString('utf8')
    },
  }
}

/** undefined: the recipient's key is none. */
export function handOver(text: string, recipient: string, random: RandomBytes): Handover | undefined {
  const to = publicKeyOf(recipient)
  if (!to) return undefined
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const from = publicText(publicKey)
  try {
    return { from, box: encrypt(agree(privateKey, to, from, recipient), Buffer.from(text, 'utf8'), label, random) }
  } catch {
    return undefined // a point of low order
  }
}

const label = Buffer.from('reins handover 1')

function agree(mine: KeyObject, theirs: KeyObject, from: string, to: string): Buffer {
  const shared = diffieHellman({ privateKey: mine, publicKey: theirs })
  return Buffer.from(hkdfSync('sha256', shared, Buffer.alloc(0), Buffer.from(`reins handover 1\0${from}\0${to}`), 32))
}

const publicText = (key: KeyObject): string => String(key.export({ format: 'jwk' }).x)

function publicKeyOf(text: string): KeyObject | undefined {
  if (!/^[\w-]{43}$/.test(text)) return undefined
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: text }, format: 'jwk' })
  } catch {
    return undefined
  }
}
