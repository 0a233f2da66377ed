// Keeps all bytes of an output that turns out too long: in memory at first, then in a file.
//   K1. Memory is bounded by `memoryBytes`, disk by `maxBytes`; what comes after that is counted and dropped.
//   K2. Who opens it closes it. The file has no name from the moment on in which it is there, so that nothing is left of it however this
//       process ends, and nobody else opens it.
//   K3. What goes to the file is masked before. What stays in memory is masked by whoever keeps it.
import { closeSync, createReadStream, openSync, rmSync, writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SpoolPlace {
  /** Absolute, this user's alone, and seen by no tool. */
  readonly folder: string
  /** For one output. Bytes pass as latin1, one character each. */
  mask(): Mask
}

export interface Mask {
  push(piece: string): string
  end(): string
}

/** Without secrets to hide: for whoever runs tools by himself. */
const unmasked: SpoolPlace = { folder: tmpdir(), mask: () => ({ push: (piece) => piece, end: () => '' }) }

export class Spool implements Disposable {
  readonly #memoryBytes: number
  readonly #maxBytes: number
  readonly #place: SpoolPlace
  #chunks: Uint8Array[] = []
  #bytes = 0
  #dropped = 0
  #file: { readonly fd: number; reader: number | undefined; readonly mask: Mask } | undefined

  constructor(memoryBytes: number, maxBytes: number, place: SpoolPlace = unmasked) {
    this.#place = place
    this.#memoryBytes = memoryBytes
    this.#maxBytes = maxBytes
  }

  /** Bytes that came after the limit and are not kept. */
  get dropped(): number {
    return this.#dropped
  }

  push(chunk: Uint8Array): void {
    const kept = chunk.subarray(0, Math.max(0, this.#maxBytes - this.#bytes))
    this.#dropped += chunk.length - kept.length
    this.#bytes += kept.length
    if (this.#file === undefined && this.#bytes > this.#memoryBytes) {
      this.#file = { ...openNameless(this.#place.folder), mask: this.#place.mask() }
      for (const earlier of this.#chunks) this.#write(earlier)
      this.#chunks = []
    }
    if (this.#file === undefined) this.#chunks.push(kept)
    else this.#write(kept)
  }

  /** All that was kept, in order; nothing comes after it. Valid until closed. */
  content(): AsyncIterable<Uint8Array> | Uint8Array {
    if (this.#file === undefined) return Buffer.concat(this.#chunks)
    const file = this.#file
    write(file.fd, Buffer.from(file.mask.end(), 'latin1'))
    return contentOf(() => {
      const { reader } = file
      file.reader = undefined
      return reader
    })
  }

  [Symbol.dispose](): void {
    const { fd, reader } = this.#file ?? {}
    this.#file = undefined
    for (const open of [fd, reader]) if (open !== undefined) closeSync(open)
  }

  /** K3. */
  #write(chunk: Uint8Array): void {
    if (this.#file)
      write(this.#file.fd, Buffer.from(this.#file.mask.push(Buffer.from(chunk).toString('latin1')), 'latin1'))
  }
}

/** K2. Reading has a descriptor of its own, which its stream closes once nothing of it is under way any more. */
function openNameless(folder: string): { readonly fd: number; readonly reader: number } {
  const path = join(folder, `output-${randomUUID()}`)
  const fd = openSync(path, 'wx', 0o600)
  try {
    return { fd, reader: openSync(path, 'r') }
  } catch (error) {
    closeSync(fd)
    throw error
  } finally {
    rmSync(path, { force: true })
  }
}

/** Opened when it is read: a stream that nobody reads would fail, unheard. */
async function* contentOf(take: () => number | undefined): AsyncGenerator<Uint8Array> {
  const fd = take()
  if (fd !== undefined) yield* createReadStream('', { fd })
}

function write(fd: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
}
