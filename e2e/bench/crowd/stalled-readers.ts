// Readers that opened an event stream of a busy session and read nothing any more: what they cost the gateway, and others.

import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { ApiDelta } from '@reins/contracts'
import { type Spread, spread } from '../report/numbers.ts'
import { residentMb } from '../product/processes.ts'
import { type Product, tickingAgent } from '../product/product.ts'

export interface StalledReaders {
  readonly readers: number
  /** MB, more than before: of the serving process, and of what the kernel holds in that process's sockets for their readers. */
  readonly memory: number
  readonly kernel: number
  /** ms from the model to a reader that reads, without and with them. */
  readonly alone: Spread
  readonly beside: Spread
  /** How many of them the gateway had let go at the end. */
  readonly cut: number
}

const sessions = 40

export async function measureStalledReaders(
  product: Product,
  readers: number,
  seconds: number,
): Promise<StalledReaders> {
  const { api, url, token, gateway } = product
  const samples: number[] = []
  const open: { session: string; close(): void }[] = []
  for (let at = 0; at < sessions; at++) {
    const { session } = await api.start(tickingAgent)
    const stream = await api.follow(session.id, (item) => {
      if (item.type !== 'delta') return
      for (const time of (JSON.parse(item.data) as ApiDelta).data.text.match(/t\d+ /g) ?? [])
        samples.push(Number(item.at - BigInt(time.slice(1, -1))) / 1e6)
    })
    open.push({ session: session.id, close: stream.close })
    await api.post(`/v1/sessions/${session.id}/messages`, { content: 'go' })
  }
  await pause(3000)
  samples.length = 0
  await pause(5000)
  const alone = spread(samples)
  const before = { memory: residentMb(gateway().pid), kernel: kernelMb(Number(new URL(url).port)) }
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = []
  for (let at = 0; at < readers; at++) {
    const session = open[at % sessions]?.session
    const socket = connect({ port: Number(port), host: hostname })
    // Half a kilobyte is read, and then nothing more.
    socket.on('error', () => {})
    socket.once('readable', () => socket.pause())
    socket.write(
      `GET /v1/sessions/${session}/events HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n\r\n`,
    )
    sockets.push(socket)
    if (at % 50 === 0) await pause(10)
  }
  await pause(1000)
  samples.length = 0
  await pause(seconds * 1000)
  const measured = {
    readers,
    memory: residentMb(gateway().pid) - before.memory,
    kernel: kernelMb(Number(port)) - before.kernel,
    alone,
    beside: spread(samples),
  }
  const cut = await endedAlready(sockets)
  for (const socket of sockets) socket.destroy()
  for (const { session } of open) await api.post(`/v1/sessions/${session}/cancel`, {})
  for (const { close } of open) close()
  return { ...measured, cut }
}

/** Of these how many have been closed from the other side: a socket that reads nothing hears of that when it reads again. */
async function endedAlready(sockets: readonly Socket[]): Promise<number> {
  let ended = 0
  for (const socket of sockets) {
    socket.once('close', () => ended++)
    socket.resume()
  }
  await pause(5000)
  return ended
}

/**
 * What the server's own sockets hold, which is its cost. What the readers' sockets hold is the cost of their machine, although it is the
 * same one here. 0 where there is no /proc.
 */
function kernelMb(port: number): number {
  try {
    const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
    let bytes = 0
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
      const [, from, , , queues] = line.trim().split(/\s+/)
      if (from?.endsWith(local)) bytes += Number.parseInt(queues ?? '0', 16) || 0
    }
    return Math.round(bytes / 1e6)
  } catch {
    return 0
  }
}
