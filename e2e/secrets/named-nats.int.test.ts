// `reins up` on a nats-server of somebody else that wants a password, and a service that joins it by the data folder alone: it is let in,
// works, and nobody is told the password.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { unionPermissions } from '@reins/contracts'
import { findNatsServer, type RunningNats, startNats } from '@reins/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { home, searchPath } from '../harness/config.ts'
import { filesBelow } from '../harness/files-with.ts'
import { type ServiceProcess, startService } from '../harness/service-process.ts'

// What has to be encoded in a URL, so that it is met in both forms.
const password = 's3cret@of/the:broker,too'
const user = 'somebody'

const folder = mkdtempSync(path.join(os.tmpdir(), 'reins-named-nats-'))
let nats: RunningNats
let product: Product
let executor: ServiceProcess

beforeAll(async () => {
  const { path: binary } = await findNatsServer({
    cacheDir: path.join(home, '.cache', 'reins'),
    searchPath,
    log: () => undefined,
  })
  const users = [{ user, password, permissions: unionPermissions }]
  nats = await startNats({ binary, dataDir: path.join(folder, 'nats'), durability: 'interval', users })
  product = await Product.start({ NATS_URL: urlWith(password) })
})
afterAll(async () => {
  await executor?.kill()
  await product?.close()
  await nats?.close()
  rmSync(folder, { recursive: true, force: true })
})

function urlWith(secret: string): string {
  const url = new URL(nats.url)
  url.username = user
  url.password = secret
  return url.toString()
}

test('is joined by a service that knows the data folder alone, and does work there', async () => {
  executor = await startService({
    name: 'executor',
    cwd: folder,
    environment: { REINS_DATA_DIR: product.dataDir, REINS_LABELS: 'side=other' },
  })
  const agent = { name: 'far', model: 'scripted/assistant', system_prompt: 'x', affinity: { side: 'other' }, tools: [] }
  expect((await product.ask('PUT', '/v1/agents/far', agent)).status).toBe(201)
  const { json } = await product.ask('POST', '/v1/sessions?wait=turn', { agent: 'far', message: 'say hello' })
  expect(json.turn).toMatchObject({ status: 'completed', content: 'hello' })
})

test('tells nobody the password', () => {
  const data = product.dataDir
  // The one file that services join by: its owner's alone.
  expect(filesTold(data)).toEqual(['servers.json'])
  expect((statSync(path.join(data, 'servers.json')).mode & 0o777).toString(8)).toBe('600')
  expect(executor.log().filter(holdsPassword)).toEqual([])
})

test('does so too while that nats-server is away, and where the password is wrong', async () => {
  const wrong = await Product.start({ NATS_URL: urlWith(`${password}-wrong`) }).then(
    () => 'it started',
    (error: unknown) => String(error),
  )
  expect(wrong).toContain('NATS_URL=nats://somebody:***@127.0.0.1')
  expect(holdsPassword(wrong)).toBe(false)
  nats.kill('SIGKILL')
  await expect.poll(async () => (await product.ask('GET', '/ready')).status, { timeout: 60_000 }).toBe(503)
  expect(filesTold(path.join(product.dataDir, 'logs'))).toEqual([])
  expect(executor.log().filter(holdsPassword)).toEqual([])
})

const holdsPassword = (text: string): boolean => text.includes(password) || text.includes(encodeURIComponent(password))

function filesTold(folder: string): readonly string[] {
  return [...filesBelow(folder, (file) => file.includes(`${path.sep}postgres`))]
    .filter(({ bytes }) => holdsPassword(bytes.toString('utf8')))
    .map(({ file }) => path.relative(folder, file))
}
