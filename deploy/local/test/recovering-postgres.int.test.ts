// A Postgres that is still recovering when the product starts: sessions begin and end without it, and lists are there once it has recovered.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { Scratch } from './fixture.ts'
import { Product } from './product.ts'

const within = { timeout: 60_000 }

test('the product is ready while Postgres recovers, and lists what was done meanwhile once it has', async () => {
  using scratch = new Scratch()
  await (await Product.start(scratch.path)).close()
  const cluster = scratch.in('data', 'postgres', 'cluster')
  // It waits for more of its log until it is told that none comes.
  writeFileSync(path.join(cluster, 'standby.signal'), '')
  appendFileSync(path.join(cluster, 'postgresql.auto.conf'), 'hot_standby = off\n')

  const product = await Product.start(scratch.path, { copied: false })
  try {
    expect([await product.ready(), product.pids().postgres]).toEqual([200, undefined])
    const parts = async () => (await product.ask('GET', '/health')).json.parts
    expect((await parts()).postgres).toBe('away: it is starting')
    const { json } = await product.ask('POST', '/v1/sessions', { agent: 'assistant' })
    const session: string = json.session.id
    const turn = await product.ask('POST', `/v1/sessions/${session}/messages?wait=turn`, { content: 'Hello' })
    expect(turn.status).toBe(200)
    const list = async () => await product.ask('GET', '/v1/sessions')
    expect(await list()).toMatchObject({ status: 503, json: { error: { code: 'unavailable' } } })

    const pidFile = path.join(cluster, 'postmaster.pid')
    await expect.poll(() => existsSync(pidFile), within).toBe(true)
    writeFileSync(path.join(cluster, 'promote'), '')
    process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGUSR1')
    await expect
      .poll(async () => (await list()).json.sessions?.map(({ id }: { id: string }) => id), within)
      .toEqual([session])
    await expect.poll(async () => (await parts()).postgres, within).toBe('ok')
  } finally {
    await product.close()
  }
}, 120_000)

test('it ends at once where Postgres has not recovered yet', async () => {
  using scratch = new Scratch()
  await (await Product.start(scratch.path)).close()
  const cluster = scratch.in('data', 'postgres', 'cluster')
  writeFileSync(path.join(cluster, 'standby.signal'), '')
  appendFileSync(path.join(cluster, 'postgresql.auto.conf'), 'hot_standby = off\n')
  const product = await Product.start(scratch.path, { copied: false })
  await product.close()
  expect(existsSync(path.join(cluster, 'postmaster.pid'))).toBe(false)
}, 120_000)
