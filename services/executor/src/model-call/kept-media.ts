// Images, audio and files in results of tools, read back for the model calls that show them: a conversation shows them again with each.
//   KM1. What was read is kept for the next call, so many bytes at most, the oldest go first.
//   KM3. What is read is what its reference names, to the byte: others may write to the store too.
//   KM2. A store that is away costs the media of one call, never the call.
import { createHash } from 'node:crypto'
import type { KeptOutput } from '@reins/journal'

/** KM1. */
const cacheBytes = 64 * 1024 * 1024
const largest = 8 * 1024 * 1024

/** It reads each to its end. */
interface Kept {
  get(session: string, ref: string): Promise<Pick<KeptOutput, 'size' | 'bytes'> | undefined>
}

export class KeptMedia {
  readonly #outputs: Kept
  readonly #known = new Map<string, Uint8Array>()
  #size = 0

  constructor(outputs: Kept) {
    this.#outputs = outputs
  }

  /** undefined: kept no more, or it cannot be read now. */
  async get(session: string, ref: string): Promise<Uint8Array | undefined> {
    const key = `${session}/${ref}`
    const bytes = this.#known.get(key) ?? (await this.#read(session, ref))
    if (bytes === undefined) return undefined
    if (this.#known.delete(key)) this.#size -= bytes.length
    this.#known.set(key, bytes)
    this.#size += bytes.length
    for (const [oldest, its] of this.#known) {
      if (this.#size <= cacheBytes) break
      this.#known.delete(oldest)
      this.#size -= its.length
    }
    return bytes
  }

  async #read(session: string, ref: string): Promise<Uint8Array | undefined> {
    try {
      const found = await this.#outputs.get(session, ref)
      if (!found || found.size > largest) return undefined
      const chunks: Uint8Array[] = []
      for await (const chunk of found.bytes) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      return ref === `sha256-${createHash('sha256').update(bytes).digest('hex')}` ? bytes : undefined // KM3
    } catch {
      return undefined // KM2
    }
  }
}
