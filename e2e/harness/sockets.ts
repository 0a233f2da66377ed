// Clients of WebSockets: one that says bytes as it likes, and one that means well.
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'

const keptBytes = 1024 ** 2

/** What an upgrade is asked with; undefined leaves a header out. */
type Heads = Readonly<Record<string, string | readonly string[] | undefined>>

export class RawSocket {
  readonly socket: Socket
  #text = Buffer.alloc(0)
  #waiting: (() => void)[] = []
  closed = false

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.socket = connect(Number(port), hostname)
    this.socket.on('error', () => undefined)
    this.socket.on('data', (part) => {
      this.#text = Buffer.concat([this.#text.subarray(-keptBytes), part as Buffer])
      for (const wake of this.#waiting.splice(0)) wake()
    })
    this.socket.on('close', () => {
      this.closed = true
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  get text(): string {
    return this.#text.toString('latin1')
  }

  write(bytes: string | Buffer): void {
    if (!this.closed) this.socket.write(bytes)
  }

  /** Resolves when there is room for more, or it is over. */
  async writes(bytes: Buffer): Promise<void> {
    if (this.closed || this.socket.write(bytes)) return
    await new Promise<void>((go) => {
      this.socket.once('drain', go).once('close', () => go())
    })
  }

  /** Whether it comes to that, before the connection ends or the time is over. */
  async comes(pattern: RegExp, withinMs = 40_000): Promise<boolean> {
    const end = performance.now() + withinMs
    while (!pattern.test(this.text)) {
      const left = end - performance.now()
      if (this.closed || left <= 0) return false
      await new Promise<void>((go) => {
        const late = setTimeout(go, left)
        this.#waiting.push(() => {
          clearTimeout(late)
          go()
        })
      })
    }
    return true
  }

  async over(withinMs = 40_000): Promise<boolean> {
    await this.comes(/(?!)/, withinMs)
    return this.closed
  }

  /** Whether it is told so, or cut off: nobody here answers a close. */
  async closes(): Promise<boolean> {
    const end = performance.now() + 40_000
    while (this.closeCode() === undefined && !this.closed && performance.now() < end) await this.comes(/(?!)/, 20)
    return this.closed || this.closeCode() !== undefined
  }

  /** The code of the close frame, behind the head of the answer. */
  closeCode(): number | undefined {
    const body = this.#text.subarray(this.#text.indexOf('\r\n\r\n') + 4)
    for (let at = 0; at + 2 <= body.length; ) {
      const [first = 0, second = 0] = body.subarray(at, at + 2)
      const length = second & 127
      const size =
        length === 126 ? body.readUInt16BE(at + 2) : length === 127 ? Number(body.readBigUInt64BE(at + 2)) : length
      const head = length === 126 ? 4 : length === 127 ? 10 : 2
      if ((first & 15) === 8) return size >= 2 ? body.readUInt16BE(at + head) : 1005
      at += head + size
    }
    return undefined
  }
}

export const key = () => randomBytes(16).toString('base64')

export function handshake(url: string, at: string, heads: Heads = {}, line = 'GET', version = '1.1'): string {
  const all: Heads = {
    host: new URL(url).host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key(),
    ...heads,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}`),
  )
  return `${line} ${at} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n`
}

interface FrameForm {
  readonly opcode?: number
  readonly fin?: boolean
  readonly rsv?: number
  readonly masked?: boolean
  /** What the head says of it, where that is not so. */
  readonly length?: bigint
}

export function frame(
  payload: Buffer | string,
  { opcode = 1, fin = true, rsv = 0, masked = true, length }: FrameForm = {},
): Buffer {
  const body = Buffer.from(payload)
  const size = length ?? BigInt(body.length)
  const first = (fin ? 128 : 0) | (rsv << 4) | opcode
  const mask = masked ? 128 : 0
  const head =
    size < 126n
      ? Buffer.from([first, mask | Number(size)])
      : size < 65_536n
        ? Buffer.from([first, mask | 126, Number(size >> 8n), Number(size & 255n)])
        : Buffer.concat([Buffer.from([first, mask | 127]), Buffer.alloc(8)])
  if (size >= 65_536n) head.writeBigUInt64BE(size, 2)
  // A mask of zeros masks nothing.
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0), body])
}

/** Somebody who means well. */
export class Innocent {
  readonly frames: Record<string, unknown>[] = []
  readonly #socket: WebSocket
  #wake: (() => void)[] = []
  #asked = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)) as Record<string, unknown>)
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  static async open(url: string): Promise<Innocent> {
    const socket = new WebSocket(url)
    const one = new Innocent(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.on('error', reject)
    })
    return one
  }

  say(words: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ version: 1, ...words }))
  }

  async hears(which: (words: Record<string, unknown>) => boolean, withinMs = 60_000): Promise<Record<string, unknown>> {
    const end = performance.now() + withinMs
    for (;;) {
      const found = this.frames.find(which)
      if (found) return found
      const left = end - performance.now()
      if (left <= 0) throw new Error(`nobody said it, only ${JSON.stringify(this.frames.slice(-5)).slice(0, 2000)}`)
      await new Promise<void>((go) => {
        const late = setTimeout(go, left)
        this.#wake.push(() => {
          clearTimeout(late)
          go()
        })
      })
    }
  }

  async answers(): Promise<boolean> {
    const requestId = `ping-${this.#asked++}`
    this.say({ type: 'ping', requestId })
    return this.hears((words) => words.requestId === requestId).then(
      () => true,
      () => false,
    )
  }

  async prompt(message: string): Promise<string> {
    const requestId = `prompt-${this.#asked++}`
    this.say({ type: 'prompt', requestId, message })
    const end = await this.hears(
      ({ type, requestId: of }) => of === requestId && (type === 'result' || type === 'error'),
    )
    return JSON.stringify(end)
  }

  close(): void {
    this.#socket.terminate()
  }
}
