// Long-term memory as a person or a program sees it.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parseMemoryLines } from '../src/commands/agents/memory-lines.ts'
import { clientProgram, runProgram } from '../src/program.ts'
import { fakeContext, fakeServer } from './fakes.ts'

async function reins(words: readonly string[], server = fakeServer(), files: Record<string, string> = {}) {
  const context = fakeContext(server.client, { files })
  const code = await runProgram(clientProgram(context), words, context)
  return { code, out: context.stdout.text, err: context.stderr.text, server }
}

async function withEntries() {
  const server = fakeServer()
  await server.client.memory.put({ scope: 'user:ann' }, 'language', { value: 'TypeScript' })
  await server.client.memory.put({ scope: 'user:ann' }, 'team', { value: { size: 3 } })
  return server
}

test('without a scope and an agent the scopes are listed, else the entries', async () => {
  const server = await withEntries()
  expect((await reins(['memory', 'list'], server)).out).toContain('user:ann  2')
  const { out } = await reins(['memory', 'list', '--agent', 'coder'], server)
  expect(out).toMatch(/KEY +VALUE +VERSION +STORED +BY\nlanguage +TypeScript +v1 .* ann\nteam +\{"size":3\}/)
  expect(server.asked).toContain('list {"agent":"coder"}')
  expect(
    JSON.parse((await reins(['memory', 'list', '--scope', 'user:ann', '--json'], server)).out).entries,
  ).toHaveLength(2)
})

test('a value is printed as it is, an unknown key is an error that says what to do', async () => {
  const server = await withEntries()
  expect((await reins(['memory', 'show', 'language', '--scope', 'user:ann'], server)).out).toBe('TypeScript\n')
  expect((await reins(['memory', 'show', 'language', '--history', '--scope', 'user:ann'], server)).out).toContain(
    'ann in session s1  v1 TypeScript',
  )
  const missing = await reins(['memory', 'show', 'colour', '--scope', 'user:ann'], server)
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('reins memory list --scope SCOPE') })
})

test('everything is forgotten only where --all says so', async () => {
  const server = await withEntries()
  expect(await reins(['memory', 'forget', '--scope', 'user:ann'], server)).toMatchObject({ code: 2 })
  expect(await reins(['memory', 'forget', 'team', '--all'], server)).toMatchObject({ code: 2 })
  expect(server.memory.size).toBe(2)
  expect((await reins(['memory', 'forget', 'team', '--agent', 'coder'], server)).out).toBe('Forgot team.\n')
  expect((await reins(['memory', 'forget', '--all', '--agent', 'coder'], server)).out).toBe(
    'Forgot 1 entry of the scope user:ann.\n',
  )
})

test('what is exported can be imported', async () => {
  const server = await withEntries()
  const { out } = await reins(['memory', 'export', '--agent', 'coder'], server)
  expect(out.trim().split('\n')).toHaveLength(2)
  const other = fakeServer()
  const stored = await reins(['memory', 'import', 'm.ndjson', '--store', 'sqlite:x.db', '--scope', 's'], other, {
    'm.ndjson': out,
  })
  expect(stored).toMatchObject({ code: 0, out: 'Stored 2 entries.\n' })
  expect(other.asked).toEqual([
    'put {"store":"sqlite:x.db","scope":"s","key":"language","value":"TypeScript"}',
    'put {"store":"sqlite:x.db","scope":"s","key":"team","value":{"size":3}}',
  ])
  const broken = await reins(['memory', 'import', 'm.ndjson'], fakeServer(), { 'm.ndjson': `${out}{"key": 1}\n` })
  expect(broken).toMatchObject({ code: 1, err: expect.stringContaining('line 3 is no JSON object') })
  expect(await reins(['memory', 'import', 'gone.ndjson'])).toMatchObject({ code: 1 })
})

test('an import keeps how long entries are kept, and leaves out those that have had their time', () => {
  const lines = [
    { key: 'a', value: 1, expiresAt: 1000 },
    { key: 'b', value: 2, expiresAt: 1000 + 90_000 },
    { key: 'c', value: 3, expiresAt: 1000 + 400 * 86_400_000 },
  ].map((line) => JSON.stringify(line))
  expect(parseMemoryLines(lines.join('\n\n'), 1000)).toEqual({
    kind: 'parsed',
    expired: 1,
    entries: [
      { key: 'b', value: 2, expires: '2m' },
      { key: 'c', value: 3, expires: '400d' },
    ],
  })
})

test('the commands of docs/memory.md run', async () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../../docs/memory.md'), 'utf8')
  const lines = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, text = '']) => text.trim().split('\n'))
  const commands = lines.filter((line) => line.startsWith('reins memory')).map((line) => line.replace(/ +[#>].*$/, ''))
  expect(commands.length).toBeGreaterThan(8)
  const files = { 'memory.ndjson': '{"key": "language", "value": "TypeScript"}' }
  for (const command of commands) {
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '').slice(1)
    expect(await reins(words, await withEntries(), files), command).toMatchObject({ code: 0, err: '' })
  }
})
