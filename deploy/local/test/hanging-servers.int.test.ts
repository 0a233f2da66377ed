// Servers that hang (stopped, not ended): who asks how things are is answered, who writes is refused, and it goes on afterwards.
import { expect, test } from 'vitest'
import { Scratch } from './fixture.ts'
import { Product } from './product.ts'

const within = { timeout: 60_000 }

test('while nats-server and Postgres hang, health and readiness answer, and writes are refused', async () => {
  using scratch = new Scratch()
  const product = await Product.start(scratch.path)
  const stopped = Object.values(product.pids())
  try {
    expect([await product.ready(), stopped.length]).toEqual([200, 2])
    for (const pid of stopped) process.kill(pid, 'SIGSTOP')
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
    for (const pid of stopped) process.kill(pid, 'SIGCONT')
    await expect.poll(product.ready, within).toBe(200)
    await expect.poll(postgres, within).toBe('ok')
    const started = async () => (await product.ask('POST', '/v1/sessions', { agent: 'assistant' })).status
    await expect.poll(started, within).toBe(201)
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGCONT')
    await product.close()
  }
}, 120_000)
