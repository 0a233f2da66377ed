// How a host and its runner speak: frames of a length (4 bytes, big-endian) and so many bytes of JSON. Loaded on both sides.
//   F1. A frame longer than the reader's limit is refused by its length, before any of it is kept.
//   F2. A reader that refused reads nothing more: what follows cannot be told from the middle of a frame.
//   F3. What it is made of is taken before any code of users runs, which may change what it finds.

const headerBytes = 4
/** F3. */
const { parse, stringify } = JSON
const { allocUnsafe, concat, from } = Buffer

export const frameOf = (message: unknown): Buffer => frameOfText(stringify(message))

/** `json`: the message as JSON already. */
export function frameOfText(json: string): Buffer {
  const body = from(json)
  const frame = allocUnsafe(headerBytes + body.length)
  frame.writeUInt32BE(body.length)
  body.copy(frame, headerBytes)
  return frame
}

export class FrameReader {
  readonly #limit: number
  readonly #take: (message: unknown, bytes: number) => void
  readonly #refuse: (why: string) => void
  #chunks: Buffer[] = []
  #have = 0
  #need: number | undefined
  #refused = false

  /** `take`: a message, and the bytes of its frame. */
  constructor(limit: number, take: (message: unknown, bytes: number) => void, refuse: (why: string) => void) {
    this.#limit = limit
    this.#take = take
    this.#refuse = refuse
  }

  push(chunk: Buffer): void {
    if (this.#refused) return
    this.#chunks.push(chunk)
    this.#have += chunk.length
    while (!this.#refused) {
      if (this.#need === undefined) {
        if (this.#have < headerBytes) return
        this.#need = this.#first(headerBytes).readUInt32BE()
        if (this.#need > this.#limit) this.#stop(`a frame of ${this.#need} bytes; ${this.#limit} at most`)
      }
      if (this.#refused || this.#have < this.#need) return
      const body = this.#first(this.#need)
      this.#need = undefined
      let message: unknown
      try {
        message = parse(body.toString('utf8'))
      } catch {
        this.#stop('a frame that is no JSON')
        return
      }
      this.#take(message, body.length)
    }
  }

  #stop(why: string): void {
    this.#refused = true
    this.#chunks = []
    this.#refuse(why)
  }

  /** The first bytes of what is there: as many, and there are. */
  #first(bytes: number): Buffer {
    const [first] = this.#chunks
    const all = this.#chunks.length === 1 && first ? first : concat(this.#chunks)
    this.#chunks = all.length > bytes ? [all.subarray(bytes)] : []
    this.#have -= bytes
    return all.subarray(0, bytes)
  }
}
