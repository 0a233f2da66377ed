// Programs that speak MCP badly, or die: over stdio, in the sandbox of this machine.
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { namesOf, reasonOf, use } from './calls.ts'
import { folder } from './ends.ts'

const node = process.execPath
const program = (source: string, change: object = {}) => ({
  name: 'odd',
  command: node,
  args: ['-e', source],
  connect_timeout: 20,
  ...change,
})
const small = (log: string) => {
  copyFileSync(path.join(import.meta.dirname, 'doubles', 'small-server.mjs'), path.join(folder, 'small-server.mjs'))
  return { name: 'small', command: node, args: ['small-server.mjs', '--log', log], connect_timeout: 20 }
}
const logged = (log: string): readonly string[] => readFileSync(path.join(folder, log), 'utf8').trim().split('\n')

describe('a program', () => {
  it.each<[string, string, RegExp]>([
    [
      'that ends at once',
      'console.error("no such config: /etc/x"); process.exit(3)',
      /ended with code 3\. It wrote: no such config/,
    ],
    ['that says nothing', 'setInterval(() => {}, 1000)', /said nothing within 2 s|did not answer/],
    ['that prints something else', 'setInterval(() => console.log("Listening on port 3000"), 1)', /no MCP/],
    [
      'that prints a line without an end',
      'const s = "x".repeat(1e6); setInterval(() => process.stdout.write(s), 1)',
      /more than 16 MB/,
    ],
    [
      'that floods its stderr',
      'const s = "e".repeat(1e6); for (let i = 0; i < 50; i++) process.stderr.write(s); process.exitCode = 1',
      /ended with code 1/,
    ],
  ])('%s is not available, and the reason says so', async (_, source, reason) => {
    const [answer] = await use([
      program(source, source.startsWith('setInterval(() => {}') ? { connect_timeout: 2 } : {}),
    ]).discover()
    expect(reasonOf(answer)).toMatch(reason)
    expect(reasonOf(answer).length).toBeLessThan(800)
  })

  it('that is not there is named', async () => {
    const [answer] = await use([{ name: 'odd', command: 'no-such-program-anywhere', connect_timeout: 20 }]).discover()
    expect(reasonOf(answer)).toContain('the command no-such-program-anywhere')
  })

  it('has the environment that its entry gives it, secrets among it, and nothing else', async () => {
    process.env.REINS_TEST_LEAK = 'leaked'
    const used = use([{ ...small('env.log'), env: { TOKEN: 'secret:TOKEN', PLAIN: 'x' } }], { TOKEN: 's3cret' })
    const variable = async (name: string) => (await used.call('mcp__small__environment', { name })).output
    expect(await variable('TOKEN')).toBe('s3cret')
    expect(await variable('PLAIN')).toBe('x')
    expect(await variable('REINS_TEST_LEAK')).toBe('not set')
    delete process.env.REINS_TEST_LEAK
  })

  it('that is killed in the middle of a call ends that call, and the next one starts it again', async () => {
    const used = use([small('killed.log')])
    const slow = used.call('mcp__small__slow', { ms: 600_000 })
    await expect
      .poll(() => logged('killed.log').some((line) => line.startsWith('slow')), { timeout: 60_000 })
      .toBe(true)
    kill('killed.log')
    expect(await slow).toMatchObject({
      code: 'outcome-unknown',
      output: expect.stringContaining('may or may not have taken effect'),
    })
    expect(logged('killed.log').filter((line) => line.startsWith('slow'))).toHaveLength(1)
    expect((await used.call('mcp__small__echo', { text: 'again' })).output).toBe('again')
    expect(logged('killed.log').filter((line) => line.startsWith('started'))).toHaveLength(2)
  })

  it('whose call only reads is started again for it, once', async () => {
    const used = use([program(dies)])
    expect(namesOf((await used.discover())[0])).toEqual(['mcp__odd__go'])
    expect((await used.call('mcp__odd__go')).output).toContain('The call was tried twice.')
  })

  it('that answers a call under another id ends the call at once, and says so', async () => {
    const used = use([program(mislabels)])
    expect(await used.call('mcp__odd__go')).toMatchObject({
      ...{ status: 'error', code: 'outcome-unknown' },
      output: expect.stringContaining('under an id that nobody had asked under'),
    })
  })

  it('that answers one of several calls under another id ends that call when the others are answered', async () => {
    const used = use([program(mislabelsFirst)])
    await used.discover()
    const both = await Promise.all([used.call('mcp__odd__go', { n: 1 }), used.call('mcp__odd__go', { n: 2 })])
    const [well, lost] = both.toSorted((a, b) => (a.status === 'ok' ? -1 : b.status === 'ok' ? 1 : 0))
    expect(well).toMatchObject({ status: 'ok', output: 'fine' })
    expect(lost?.output).toContain('under an id that nobody had asked under')
  })

  it('that takes more memory than a command may is ended, its call says why, and the next one starts it again', async () => {
    const used = use([program(grows)], {}, onTestFinished, { memoryBytes: 250 * 1024 ** 2 })
    expect(await used.call('mcp__odd__go', { megabytes: 600 })).toMatchObject({
      ...{ status: 'error', code: 'outcome-unknown' },
      output: expect.stringMatching(/held more memory than it may \(250 MB\).* may or may not have taken effect/),
    })
    expect((await used.call('mcp__odd__go', { megabytes: 1 })).output).toBe('1')
  })
})

/** Takes as much memory as a call says, a piece at a time. */
const grows = `
  const send = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
  require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, method, params } = JSON.parse(line)
    if (method === 'initialize') send(id, { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'g', version: '1' } })
    if (method === 'tools/list') send(id, { tools: [{ name: 'go', inputSchema: { type: 'object' } }] })
    if (method !== 'tools/call') return
    const { megabytes } = params.arguments
    const held = []
    while (held.length < megabytes) {
      held.push(Buffer.alloc(1024 * 1024, 1))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    if (megabytes < 100) send(id, { content: [{ type: 'text', text: String(held.length) }] })
  })`

/** Answers calls under an id of its own. */
const mislabels = `
  const send = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    if (method === 'initialize') send(id, { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'm', version: '1' } })
    if (method === 'tools/list') send(id, { tools: [{ name: 'go', inputSchema: { type: 'object' } }] })
    if (method === 'tools/call') send('mine-' + id, { content: [] })
  })`

/** Waits for two calls, then answers the first under an id of its own and the second as it should. */
const mislabelsFirst = `
  const send = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
  const calls = []
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    if (method === 'initialize') send(id, { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'm', version: '1' } })
    if (method === 'tools/list') send(id, { tools: [{ name: 'go', inputSchema: { type: 'object' } }] })
    if (method !== 'tools/call') return
    calls.push(id)
    if (calls.length !== 2) return
    send('mine-' + calls[0], { content: [] })
    send(calls[1], { content: [{ type: 'text', text: 'fine' }] })
  })`

/** Answers as it should, and dies at each call. */
const dies = `
  const send = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    if (method === 'initialize') send(id, { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'd', version: '1' } })
    if (method === 'tools/list') send(id, { tools: [{ name: 'go', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }] })
    if (method === 'tools/call') process.exit(1)
  })`

/** kill -9 of the small server that writes this log, wherever it runs. */
function kill(log: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (command.startsWith(node) && command.includes(log)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It is gone, or somebody else's.
    }
  }
}
