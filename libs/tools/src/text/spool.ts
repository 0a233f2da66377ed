// Keeps all bytes of an output that turns out too long: in memory at first, then in a temporary file of this user alone.
//   K1. Memory is bounded by `memoryBytes`, disk by `maxBytes`; what comes after that is counted and dropped.
//   K2. Who opens it closes it; closing removes the file.
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Spool implements Disposable {
  readonly #memoryBytes: number
  readonly #maxBytes: number
  readonly #parent: string
  #chunks: Uint8Array[] = []
  #bytes = 0
  #dropped = 0
  #file: { folder: string; path: string; fd: number } | undefined

  constructor(memoryBytes: number, maxBytes: number, parent: string = tmpdir()) {
    this.#parent = parent
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
      const folder = mkdtempSync(join(this.#parent, 'reins-output-'))
      const path = join(folder, 'output')
      this.#file = { folder, path, fd: openSync(path, 'wx', 0o600) }
      for (const earlier of this.#chunks) write(this.#file.fd, earlier)
      this.#chunks = []
    }
    if (this.#file === undefined) this.#chunks.push(kept)
    else write(this.#file.fd, kept)
  }

  /** All that was kept, in order. Valid until closed. */
  content(): AsyncIterable<Uint8Array> | Uint8Array {
    return this.#file === undefined ? Buffer.concat(this.#chunks) : contentOf(this.#file.path)
  }

  [Symbol.dispose](): void {
    if (this.#file === undefined) return
    closeSync(this.#file.fd)
    rmSync(this.#file.folder, { recursive: true, force: true })
  }
}

/** Opened when it is read: a stream that nobody reads would fail, unheard, when its file goes. */
async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path)
}

function write(fd: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
}
