// Servers that hang (stopped, not ended): who asks how things are is answered, who writes is refused, and it goes on afterwards.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Scratch } from './fixture.ts'
import { Product } from './product.ts'

const within = { timeout: 60_000 }

/** Postgres answers by a process of its own for each connection. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

test('while nats-server and Postgres hang, health and readiness answer, and writes are refused', async () => {
  using scratch = new Scratch()
  const product = await Product.start(scratch.path)
  await expect.poll(() => Object.keys(product.pids()), within).toEqual(['nats', 'postgres'])
  const servers = Object.values(product.pids())
  const stopped: number[] = []
  const stop = (pid: number) => {
    process.kill(pid, 'SIGSTOP') // From now on it starts no children.
    stopped.push(pid)
    for (const child of childrenOf(pid))
      try {
        stop(child)
      } catch {
        // It has ended meanwhile.
      }
  }
  const goOn = () => {
    for (const pid of stopped.splice(0)) process.kill(pid, 'SIGCONT')
  }
  try {
    expect([await product.ready(), servers.length]).toEqual([200, 2])
    for (const pid of servers) stop(pid)
    expect((await product.ask('GET', '/health')).status).toBe(200)
    await expect.poll(product.ready, within).toBe(503)
    // That the broker does not answer is noticed before that it takes no append.
    const appends = async () => (await product.ask('GET', '/health')).json.parts.appends
    await expect.poll(appends, within).toMatch(/taken no append for \d+ s/)
    expect((await product.ask('GET', '/health')).json.status).toBe('degraded')
    const refused = await product.ask('POST', '/v1/sessions', { agent: 'assistant' })
    expect([refused.status, refused.json.error.message]).toEqual([503, expect.stringContaining('taken no append')])
    const postgres = async () => (await product.ask('GET', '/health')).json.parts.postgres
    await expect.poll(postgres, within).toBe('sick: Postgres does not answer')
    goOn()
    await expect.poll(product.ready, within).toBe(200)
    await expect.poll(postgres, within).toBe('ok')
    const started = async () => (await product.ask('POST', '/v1/sessions', { agent: 'assistant' })).status
    await expect.poll(started, within).toBe(201)
  } finally {
    goOn()
    await product.close()
  }
}, 120_000)
