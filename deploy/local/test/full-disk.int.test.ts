// The whole product on a small disk of its own, which gets full in a turn: what is refused, what goes on, and that room is enough.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Scratch } from './fixture.ts'
import { Product } from './product.ts'

const megabyte = 1024 * 1024
const deadline = 120_000
const within = { timeout: 60_000 }
const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
}, deadline)

async function started(disk: string): Promise<Product> {
  // A disk that is full, or may only be read, has no room for a copy: the product itself has to say so.
  const product = await Product.start(disk, { copied: false })
  undo.push(() => product.close())
  return product
}

/** undefined where this machine lets nobody mount one. */
function smallDisk(bytes: number): string | undefined {
  const scratch = new Scratch()
  undo.push(() => scratch[Symbol.dispose]())
  const folder = scratch.in('disk')
  try {
    mkdirSync(folder)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'none', folder], { stdio: 'ignore' })
    undo.push(() => execFileSync('umount', ['-l', folder], { stdio: 'ignore' }))
    return folder
  } catch {
    return undefined
  }
}

const whyNot = 'needs the right to mount a tmpfs, which root has'

/** A file that leaves so many percent of the disk used. Servers write beside it: what they take meanwhile fills the disk as well. */
function fillTo(disk: string, percent: number): string {
  const { blocks, bfree, bsize } = statfsSync(disk)
  const file = path.join(disk, `ballast-${percent}`)
  const wanted = Math.ceil((blocks * percent) / 100) - (blocks - bfree)
  try {
    writeFileSync(file, Buffer.alloc(Math.max(0, wanted * bsize)))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
  return file
}

test(
  'full in a turn: new sessions are refused, then appends, and with room the turn goes on',
  async (context) => {
    const disk = smallDisk(400 * megabyte)
    if (!disk) return context.skip(whyNot)
    const product = await started(disk)
    await expect.poll(product.ready, within).toBe(200)
    const { json } = await product.ask('POST', '/v1/sessions', { agent: 'assistant' })
    const session: string = json.session.id

    const list = async (route: string) => {
      const { status, json } = await product.ask('GET', route)
      return status === 200 ? 'listed' : JSON.stringify(json)
    }
    const areListed = async () => {
      for (const route of ['/v1/sessions', '/v1/agents']) await expect.poll(() => list(route), within).toBe('listed')
    }
    // An index that has not begun before the disk is full cannot begin.
    await areListed()

    fillTo(disk, 93)
    const refused = () => product.ask('POST', '/v1/sessions', { agent: 'assistant' })
    await expect.poll(async () => (await refused()).status, within).toBe(507)
    expect((await refused()).json.error).toMatchObject({
      code: 'storage_full',
      next: expect.stringContaining('Make room'),
    })
    const code = await product.ask('PUT', '/v1/agents/coded', {
      definition: { name: 'coded', model: 'scripted/assistant', system_prompt: 'You help.', tools_file: './a.ts' },
      files: [{ file: './a.ts', text: 'export const a = 1' }],
    })
    expect([code.status, code.json.error.message]).toEqual([
      507,
      expect.stringMatching(/no new code of agents is kept from 90 % on/),
    ])
    await expect.poll(product.ready, within).toBe(200)
    const told = async () => (await product.ask('GET', '/health')).json.parts.disk
    await expect.poll(told, within).toMatch(/93 % full: no session is started from 90 % on/)

    const route = `/v1/sessions/${session}/messages`
    expect((await product.ask('POST', route, { content: 'stream 400 every 50' })).status).toBe(202)
    const ballast = fillTo(disk, 98)
    await expect.poll(product.ready, within).toBe(503)
    const message = await product.ask('POST', route, { content: 'Hello?' })
    expect([message.status, message.json.error.code]).toEqual([507, 'storage_full'])
    const agent = await product.ask('PUT', '/v1/agents/other', {
      name: 'other',
      model: 'scripted/assistant',
      system_prompt: 'You help.',
    })
    expect([agent.status, agent.json.error.code]).toEqual([507, 'storage_full'])
    await areListed()
    const shown = await product.ask('GET', `/v1/sessions/${session}`)
    expect([shown.status, shown.json.session?.status ?? shown.json.status]).toEqual([200, 'running'])

    rmSync(ballast)
    await expect.poll(product.ready, within).toBe(200)
    const status = async () => (await product.ask('GET', `/v1/sessions/${session}`)).json.status
    await expect.poll(status, within).toBe('idle')
    const sent = async () => (await product.ask('POST', route, { content: 'Hello?' })).status
    await expect.poll(sent, within).toBe(202)
  },
  deadline,
)

test(
  'full to the last byte: it answers, and goes on by itself when there is room',
  async (context) => {
    const disk = smallDisk(400 * megabyte)
    if (!disk) return context.skip(whyNot)
    const product = await started(disk)
    const { json } = await product.ask('POST', '/v1/sessions', { agent: 'assistant' })
    const ballast = fillTo(disk, 100)
    await expect.poll(product.ready, within).toBe(503)
    await expect.poll(async () => (await product.ask('GET', '/health')).json.status, within).toBe('degraded')
    rmSync(ballast)
    await expect.poll(product.ready, within).toBe(200)
    const route = `/v1/sessions/${json.session.id}/messages?wait=turn`
    const answered = async () => (await product.ask('POST', route, { content: 'Hello?' })).status
    await expect.poll(answered, within).toBe(200)
  },
  deadline,
)

test(
  'a nats-server that ends on a full disk is started again when there is room',
  async (context) => {
    const disk = smallDisk(400 * megabyte)
    if (!disk) return context.skip(whyNot)
    const product = await started(disk)
    const ballast = fillTo(disk, 100)
    process.kill(product.pids().nats ?? 0, 'SIGKILL')
    const server = async () => (await product.ask('GET', '/health')).json.parts['nats-server']
    await expect.poll(server, within).toMatch(/^away: it cannot be started again: /)
    rmSync(ballast)
    await expect.poll(product.ready, within).toBe(200)
    await expect.poll(server, within).toBe('ok') // whoever started it says so a moment later
  },
  deadline,
)

test(
  'full at the start: the error says so',
  async (context) => {
    const disk = smallDisk(4 * megabyte)
    if (!disk) return context.skip(whyNot)
    fillTo(disk, 100)
    await expect(started(disk)).rejects.toThrow(/the disk of .* is full.*Make room/i)
  },
  deadline,
)

test(
  'a disk that may only be read: the error says so',
  async (context) => {
    const disk = smallDisk(4 * megabyte)
    if (!disk) return context.skip(whyNot)
    mkdirSync(path.join(disk, 'data'), { mode: 0o700 })
    execFileSync('mount', ['-o', 'remount,ro', disk])
    await expect(started(disk)).rejects.toThrow(/read-only|may not be written/i)
  },
  deadline,
)
