// Turns a second, of clients that send the next message when the last turn has ended. Ten turns a session, then a new one.
import { type Spread, spread } from '../report/numbers.ts'
import { cpuMs } from '../product/processes.ts'
import { type Product, plainAgent, toolAgent } from '../product/product.ts'
import { plainMessage, toolMessage } from './turns.ts'

export interface Load {
  readonly clients: number
  readonly turnsPerSecond: number
  readonly ms: Spread
  /** CPU time of each process, and of this client, in ms a turn. */
  readonly cpuPerTurn: Readonly<Record<string, number>>
  /** Of nats-server, a turn; only with five. */
  readonly messagesPerTurn?: { readonly in: number; readonly out: number }
}

const turnsOfSession = 10

/** Whoever has sessions and turns. Both resolve when the turn has ended well. */
export interface Turning {
  /** A new session with its first turn. */
  begin(): Promise<string>
  turn(session: string): Promise<void>
}

export async function measureLoad(
  product: Product,
  kind: 'plain' | 'tool',
  clients: number,
  seconds: number,
): Promise<Load> {
  const [agent, message] = kind === 'plain' ? [plainAgent, plainMessage] : [toolAgent, toolMessage]
  const { api } = product
  const turning = { begin: () => api.begin(agent, message), turn: (session: string) => api.turn(session, message) }
  await drive(turning, clients, Math.min(1, seconds / 3))
  const [before, messagesBefore] = [costs(product), await product.messages()]
  const { samples, ms } = await drive(turning, clients, seconds)
  const [after, messagesAfter] = [costs(product), await product.messages()]
  const cpuPerTurn: Record<string, number> = {}
  for (const [name, value] of after) {
    const used = (value - (before.get(name) ?? value)) / samples.length
    if (used > 0.001) cpuPerTurn[name] = Math.round(used * 1000) / 1000
  }
  const perTurn = (way: 'in' | 'out'): number =>
    Math.round((((messagesAfter?.[way] ?? 0) - (messagesBefore?.[way] ?? 0)) / samples.length) * 10) / 10
  return {
    clients,
    turnsPerSecond: Math.round((samples.length * 1000) / ms),
    ms: spread(samples),
    cpuPerTurn,
    ...(messagesAfter ? { messagesPerTurn: { in: perTurn('in'), out: perTurn('out') } } : {}),
  }
}

export async function drive(
  turning: Turning,
  clients: number,
  seconds: number,
): Promise<{ samples: number[]; ms: number }> {
  const samples: number[] = []
  const start = performance.now()
  const until = start + seconds * 1000
  await Promise.all(
    Array.from({ length: clients }, async () => {
      let session: string | undefined
      for (let turn = 0; performance.now() < until; turn++) {
        const from = performance.now()
        if (session === undefined || turn % turnsOfSession === 0) session = await turning.begin()
        else await turning.turn(session)
        samples.push(performance.now() - from)
      }
    }),
  )
  return { samples, ms: performance.now() - start }
}

function costs(product: Product): Map<string, number> {
  return new Map([
    ...product.pids().map(({ name, pid }) => [name, cpuMs(pid)] as const),
    ['this client', cpuMs(process.pid)] as const,
  ])
}
