// What the bytes of a file mean. Four forms: UTF-8 (with or without a mark), UTF-16 by its mark, and single bytes (latin1) where
// bytes are no UTF-8 at all. In the single-byte form each byte is one character and back, so nothing can be lost.

export type Encoding = 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'latin1'

/** Enough of a file's beginning to tell. */
export const sampleBytes = 256 * 1024
/** Where a NUL byte makes a file binary. */
const binarySample = 8 * 1024

/** Undefined for a binary file. `complete`: `sample` is the whole file, so that a character cut at its end is a fault. */
export function detectEncoding(sample: Uint8Array, complete: boolean): Encoding | undefined {
  const [a, b, c] = sample
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8-bom'
  if (sample.subarray(0, binarySample).includes(0)) return undefined
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: !complete })
    return 'utf-8'
  } catch {
    // A text that is UTF-8 but for some bytes stays UTF-8: those bytes show as U+FFFD and are kept by edits.
    return hasMultibyteCharacter(sample) ? 'utf-8' : 'latin1'
  }
}

function hasMultibyteCharacter(bytes: Uint8Array): boolean {
  for (const character of new TextDecoder('utf-8').decode(bytes)) {
    const code = character.codePointAt(0) ?? 0
    if (code > 0x7f && code !== 0xfffd) return true
  }
  return false
}

export function markOf(encoding: Encoding): Uint8Array {
  switch (encoding) {
    case 'utf-8-bom':
      return Uint8Array.of(0xef, 0xbb, 0xbf)
    case 'utf-16le':
      return Uint8Array.of(0xff, 0xfe)
    case 'utf-16be':
      return Uint8Array.of(0xfe, 0xff)
    case 'utf-8':
    case 'latin1':
      return new Uint8Array()
    default:
      return encoding satisfies never
  }
}

/** Text as bytes, without the mark; undefined where a character has no byte in latin1. */
export function encode(text: string, encoding: Encoding): Buffer | undefined {
  switch (encoding) {
    case 'utf-8':
    case 'utf-8-bom':
      return Buffer.from(text, 'utf8')
    case 'utf-16le':
      return Buffer.from(text, 'utf16le')
    case 'utf-16be':
      return Buffer.from(text, 'utf16le').swap16()
    case 'latin1':
      return /[\u0100-\uffff]/.test(text) ? undefined : Buffer.from(text, 'latin1')
    default:
      return encoding satisfies never
  }
}

/** Decodes pieces of one file, mark removed. Malformed bytes become U+FFFD. */
export function decoderOf(encoding: Encoding): (bytes: Uint8Array, last: boolean) => string {
  if (encoding === 'latin1')
    return (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const decoder = new TextDecoder(encoding === 'utf-8-bom' ? 'utf-8' : encoding)
  return (bytes, last) => decoder.decode(bytes, { stream: !last })
}
