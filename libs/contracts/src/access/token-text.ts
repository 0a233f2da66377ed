// The text of a token that Reins makes: reins_ and 49 letters and digits. Scanners of secrets know it by reins_[0-9A-Za-z]{49}.
//   TT1. Its last six characters are a checksum (CRC-32) of what stands before them: a text that was cut or mistyped is known as such
//        without a look at what is kept, and a scanner that checks it has no false alarms.
import { crc32 } from 'node:zlib'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefix = 'reins_'

const base62 = (value: bigint, length: number): string => {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = digits[Number(rest % 62n)] + text
  return text
}

const checksumOf = (text: string): string => base62(BigInt(crc32(text)), 6)

/** `random`: 32 bytes that nobody can guess. */
export function makeTokenText(random: Uint8Array): string {
  const value = random.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const text = `${prefix}${base62(value, 43)}`
  return `${text}${checksumOf(text)}`
}

/** TT1. Whether it has the form of such a token and is none. Tokens of another form are not judged. */
export function isMistypedToken(text: string): boolean {
  return /^reins_[0-9A-Za-z]{49}$/.test(text) && checksumOf(text.slice(0, -6)) !== text.slice(-6)
}
