// A connection between one service and nats-server that can be cut, frozen, and made to lose acks. It understands the protocol as far
// as it must to lose whole messages: never a part of one.
//   X1. Lost are only answers that say that a write is in (the writer cannot know), acks of triggers (the broker cannot know), and
//       stored messages on their way to a reader (a batch whose connection was cut while the server went on sending).
import net from 'node:net'

export interface ProxyFaults {
  /** Whether this confirmation of an append, or of a timer, gets lost on its way back. */
  losesReply(): boolean
  /** Whether this ack of a trigger gets lost on its way. */
  losesAck(): boolean
  /** Whether this stored message, which a reader has asked for, gets lost on its way to it. */
  losesStored?(): boolean
}

export const noFaults: ProxyFaults = { losesReply: () => false, losesAck: () => false }

export class NatsProxy {
  readonly port: number
  readonly #server: net.Server
  readonly #pairs = new Set<Pair>()
  #refusing = false
  #frozen = false

  private constructor(server: net.Server) {
    this.#server = server
    const address = server.address()
    this.port = typeof address === 'object' && address ? address.port : 0
  }

  /** The caller closes it. */
  static async open(target: number, faults: ProxyFaults = noFaults): Promise<NatsProxy> {
    const server = net.createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const proxy = new NatsProxy(server)
    server.on('connection', (client) => proxy.#connect(client, target, faults))
    return proxy
  }

  #connect(client: net.Socket, target: number, faults: ProxyFaults): void {
    if (this.#refusing) {
      client.destroy()
      return
    }
    const pair = new Pair(client, net.connect(target, '127.0.0.1'), faults, () => this.#pairs.delete(pair))
    this.#pairs.add(pair)
    if (this.#frozen) pair.freeze()
  }

  /** Breaks every connection; none is taken until `heal`. */
  cut(): void {
    this.#refusing = true
    for (const pair of this.#pairs) pair.close()
  }

  /** Nothing goes through in either direction, and nobody is told. */
  freeze(): void {
    this.#frozen = true
    for (const pair of this.#pairs) pair.freeze()
  }

  heal(): void {
    this.#refusing = false
    this.#frozen = false
    for (const pair of this.#pairs) pair.thaw()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}

class Pair {
  readonly #client: net.Socket
  readonly #server: net.Socket

  constructor(client: net.Socket, server: net.Socket, faults: ProxyFaults, closed: () => void) {
    this.#client = client
    this.#server = server
    const end = (): void => {
      client.destroy()
      server.destroy()
      closed()
    }
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    const down = messages(
      (line, payload) =>
        (isConfirmation(line, payload) && faults.losesReply()) ||
        (faults.losesStored !== undefined && isStored(line, payload) && faults.losesStored()),
    )
    const up = messages((line, payload) => isTriggerAck(line, payload) && faults.losesAck())
    server.on('data', (chunk: Buffer) => client.write(down(chunk)))
    client.on('data', (chunk: Buffer) => server.write(up(chunk)))
  }

  freeze(): void {
    this.#client.pause()
    this.#server.pause()
  }

  thaw(): void {
    this.#client.resume()
    this.#server.resume()
  }

  close(): void {
    this.#client.destroy()
    this.#server.destroy()
  }
}

const isConfirmation = (line: string, payload: string): boolean =>
  /^H?MSG _INBOX\./.test(line) && /^\{"stream":"(SES(-\d)?|TIM)"/.test(payload)
const isStored = (line: string, payload: string): boolean =>
  /^HMSG _INBOX\./.test(line) && payload.includes('\r\nNats-Num-Pending: ') && payload.includes('\r\nNats-Subject: ')
const isTriggerAck = (line: string, payload: string): boolean => line.startsWith('PUB $JS.ACK.') && payload === '+ACK'

const newline = Buffer.from('\r\n')
/** Bytes of a message that are looked at: with the headers of a frame. */
const looked = 2048
const withPayload = /^(PUB|HPUB|MSG|HMSG) /

/** Passes whole protocol messages on, but for those that get lost. */
function messages(lost: (line: string, payload: string) => boolean): (chunk: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const kept: Buffer[] = []
    for (;;) {
      const end = rest.indexOf(newline)
      if (end < 0) break
      const line = rest.toString('latin1', 0, end)
      let whole = end + 2
      if (withPayload.test(line)) whole += Number(line.slice(line.lastIndexOf(' ') + 1)) + 2
      if (rest.length < whole) break
      const payload = rest.toString('latin1', end + 2, Math.min(whole - 2, end + 2 + looked))
      if (whole === end + 2 || !lost(line, payload)) kept.push(rest.subarray(0, whole))
      rest = rest.subarray(whole)
    }
    return kept.length === 1 ? (kept[0] ?? Buffer.alloc(0)) : Buffer.concat(kept)
  }
}
