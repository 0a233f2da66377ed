// A product that is saved while it answers, destroyed, and restored: what was in it, what goes on, and what a backup is refused for.
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { backup, restore } from '../src/commands/backup.ts'
import { Scratch } from './fixture.ts'
import { configOf, Product } from './product.ts'

const deadline = 180_000
const within = { timeout: 90_000 }
const undo: (() => unknown)[] = []
const options = { version: '0', now: new Date(0), say: () => undefined, tell: () => undefined }

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
}, deadline)

function scratchFolder(): string {
  const scratch = new Scratch()
  undo.push(() => scratch[Symbol.dispose]())
  const disk = scratch.in('disk')
  mkdirSync(disk)
  return disk
}

async function started(disk: string, options: Parameters<typeof Product.start>[1] = {}): Promise<Product> {
  const product = await Product.start(disk, options)
  undo.push(() => product.close())
  return product
}

const ids = async (product: Product): Promise<string[]> =>
  (await product.ask('GET', '/v1/sessions')).json.sessions.map(({ id }: { readonly id: string }) => id).sort()

const session = async (product: Product, id: string) => (await product.ask('GET', `/v1/sessions/${id}`)).json

test(
  'what was saved in the middle of an answer is there again after all else is lost, and the answer is finished',
  async () => {
    const disk = scratchFolder()
    const config = configOf(disk)
    const product = await started(disk)
    await product.ask('PUT', '/v1/secrets/key', { value: 'kept-secret-value' })
    const old = await product.ask('POST', '/v1/sessions?wait=turn', { agent: 'assistant', message: 'say kept' })
    const open = await product.ask('POST', '/v1/sessions', { agent: 'assistant', message: 'stream 400 every 20' })
    const running = open.json.session.id as string
    await expect.poll(async () => (await session(product, running)).status, within).toBe('running')

    const saved = await backup(config, path.join(disk, 'saved'), options)
    expect(saved.streams.map(({ name }) => name)).toContain('REG')
    expect(statSync(path.join(disk, 'saved')).mode & 0o777).toBe(0o700)
    const { token } = product
    await product.close()
    undo.pop()
    rmSync(config.dataDir, { recursive: true })

    await restore(config, path.join(disk, 'saved'), options)
    expect(readdirSync(disk).filter((name) => name.includes('unfinished'))).toEqual([])
    const again = await started(disk, { copied: false })
    expect(again.token).toBe(token)
    await expect.poll(() => ids(again), within).toEqual([old.json.session.id, running].sort())
    const frames = await again.ask('GET', `/v1/sessions/${old.json.session.id}/frames`)
    expect(JSON.stringify(frames.json)).toContain('kept')
    await expect.poll(async () => (await session(again, running)).status, within).toBe('idle')
    expect((await again.ask('GET', '/v1/secrets')).json.secrets.map(({ name }: { name: string }) => name)).toContain(
      'key',
    )
    const next = await again.ask('POST', `/v1/sessions/${old.json.session.id}/messages?wait=turn`, {
      content: 'say more',
    })
    expect(next.json.turn.content).toBe('more')
  },
  deadline,
)

test(
  'a folder that nobody uses is saved too; what is damaged, newer, no backup or in the way is refused and leaves nothing',
  async () => {
    const disk = scratchFolder()
    const config = configOf(disk)
    const saved = path.join(disk, 'saved')
    await expect(backup(config, saved, options)).rejects.toThrow('is no data folder of Reins')
    const product = await started(disk)
    await product.close()
    undo.pop()
    await expect(backup(config, path.join(config.dataDir, 'x'), options)).rejects.toThrow('lies in the data folder')
    const { streams, keys } = await backup(config, saved, options)
    expect(streams.length).toBeGreaterThan(5)
    expect(keys.map(({ file }) => file)).toContain('keys/secrets.key')
    await expect(backup(config, saved, options)).rejects.toThrow('exists already')
    await expect(restore(config, saved, options)).rejects.toThrow('is not empty')

    const elsewhere = { ...config, dataDir: path.join(disk, 'elsewhere') }
    await expect(restore(elsewhere, disk, options)).rejects.toThrow('is no backup of Reins')
    cpSync(saved, path.join(disk, 'damaged'), { recursive: true })
    appendFileSync(path.join(disk, 'damaged', 'streams', 'REG'), 'x')
    await expect(restore(elsewhere, path.join(disk, 'damaged'), options)).rejects.toThrow('The backup is damaged')
    expect(existsSync(elsewhere.dataDir)).toBe(false)

    // What a restore that was killed has left is cleared away; a folder of somebody else is not.
    mkdirSync(`${elsewhere.dataDir}.unfinished`)
    await expect(restore(elsewhere, saved, options)).rejects.toThrow('is in the way')
    appendFileSync(`${elsewhere.dataDir}.unfinished/restore.unfinished`, '')
    await restore(elsewhere, saved, options)
    expect(readdirSync(elsewhere.dataDir)).toEqual(expect.arrayContaining(['admin.token', 'nats', 'version']))
  },
  deadline,
)
