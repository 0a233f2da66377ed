// Files, commands and sessions of a harness. Commands are run by the shell of this machine, in a folder of their own.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { RunFiles, RunHarness } from '@reins/agent'
import type { RunOperations } from '../replay/flow.ts'
import { harnessOf } from './harness.ts'
import { secretsRefused } from './recorded-secrets.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'reins-harness-'))
afterAll(() => rmSync(folder, { recursive: true }))

function opened(before: () => Promise<unknown> = async () => undefined, more: Partial<RunOperations> = {}) {
  const asked: string[] = []
  const operations = {
    ...more,
    ask: async (_: string, name: string, { tool }: { readonly tool?: { readonly arguments: { command: string } } }) => {
      asked.push(name)
      await before()
      if (!tool) return { text: 'said', usage: {}, model: 'm/m' }
      const { status, stdout, stderr } = spawnSync('sh', ['-c', tool.arguments.command], { cwd: folder })
      const body = { exit_code: status, stdout: String(stdout), stderr: String(stderr) }
      const cut = body.stdout.length > 100_000 ? { truncated: true } : {}
      return { data: { status: 'completed', output: JSON.stringify({ ...body, ...cut }) } }
    },
  } as unknown as RunOperations
  return { asked, harness: harnessOf('h', 'a', false, 1_000_000, operations) as RunHarness }
}

test('files are written, read, listed and removed, whatever stands in them and in their names', async () => {
  const { harness, asked } = opened()
  const fs: RunFiles = harness.fs
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  await fs.writeFile("a b/it's.bin", bytes)
  await fs.writeFile('a b/-n', 'text\n\n')
  expect(await fs.readFileBuffer("a b/it's.bin")).toEqual(bytes)
  expect(await fs.readFile('a b/-n')).toBe('text\n\n')
  expect((await fs.readdir('a b')).toSorted()).toEqual(['-n', "it's.bin"])
  await fs.mkdir('-deep/er', { recursive: true })
  expect([await fs.stat('a b'), await fs.stat("a b/it's.bin")]).toMatchObject([
    { isDirectory: true, isFile: false },
    { isFile: true, isSymbolicLink: false, size: 256 },
  ])
  await harness.shell("touch -d '2024-05-06 07:08:09 UTC' -- 'a b/-n'")
  expect((await fs.stat('a b/-n')).mtime).toEqual(new Date('2024-05-06T07:08:09Z'))
  await fs.rm('-deep', { recursive: true })
  expect([await fs.exists('-deep'), await fs.exists('a b')]).toEqual([false, true])
  expect(new Set(asked)).toEqual(new Set(['h/default']))
})

test.each([
  ['a file that is not there', (fs: RunFiles) => fs.readFile('no'), 'fs.readFile no failed'],
  ['a file that is too large to be read whole', (fs: RunFiles) => fs.readFile('/dev/stdin'), 'it is larger than'],
  [
    'one that is too large to be written',
    (fs: RunFiles) => fs.writeFile('a', 'x'.repeat(80_001)),
    '80000 bytes at most',
  ],
  ['what is no path', (fs: RunFiles) => fs.readFile(''), 'takes a path'],
])('%s is an error that says so', async (_, act, message) => {
  const { harness } = opened()
  if (message === 'it is larger than') {
    spawnSync('sh', ['-c', 'head -c 90000 /dev/zero > large'], { cwd: folder })
    await expect(harness.fs.readFile('large')).rejects.toThrow(message)
  } else await expect(act(harness.fs)).rejects.toThrow(message)
})

test('a command of the harness has its environment and its time, and waits for what its session does', async () => {
  const gate = Promise.withResolvers<void>()
  const { harness, asked } = opened(() => gate.promise)
  const session = await harness.session()
  const prompted = session.prompt('one')
  const ran = harness.shell('printf %s "$A"', { env: { A: 'b c' } })
  await expect(session.shell('ls')).rejects.toMatchObject({ name: 'SessionBusyError' })
  expect(asked).toHaveLength(1)
  gate.resolve()
  await prompted
  expect(await ran).toEqual({ stdout: 'b c', stderr: '', exitCode: 0 })
  expect(await harness.shell('sleep 20', { timeoutMs: 50 })).toMatchObject({ exitCode: 124 })
})

test('sessions are got once they are there, made once, and forgotten', async () => {
  const gate = Promise.withResolvers<void>()
  const { harness, asked } = opened(() => gate.promise)
  await expect(harness.sessions.get('x')).rejects.toMatchObject({ name: 'SessionNotFoundError' })
  const first = await harness.sessions.create('x')
  expect(await harness.sessions.get('x')).toBe(first)
  expect(await harness.session('x')).toBe(first)
  await expect(harness.sessions.create('x')).rejects.toMatchObject({ name: 'SessionAlreadyExistsError' })
  const said = first.prompt('one')
  await expect(harness.sessions.delete('x')).rejects.toMatchObject({ name: 'SessionBusyError' })
  gate.resolve()
  await said
  await harness.sessions.delete('x')
  await harness.sessions.delete('nobody')
  const second = await harness.session('x')
  await second.prompt('two')
  await second.delete()
  await (await harness.session('x')).prompt('three')
  expect(asked).toEqual(['h/x', 'h/task:again-1:x', 'h/task:again-2:x'])
})

describe('a secret of the project', () => {
  const value = "it's-s3cret-\\value"
  const refuseSecrets = secretsRefused({ name: 'w', env: { KEY: value, REGION: 'europe' }, secrets: ['KEY'] })
  const { harness, asked } = opened(undefined, { refuseSecrets })

  test.each([
    ['in the environment of a command', () => harness.shell('env', { env: { KEY: value } })],
    ['in a command', () => harness.shell(`echo ${value}`)],
    ['in a file', () => harness.fs.writeFile('.env', `KEY=${value}\n`)],
    ['in bytes', () => harness.fs.writeFile('.env', Buffer.from(`KEY=${value}\n`))],
    ['in the arguments of a tool', async () => (await harness.session()).tool('post', { to: [{ key: value }] })],
  ])('%s is refused before anything is asked for, and recorded', async (_, act) => {
    await expect(act()).rejects.toMatchObject({
      code: 'secret-recorded',
      message: expect.stringContaining('secret KEY'),
    })
    await expect(act()).rejects.not.toThrow(value)
    expect(asked).toEqual([])
  })

  test('is not what a config holds', async () => {
    expect(await harness.shell('echo $REGION', { env: { REGION: 'europe' } })).toMatchObject({ stdout: 'europe\n' })
  })
})
