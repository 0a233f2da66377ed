// The lines of a file, read piece by piece: memory depends on the longest line that is kept, not on the file.
import { fstatSync, readSync } from 'node:fs'
import { ToolFailure } from '../calls/outcome.ts'
import type { Pace } from '../calls/pace.ts'
import { decoderOf, detectEncoding, type Encoding, sampleBytes } from './encoding.ts'

export interface Line {
  /** Without its ending. */
  readonly text: string
  /** Characters of it that were left out, since it is longer than was asked for. */
  readonly cut: number
  readonly crlf: boolean
  /** Whether a line ending follows: false for a last line without one. */
  readonly ended: boolean
}

export interface OpenText {
  readonly encoding: Encoding
  readonly bytes: number
  lines(maxLineChars: number, pace: Pace): AsyncGenerator<Line>
}

/** At most. A small file gets a small one: memory outside of the heap that comes and goes makes V8 collect garbage for each call. */
const pieceBytes = 64 * 1024
const smallPieceBytes = 4 * 1024

/** Undefined for a binary file. Reads by position; the descriptor stays the caller's. */
export function openText(fd: number): OpenText | undefined {
  const sample = Buffer.allocUnsafe(Math.min(sampleBytes, Math.max(1, Number(fstatSync(fd).size) + 1)))
  const length = fill(fd, sample, 0)
  const encoding = detectEncoding(sample.subarray(0, length), length < sample.length)
  if (encoding === undefined) return undefined
  return {
    encoding,
    bytes: fstatSync(fd).size,
    lines: (maxLineChars, pace) => readLines(fd, encoding, maxLineChars, pace),
  }
}

async function* readLines(fd: number, encoding: Encoding, maxLineChars: number, pace: Pace): AsyncGenerator<Line> {
  const decode = decoderOf(encoding)
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(smallPieceBytes, fstatSync(fd).size + 1)))
  let position = 0
  let kept = ''
  let cut = 0
  let lastOfCut = ''
  const add = (text: string) => {
    const room = maxLineChars - kept.length
    kept += room >= text.length ? text : text.slice(0, room)
    if (room < text.length) {
      cut += text.length - room
      lastOfCut = text.slice(-1)
    }
  }
  const take = (ended: boolean): Line => {
    const crlf = ended && (cut > 0 ? lastOfCut === '\r' : kept.endsWith('\r'))
    const line = {
      text: crlf && cut === 0 ? kept.slice(0, -1) : kept,
      cut: crlf && cut > 0 ? cut - 1 : cut,
      crlf,
      ended,
    }
    kept = ''
    cut = 0
    return line
  }
  for (;;) {
    const length = readSync(fd, piece, 0, piece.length, position)
    position += length
    const text = decode(piece.subarray(0, length), length === 0)
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      add(text.slice(from, end))
      from = end + 1
      yield take(true)
    }
    add(text.slice(from))
    if (pace.due) await pace.rest()
    if (length === 0) break
  }
  if (kept !== '' || cut > 0) yield take(false)
}

/** A file whole, for an edit. Throws ToolFailure above `maxBytes`. */
export function readWhole(fd: number, maxBytes: number, what: string): Buffer {
  const size = fstatSync(fd).size
  if (size > maxBytes) {
    throw new ToolFailure(
      'failed',
      `${what} is too large to edit (${size} bytes, at most ${maxBytes}); use the shell, for example sed`,
    )
  }
  const content = Buffer.allocUnsafe(size + 1)
  const length = fill(fd, content, 0)
  if (length > size) throw new ToolFailure('failed', `${what} grew while it was read; try again`)
  return content.subarray(0, length)
}

function fill(fd: number, buffer: Buffer, from: number): number {
  let length = 0
  for (;;) {
    const read = readSync(fd, buffer, length, buffer.length - length, from + length)
    length += read
    if (read === 0 || length === buffer.length) return length
  }
}
