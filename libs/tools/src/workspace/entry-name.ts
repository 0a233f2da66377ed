// Names of files as text. A name is bytes; one that is no UTF-8 is shown with its bytes escaped, `\xff`, and found again under that.

const escapes = /\\x([0-9a-f]{2})/g

/** What is shown of a name. */
export function shownName(name: Buffer): string {
  const text = name.toString('utf8')
  if (!text.includes('\ufffd')) return text
  let shown = ''
  for (let at = 0; at < name.length; ) {
    const length = characterLength(name, at)
    shown +=
      length === 0 ? `\\x${(name[at] ?? 0).toString(16).padStart(2, '0')}` : name.toString('utf8', at, at + length)
    at += Math.max(1, length)
  }
  return shown
}

/** The bytes that a shown name may stand for, where it has escapes; a name may also hold these characters as they are. */
export function escapedName(shown: string): Buffer | undefined {
  if (!shown.includes('\\x')) return undefined
  const parts: Buffer[] = []
  let from = 0
  for (const found of shown.matchAll(escapes)) {
    const byte = Number.parseInt(found[1] ?? '', 16)
    // Only what cannot be said otherwise: no path is written in escapes.
    if (byte < 0x80) continue
    parts.push(Buffer.from(shown.slice(from, found.index)), Buffer.of(byte))
    from = found.index + found[0].length
  }
  return parts.length === 0 ? undefined : Buffer.concat([...parts, Buffer.from(shown.slice(from))])
}

/** Bytes of the valid character that begins here; 0 for none. */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  if (length === 0 || at + length > bytes.length) return 0
  const text = bytes.toString('utf8', at, at + length)
  return text.includes('\ufffd') && !bytes.subarray(at, at + length).equals(Buffer.from('\ufffd')) ? 0 : length
}
