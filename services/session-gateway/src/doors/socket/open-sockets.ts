// All WebSockets of this gateway, whoever they are served by: what they hold here while nobody has got a message yet, and whether their
// other ends are still there.
//   OS1. What has come of a message that is not whole waits in memory. A message is whole within `wholeWithinMs` of its first byte.
//   OS2. Of all unfinished messages together no more than `maxBytes` wait. Beyond that the one that began first goes: whoever means well
//        has sent its own to the end by then.
//   OS4. Answers to pings wait in memory too: whoever asks for more of them and takes none is let go.
//   OS3. A connection from which nothing has come for `silentMs`, not even the answer to a ping, is closed.
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'

export interface OpenSocketsOptions {
  readonly maxBytes: number
  readonly wholeWithinMs: number
  readonly silentMs: number
  /** ms, monotonic */
  now(): number
}

interface Open {
  readonly socket: WebSocket
  readonly connection: Socket
  /** Bytes since the last whole message. A piece of the system's that ends one may hold the beginning of the next. */
  bytes: number
  since: number
  read: number
  heard: number
}

/** What a few pieces of the system's hold: less is no message that is kept from its end. */
const small = 128 * 1024
/** Beyond what a stream lets wait for its reader. */
const mostUntaken = 4 * 1024 * 1024
/** Of a control frame of a client, beside what it says. */
const frameHead = 6

export class OpenSockets {
  readonly #options: OpenSocketsOptions
  readonly #open = new Set<Open>()
  #waiting = 0

  constructor(options: OpenSocketsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#open.size
  }

  watch(socket: WebSocket, connection: Socket): void {
    const now = this.#options.now()
    const open: Open = { socket, connection, bytes: 0, since: now, read: connection.bytesRead, heard: now }
    this.#open.add(open)
    connection.on('data', (piece: Buffer) => this.#came(open, piece.length))
    socket.on('message', () => this.#set(open, 0))
    const control = (data: Buffer): void => this.#set(open, Math.max(0, open.bytes - data.length - frameHead))
    socket.on('ping', (data: Buffer) => {
      control(data)
      if (socket.bufferedAmount > mostUntaken) socket.terminate() // OS4
    })
    socket.on('pong', control)
    socket.once('close', () => {
      this.#set(open, 0)
      this.#open.delete(open)
    })
  }

  /** Called every few seconds. */
  look(): void {
    const { now, wholeWithinMs, silentMs } = this.#options
    const at = now()
    for (const open of this.#open) {
      const { socket, connection } = open
      if (open.bytes > small && at - open.since > wholeWithinMs) socket.terminate() // OS1
      const { bytesRead } = connection
      // Nothing is read from a socket that has more to do than it can take.
      if (bytesRead !== open.read || socket.isPaused) Object.assign(open, { read: bytesRead, heard: at })
      if (at - open.heard > silentMs)
        socket.terminate() // OS3
      else if (socket.readyState === socket.OPEN) socket.ping()
    }
  }

  #came(open: Open, bytes: number): void {
    if (open.bytes <= small) open.since = this.#options.now()
    this.#set(open, open.bytes + bytes)
    while (this.#waiting > this.#options.maxBytes) {
      const first = this.#firstBegun()
      if (!first) return
      this.#set(first, 0)
      first.socket.terminate() // OS2
    }
  }

  #firstBegun(): Open | undefined {
    let first: Open | undefined
    for (const open of this.#open) if (open.bytes > small && (!first || open.since < first.since)) first = open
    return first
  }

  #set(open: Open, bytes: number): void {
    const counted = (many: number): number => (many > small ? many : 0)
    this.#waiting += counted(bytes) - counted(open.bytes)
    open.bytes = bytes
  }
}
