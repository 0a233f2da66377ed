// Agents with MCP servers, in a whole product: over stdio and HTTP, with secrets, with servers that are not there.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { oddServer } from '../../libs/mcp/test/odd-http.ts'
import { Product } from '../bad-input/product.ts'

let product: Product
beforeAll(async () => {
  product = await Product.start({ REINS_ALLOW_NESTED_WORKSPACES: '1' })
  copyFileSync(
    path.join(import.meta.dirname, '../../libs/mcp/test/doubles/small-server.mjs'),
    path.join(product.workspace, 'small-server.mjs'),
  )
}, 120_000)
afterAll(async () => {
  await product.close()
})

const root = path.join(import.meta.dirname, '../..')
const require = createRequire(import.meta.url)
const packageOf = (name: string): string => path.dirname(require.resolve(`${name}/package.json`))

/** As one file, since a package of this repository has what it needs in folders that a sandbox does not show. */
function installedAs(program: string, entry: string): void {
  const modules = path.join(product.folder, 'node_modules')
  const file = path.join(modules, program, 'index.mjs')
  const needsRequire = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);"
  execFileSync(path.join(packageOf('esbuild'), 'bin/esbuild'), [
    ...[entry, '--bundle', '--platform=node', '--format=esm', `--outfile=${file}`, '--log-level=error'],
    `--banner:js=${needsRequire}`,
  ])
  chmodSync(file, 0o755)
  mkdirSync(path.join(modules, '.bin'), { recursive: true })
  symlinkSync(path.join('..', program, 'index.mjs'), path.join(modules, '.bin', program))
}

const small = { name: 'small', command: 'node', args: ['small-server.mjs'] }

const agent = (name: string, ...servers: readonly object[]): Promise<void> => agentThat(name, {}, ...servers)

async function agentThat(name: string, says: object, ...servers: readonly object[]): Promise<void> {
  const reply = await product.ask('PUT', `/v1/agents/${name}`, {
    ...says,
    model: 'scripted/assistant',
    system_prompt: 'Do it.',
    tools: [{ read_file: { workspace: product.workspace } }],
    mcp_servers: servers.map((server) => ('command' in server ? { workspace: product.workspace, ...server } : server)),
  })
  expect(reply.status, reply.text).toBeLessThan(300)
}

async function say(session: string | undefined, agentName: string, message: string) {
  const reply = session
    ? await product.ask('POST', `/v1/sessions/${session}/messages?wait=turn`, { content: message })
    : await product.ask('POST', '/v1/sessions?wait=turn', { agent: agentName, message })
  expect(reply.status, reply.text).toBeLessThan(300)
  return reply.json
}

async function eventsOf(session: string): Promise<readonly { type: string; data: Record<string, unknown> }[]> {
  const reply = await product.ask('GET', `/v1/sessions/${session}/events?limit=500`)
  return reply.json.events
}
const outputs = async (session: string): Promise<readonly string[]> =>
  (await eventsOf(session)).flatMap(({ type, data }) => (type === 'tool-call.completed' ? [String(data.output)] : []))

/** Why servers were not available, one after another. */
const reasons = async (session: string): Promise<readonly string[]> =>
  (await eventsOf(session)).flatMap(({ type, data }) =>
    type === 'toolset.resolved'
      ? (data.servers as { status: string; reason?: string }[]).flatMap(({ reason }) => reason ?? [])
      : [],
  )

describe('an agent with an MCP server over stdio', () => {
  it('offers its tools, calls them, and pins them in the log', async () => {
    await agent('small-one', small)
    const first = await say(undefined, 'small-one', 'call mcp__small__echo {"text": "hello from far"}')
    const session = first.session.id
    expect(await outputs(session)).toEqual(['hello from far'])
    const events = await eventsOf(session)
    expect(events.map(({ type }) => type).filter((type) => type.startsWith('toolset'))).toEqual([
      'toolset.declared',
      'toolset.requested',
      'toolset.resolved',
    ])
    await say(session, 'small-one', 'call mcp__small__echo {"text": "again"}')
    expect((await eventsOf(session)).filter(({ type }) => type === 'toolset.requested')).toHaveLength(1)
  })

  it('gets the tools that a server learns, from the next turn on', async () => {
    await agent('small-two', small)
    const first = await say(undefined, 'small-two', 'call mcp__small__learn {"name": "juggle"}')
    const session = first.session.id
    await expect
      .poll(async () => (await eventsOf(session)).some(({ type }) => type === 'toolset.changed'), { timeout: 60_000 })
      .toBe(true)
    await say(session, 'small-two', 'call mcp__small__juggle')
    expect((await outputs(session)).at(-1)).toBe('juggle was called')
  })
})

describe('a tool of which its server says that it is destructive', () => {
  it('waits for a person, who is told why, and runs once it is approved', async () => {
    await agent('careful', small)
    const begun = await product.ask('POST', '/v1/sessions', { agent: 'careful', message: 'call mcp__small__wipe' })
    const session = begun.json.session.id
    const waiting = async () => (await product.ask('GET', `/v1/sessions/${session}`)).json.waiting ?? []
    await expect.poll(waiting, { timeout: 60_000 }).toMatchObject([{ for: 'approval', name: 'mcp__small__wipe' }])
    expect(await outputs(session)).toEqual([])
    const [{ call }] = await waiting()
    expect((await eventsOf(session)).find(({ type }) => type === 'approval.requested')?.data.reason).toBe(
      'The MCP server "small" calls this tool destructive.',
    )
    await product.ask('POST', `/v1/sessions/${session}/approvals/${call}`, { verdict: 'approved' })
    await expect.poll(() => outputs(session), { timeout: 60_000 }).toEqual(['wipe was called'])
  })

  it('runs at once where the definition allows it', async () => {
    await agentThat('trusting', { approvals: { tools: { 'mcp__small__*': 'auto' } } }, small)
    const { session } = await say(undefined, 'trusting', 'call mcp__small__wipe')
    expect(await outputs(session.id)).toEqual(['wipe was called'])
  })
})

describe('the example with MCP servers', () => {
  it('has the tools of a server that is installed where Reins was started, and goes on without the other one', async () => {
    const yaml = readFileSync(path.join(root, 'examples/agents/coder.yaml'), 'utf8')
    installedAs(
      'mcp-server-filesystem',
      path.join(packageOf('@modelcontextprotocol/server-filesystem'), 'dist/index.js'),
    )
    // Its tools are what is tried here, not how fast this machine starts a program.
    const patient = yaml.replace('workspace: .\n    tools', 'workspace: .\n    connect_timeout: 100\n    tools')
    const stored = await product.ask('PUT', '/v1/agents/coder', patient, { 'content-type': 'application/yaml' })
    expect(stored.status, stored.text).toBe(201)
    const tried = await product.cli('mcp', 'test', 'coder')
    expect([tried.code, tried.out]).toEqual([
      0,
      expect.stringMatching(/✓ files [\s\S]*mcp__files__write_file .*asks a person/),
    ])
    writeFileSync(path.join(product.folder, 'plan.txt'), 'ship it')
    const { session } = await say(undefined, 'coder', 'call mcp__files__read_text_file {"path": "plan.txt"}')
    expect(await outputs(session.id)).toEqual([expect.stringContaining('ship it')])
    expect((await product.ask('GET', `/v1/sessions/${session.id}`)).json.servers).toContainEqual({
      server: 'files',
      status: 'ready',
    })
  })
})

describe('a result with large media', () => {
  it('stands in the log by reference, is given back whole, and the session goes on', async () => {
    const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64')
    const server = await oddServer({
      'tools/call': ({ result }) =>
        result({
          content: [
            { type: 'text', text: 'see' },
            { type: 'image', mimeType: 'image/png', data: base64(6_000_000) },
            { type: 'audio', mimeType: 'audio/wav', data: base64(900_000) },
            { type: 'resource', resource: { uri: 'a:b/plan.pdf', mimeType: 'application/pdf', blob: base64(90_000) } },
            { type: 'resource', resource: { uri: 'a:b/note', text: 'a note' } },
            { type: 'resource_link', uri: 'https://example.com/more', name: 'more' },
            { type: 'image', mimeType: 'image/png', data: base64(3_000_000) },
          ],
        }),
    })
    onTestFinished(() => server.close())
    await agent('media', { name: 'media', url: server.url, connect_timeout: 100 })
    const { session } = await say(undefined, 'media', 'call mcp__media__go {}')
    const completed = (await eventsOf(session.id)).find(({ type }) => type === 'tool-call.completed')
    expect(JSON.stringify(completed).length).toBeLessThan(10_000)
    const content = completed?.data.content as readonly { readonly ref?: string }[]
    expect(content).toMatchObject([
      { type: 'text', text: 'see' },
      { type: 'image', mimeType: 'image/png', ref: expect.any(String), bytes: 6_000_000 },
      { type: 'audio', mimeType: 'audio/wav', ref: expect.any(String), bytes: 900_000 },
      { type: 'file', mimeType: 'application/pdf', name: 'plan.pdf', ref: expect.any(String), bytes: 90_000 },
      { type: 'text', text: expect.stringContaining('a note') },
      { type: 'link', uri: 'https://example.com/more' },
      // More than one result may have.
      { type: 'text', text: expect.stringContaining('left out') },
    ])
    const kept = await fetch(`${product.url}/v1/sessions/${session.id}/outputs/${content[1]?.ref}`, {
      headers: { authorization: `Bearer ${product.token}` },
    })
    expect([kept.status, Buffer.from(await kept.arrayBuffer()).every((byte) => byte === 7)]).toEqual([200, true])
    expect((await say(session.id, 'media', 'say and on')).turn.content).toBe('and on')
  })
})

describe('a try of the servers', () => {
  it('says what each has, and why one is not there', async () => {
    await agent('tried', small, { name: 'gone', url: 'http://127.0.0.1:9/mcp', optional: true })
    const { status, json } = await product.ask('POST', '/v1/agents/tried/mcp-test')
    expect(status).toBe(200)
    expect(json.servers).toMatchObject([
      { server: 'small', status: 'ready', about: 'small 1.0.0', transport: 'stdio' },
      { server: 'gone', status: 'unavailable', optional: true, reason: expect.stringContaining('connection refused') },
    ])
    expect(json.servers[0].tools).toContainEqual(
      expect.objectContaining({ name: 'mcp__small__echo', replay: 'safe', risk: 'read' }),
    )
  })
})

describe('a server that is not there', () => {
  it('fails no session: the model and the person are told why, and the other tools work', async () => {
    await agent('half', small, { name: 'gone', url: 'http://127.0.0.1:9/mcp' })
    const first = await say(undefined, 'half', 'call mcp__small__echo {"text": "I work"}')
    const session = first.session.id
    expect(await outputs(session)).toEqual(['I work'])
    expect(await reasons(session)).toEqual([expect.stringContaining('nothing listens there')])
    expect((await product.ask('GET', `/v1/sessions/${session}`)).json.servers).toEqual([
      { server: 'small', status: 'ready' },
      { server: 'gone', status: 'unavailable', reason: expect.stringContaining('nothing listens there') },
    ])
  })

  it('whose token is missing names the command that sets it', async () => {
    const needy = {
      ...{ model: 'scripted/assistant', system_prompt: 'x' },
      mcp_servers: [{ name: 'needs', url: 'http://127.0.0.1:9/mcp', auth: 'bearer', secret: 'NEEDY_TOKEN' }],
    }
    const stored = await product.ask('PUT', '/v1/agents/needy', needy)
    expect(stored.json.warnings).toEqual([expect.stringContaining('reins secret set NEEDY_TOKEN')])
    await agent('needy', { name: 'needs', url: 'http://127.0.0.1:9/mcp', auth: 'bearer', secret: 'NEEDY_TOKEN' })
    const { session } = await say(undefined, 'needy', 'say hello')
    expect(await reasons(session.id)).toEqual([expect.stringContaining('reins secret set NEEDY_TOKEN')])
  })
})
