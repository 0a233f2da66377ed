// What the machine gives before Reins does anything: measured in the same round as what it is compared with.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, connectBroker, makeHeaders } from '@reins/broker'
import { type Spread, spread } from '../report/numbers.ts'
import type { Product } from '../product/product.ts'

export interface Raw {
  /** ms: GET of a small answer from another process. */
  readonly httpMs: Spread
  /** ms: write of 512 bytes and fdatasync, in the product's folder. */
  readonly fsyncMs: Spread
  /** ms: conditional publish of 512 bytes to a file stream of the product's own server. */
  readonly publishMs: Spread
  /** ms: a model call, 20 tokens, read to its end. */
  readonly modelMs: Spread
  /** Conditional publishes a second, by how many are under way. */
  readonly publishesPerSecond: Readonly<Record<'1' | '16' | '64', number>>
}

const payload = 'x'.repeat(512)

export async function measureRaw(product: Product, seconds: number): Promise<Raw> {
  const agent = new http.Agent({ keepAlive: true })
  const broker = await connectBroker({ url: product.natsUrl(), name: 'bench raw' })
  try {
    const publisher = await scratchStream(broker)
    await repeat(100, () => exchange(agent, `${product.modelUrl}/models`))
    const httpMs = await repeat(400, () => exchange(agent, `${product.modelUrl}/models`))
    await repeat(50, () => exchange(agent, `${product.modelUrl}/chat/completions`, modelRequest))
    const modelMs = await repeat(200, () => exchange(agent, `${product.modelUrl}/chat/completions`, modelRequest))
    const one = publisher()
    await repeat(100, one)
    const publishMs = await repeat(400, one)
    return {
      httpMs: spread(httpMs),
      fsyncMs: spread(fsyncs(product.folder)),
      publishMs: spread(publishMs),
      modelMs: spread(modelMs),
      publishesPerSecond: {
        1: await rate(1, seconds, publisher),
        16: await rate(16, seconds, publisher),
        64: await rate(64, seconds, publisher),
      },
    }
  } finally {
    agent.destroy()
    await broker.close()
  }
}

const modelRequest = JSON.stringify({
  model: 'assistant',
  stream: true,
  stream_options: { include_usage: true },
  messages: [
    {
      role: 'user',
      content: 'say one two three four five six seven eight nine ten one two three four five six seven eight nine ten',
    },
  ],
})

async function repeat(times: number, run: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = []
  for (let i = 0; i < times; i++) {
    const from = performance.now()
    await run()
    samples.push(performance.now() - from)
  }
  return samples
}

/** One request, its answer read to the end; gives the bytes read. */
export function exchange(agent: http.Agent, url: string, body?: string | Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const request = http.request(url, { agent, method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () =>
        response.statusCode === 200 ? resolve(bytes) : reject(new Error(`${url}: ${response.statusCode}`)),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

function fsyncs(folder: string): number[] {
  const file = openSync(path.join(folder, 'fsync'), 'w')
  const samples: number[] = []
  for (let i = 0; i < 300; i++) {
    const from = performance.now()
    writeSync(file, payload)
    fdatasyncSync(file)
    samples.push(performance.now() - from)
  }
  closeSync(file)
  return samples
}

let chains = 0

/** Gives publishers, each of a subject of its own, conditional on its own last publish. */
async function scratchStream(broker: Broker): Promise<() => () => Promise<void>> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const name = 'BENCH'
  const exists = await manager.streams.info(name).catch(() => undefined)
  if (!exists) await manager.streams.add({ name, subjects: ['bench.>'], storage: 'file', allow_direct: true })
  return () => {
    const subject = `bench.${process.pid}.${chains++}`
    let last = 0
    return async () => {
      const headers = makeHeaders([['Nats-Expected-Last-Subject-Sequence', String(last)]])
      const outcome = await broker.request(subject, payload, { headers, withinMs: 5000 })
      const seq = outcome.kind === 'reply' ? outcome.msg.json<{ seq?: number }>().seq : undefined
      if (seq === undefined) throw new Error('a raw publish was not taken')
      last = seq
    }
  }
}

async function rate(chainsAtOnce: number, seconds: number, publisher: () => () => Promise<void>): Promise<number> {
  const until = performance.now() + seconds * 1000
  let done = 0
  const from = performance.now()
  await Promise.all(
    Array.from({ length: chainsAtOnce }, async () => {
      const publish = publisher()
      while (performance.now() < until) {
        await publish()
        done++
      }
    }),
  )
  return Math.round((done * 1000) / (performance.now() - from))
}
