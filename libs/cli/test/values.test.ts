// Secrets and configs as a person or a program uses them.
import { describe, expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import { type FakeContext, type FakeServer, fakeContext, fakeServer } from './fakes.ts'

function begin(words: readonly string[], server: FakeServer, options: { terminal?: boolean } = {}) {
  const context: FakeContext = fakeContext(server.client, options)
  return { context, done: runProgram(clientProgram(context), words, context) }
}
async function reins(words: readonly string[], server = fakeServer(), piped?: string) {
  const { context, done } = begin(words, server)
  if (piped !== undefined)
    setImmediate(() => {
      context.stdin.type(piped)
      context.stdin.emit('end')
    })
  return { code: await done, out: context.stdout.text, err: context.stderr.text, server }
}

const value = 'ghp_0123456789'

describe('a secret', () => {
  test.each([
    ['secret', 'set', 'GITHUB_TOKEN', value],
    ['secrets', 'set', 'GITHUB_TOKEN', value],
  ])('is set by %s %s with its value in the command line, and is never printed', async (...words) => {
    const { code, out, err, server } = await reins(words)
    expect([code, out, err]).toEqual([0, 'Kept the secret GITHUB_TOKEN.\n', ''])
    expect(server.secrets.get('GITHUB_TOKEN')).toBe(value)
  })

  test('is read from stdin, without the line end at its end', async () => {
    const { server } = await reins(['secret', 'set', 'KEY'], fakeServer(), 'line one\nline two\n\n')
    expect(server.secrets.get('KEY')).toBe('line one\nline two\n')
  })

  test('is asked for in a terminal, which shows nothing of it', async () => {
    const server = fakeServer()
    const { context, done } = begin(['secret', 'set', 'KEY'], server, { terminal: true })
    await context.stderr.until('Value of KEY')
    for (const key of ['\u0015', 'g', 'hx', '\u007f', 'p', '\u001b[A', '_ü', '\r']) context.stdin.type(key)
    expect(await done).toBe(0)
    expect(server.secrets.get('KEY')).toBe('ghp_ü')
    expect(context.stderr.text).toBe('Value of KEY (it is not shown): \n')
    expect(context.stdin.raw).toBe(false)
  })

  test('is not set when it is asked for and Ctrl-C comes', async () => {
    const server = fakeServer()
    const { context, done } = begin(['secret', 'set', 'KEY'], server, { terminal: true })
    await context.stderr.until('Value of KEY')
    context.stdin.type('half')
    context.stdin.type('\u0003')
    expect(await done).toBe(130)
    expect([server.secrets.size, context.stdin.raw]).toEqual([0, false])
  })

  test('that is empty is refused, and one that is short comes with a warning', async () => {
    expect(await reins(['secret', 'set', 'KEY'], fakeServer(), '\n')).toMatchObject({ code: 2 })
    const { out } = await reins(['secret', 'set', 'PIN', '4711'])
    expect(out).toContain('It has fewer than 6 characters, so Reins masks it in outputs only where it stands alone.')
  })

  test('is listed by its name, and removed; a list never has values', async () => {
    const server = fakeServer()
    expect((await reins(['secret', 'list'], server)).out).toBe(
      'There are no secrets. Keep one with reins secret set NAME\n',
    )
    server.secrets.set('KEY', value)
    expect((await reins(['secrets', 'list'], server)).out).toBe('NAME  SET     BY\nKEY   1m ago  user:admin\n')
    const { out } = await reins(['secret', 'list', '--format', 'json'], server)
    expect(JSON.parse(out)).toEqual({
      secrets: [{ name: 'KEY', createdAt: 1_000_000, updatedAt: 1_060_000, by: 'user:admin' }],
    })
    expect((await reins(['secret', 'remove', 'KEY'], server)).out).toBe('Removed the secret KEY.\n')
    expect(await reins(['secret', 'remove', 'KEY'], server)).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no secret "KEY".'),
    })
  })

  test('gets a new key with all others', async () => {
    expect((await reins(['secret', 'rotate-key'])).out).toBe(
      'All secrets are under the new key 0123456789ab (0 secrets wrapped anew).\n',
    )
  })
})

describe('a config', () => {
  test('is set as a text, printed as it is, listed, and removed', async () => {
    const server = fakeServer()
    expect((await reins(['config', 'set', 'logging.level', '5'], server)).out).toBe('Set the config logging.level.\n')
    expect(server.configs.get('logging.level')).toBe('5')
    expect((await reins(['config', 'get', 'logging.level'], server)).out).toBe('5\n')
    expect((await reins(['config', 'get', 'logging.level', '--format', 'json'], server)).out).toBe('"5"\n')
    expect((await reins(['config', 'list'], server)).out).toContain('logging.level  5')
    expect((await reins(['config', 'remove', 'logging.level'], server)).out).toBe('Removed the config logging.level.\n')
    expect(await reins(['config', 'get', 'logging.level'], server)).toMatchObject({ code: 1 })
  })

  test('with --format json is any JSON value', async () => {
    const server = fakeServer()
    await reins(['config', 'set', 'retry', '{"times":3}', '--format', 'json'], server)
    expect(server.configs.get('retry')).toEqual({ times: 3 })
    expect((await reins(['config', 'get', 'retry'], server)).out).toBe('{\n  "times": 3\n}\n')
    expect(await reins(['config', 'set', 'retry', '{times:3}', '--format', 'json'], server)).toMatchObject({ code: 2 })
  })

  test('whose name is that of a secret comes with a warning, and the help says that values are plain text', async () => {
    expect((await reins(['config', 'set', 'github_token', 'x'])).out).toContain('kept in plain text')
    for (const words of [
      ['config', '--help'],
      ['config', 'set', '--help'],
    ])
      expect((await reins(words)).out).toContain('The values of configs are kept and shown in plain text.')
  })
})
