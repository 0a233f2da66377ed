// What open event streams cost the process that serves them. The client's side is a bare socket each.

import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { residentMb } from '../product/processes.ts'
import { type Product, plainAgent } from '../product/product.ts'

export interface OpenStreams {
  readonly streams: number
  readonly sessions: number
  /** Resident memory of the serving process, MB. */
  readonly before: number
  readonly after: number
  readonly openedMs: number
}

const viewersOfSession = 10
const atOnce = 200
const settleMs = 2000

export async function measureStreams({ api, url, token, gateway }: Product, streams: number): Promise<OpenStreams> {
  const sessions: string[] = []
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (sessions.length < streams / viewersOfSession) {
        const place = sessions.push('') - 1
        sessions[place] = (await api.start(plainAgent)).session.id
      }
    }),
  )
  await pause(settleMs)
  const before = residentMb(gateway().pid)
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = []
  const from = performance.now()
  let next = 0
  try {
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < streams) {
          const session = sessions[next++ % sessions.length]
          sockets.push(await open(hostname, Number(port), `/v1/sessions/${session}/events`, token))
        }
      }),
    )
    const openedMs = Math.round(performance.now() - from)
    await pause(settleMs)
    return { streams: sockets.length, sessions: sessions.length, before, after: residentMb(gateway().pid), openedMs }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/** Resolves with the first bytes of the answer. */
function open(host: string, port: number, path: string, token: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () =>
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n\r\n`,
      ),
    )
    socket.once('error', reject)
    socket.once('data', (first: Buffer) => {
      if (!first.toString('latin1', 0, 12).endsWith('200')) return reject(new Error(first.toString().slice(0, 300)))
      socket.resume()
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}
