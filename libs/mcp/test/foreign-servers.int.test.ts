// Against servers that nobody here wrote: all kinds of content, progress, paging, resources, prompts, over each transport.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import path from 'node:path'
import type { McpServer } from '@reins/contracts'
import type { AskPerson, PersonsAnswer, Question } from '@reins/tools'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { namesOf, use as useServers } from './calls.ts'
import { folder } from './ends.ts'

const require = createRequire(import.meta.url)
const everything = path.join(
  path.dirname(require.resolve('@modelcontextprotocol/server-everything/package.json')),
  'dist/index.js',
)
const filesystem = path.join(
  path.dirname(require.resolve('@modelcontextprotocol/server-filesystem/package.json')),
  'dist/index.js',
)

const processes: ReturnType<typeof spawn>[] = []
const closing: (() => Promise<void>)[] = []
/** For as long as the file runs. */
const use = (...given: McpServer[]) => useServers(given, {}, (close) => closing.push(close))
const useAsked = (elicit: AskPerson, ...given: McpServer[]) =>
  useServers(given, {}, (close) => closing.push(close), { elicit })
afterAll(async () => {
  await Promise.all(closing.map((close) => close()))
  for (const one of processes) one.kill('SIGKILL')
})

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function everythingOver(transport: 'streamableHttp' | 'sse'): Promise<number> {
  const port = await freePort()
  const child = spawn(process.execPath, [everything, transport], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  processes.push(child)
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', () => reject(new Error('server-everything has ended')))
    child.stderr?.on('data', (text: Buffer) => {
      if (text.toString().includes(String(port))) resolve()
    })
  })
  return port
}

let ports: { readonly http: number; readonly sse: number }
beforeAll(async () => {
  ports = { http: await everythingOver('streamableHttp'), sse: await everythingOver('sse') }
}, 60_000)

const transports: readonly (readonly [string, string, () => McpServer])[] = [
  [
    'stdio',
    'stdio',
    () => ({ name: 'every', command: process.execPath, args: [everything, 'stdio'], connect_timeout: 60 }),
  ],
  [
    'streamable HTTP',
    'http',
    () => ({ name: 'every', url: `http://127.0.0.1:${ports.http}/mcp`, connect_timeout: 60 }),
  ],
  [
    'SSE, as old servers have it',
    'sse',
    () => ({ name: 'every', url: `http://127.0.0.1:${ports.sse}/sse`, connect_timeout: 60 }),
  ],
]

describe.each(transports)('server-everything over %s', (_, kind, entry) => {
  let every: ReturnType<typeof use>
  beforeAll(() => {
    every = use(entry())
  })

  it('says what it has, and how it is connected', async () => {
    const [report] = await every.servers.report(every.asked)
    expect(report?.info).toMatchObject({
      ...{ name: expect.stringContaining('everything'), transport: kind },
      protocol: expect.stringMatching(/^20\d\d-\d\d-\d\d$/),
    })
    expect(namesOf(report?.answer)).toEqual(
      expect.arrayContaining([
        'mcp__every__echo',
        'mcp__every__get-sum',
        'mcp__every__get-tiny-image',
        'mcp__every__list_resources',
        'mcp__every__read_resource',
        'mcp__every__get_prompt',
      ]),
    )
  })

  it('answers with text, images, links, resources and structured content', async () => {
    expect(await every.call('mcp__every__echo', { message: 'hi' })).toMatchObject({ status: 'ok', output: 'Echo: hi' })
    expect((await every.call('mcp__every__get-tiny-image')).content).toContainEqual(
      expect.objectContaining({ type: 'image', mimeType: 'image/png', data: expect.stringMatching(/^iVBOR/) }),
    )
    expect((await every.call('mcp__every__get-resource-links', { count: 2 })).content).toContainEqual(
      expect.objectContaining({ type: 'link', uri: expect.stringContaining('://') }),
    )
    const reference = await every.call('mcp__every__get-resource-reference', { resourceType: 'Text', resourceId: 1 })
    expect(reference.output).toContain('demo://resource/')
    const weather = await every.call('mcp__every__get-structured-content', { location: 'Chicago' })
    expect(weather.status).toBe('ok')
    expect(weather.output.match(/temperature/g)).toHaveLength(1)
  })

  it('shows progress while a call runs, and stops when the call is cancelled', async () => {
    await every.call('mcp__every__trigger-long-running-operation', { duration: 1, steps: 4 })
    expect(every.progress.join('')).toContain('3/4')
    const abort = new AbortController()
    const long = every.call('mcp__every__trigger-long-running-operation', { duration: 600, steps: 6000 }, abort.signal)
    await expect.poll(() => every.progress.join(''), { timeout: 60_000 }).toContain('1/6000')
    abort.abort(new Error('cancelled'))
    expect(await long).toMatchObject({ status: 'error', code: 'cancelled' })
  })

  it('lists and reads resources, and fills in prompts', async () => {
    const resources = JSON.parse((await every.call('mcp__every__list_resources')).output) as { uri: string }[]
    expect(resources.length).toBeGreaterThan(0)
    expect((await every.call('mcp__every__read_resource', { uri: resources[0]?.uri })).output.length).toBeGreaterThan(
      20,
    )
    expect((await every.call('mcp__every__list_prompts')).output).toContain('simple-prompt')
    expect((await every.call('mcp__every__get_prompt', { name: 'simple-prompt' })).output).toContain('prompt')
  })

  it('asks a person in both modes: in the middle of a call, and before it', async () => {
    const questions: Question[] = []
    let answer: PersonsAnswer = { action: 'decline' }
    const asking = useAsked(async (question) => {
      questions.push(question)
      return answer
    }, entry())
    const form = () => asking.call('mcp__every__trigger-elicitation-request')
    const page = (more: object = {}) =>
      asking.call('mcp__every__trigger-url-elicitation', { url: 'https://example.com/a', message: 'Allow it', ...more })
    expect((await form()).output).toContain('declined')
    expect((await page()).output).toContain('declined')
    answer = { action: 'accept', content: { name: 'Ada' } }
    expect((await form()).output).toContain('- Name: Ada')
    answer = { action: 'accept' }
    expect((await page()).output).toContain('completed the URL elicitation flow')
    expect(questions.map(({ nothingRan, asked }) => [nothingRan, 'mode' in asked && asked.mode])).toEqual([
      [false, 'form'],
      [false, 'url'],
      [false, 'form'],
      [false, 'url'],
    ])
    await page({ errorPath: true })
    expect(questions.at(-1)).toMatchObject({
      nothingRan: true,
      asked: [{ mode: 'url', server: 'every', url: 'https://modelcontextprotocol.io' }],
    })
    // As the tool-runner does once a person has been there: the same call again.
    expect((await page({ errorPath: true })).output).toContain('completed the URL elicitation flow')
  })

  it('refuses wrong arguments in its own words', async () => {
    const refused = await every.call('mcp__every__get-sum', { a: 'x', b: 1 })
    expect(refused.status).toBe('error')
    expect(refused.output).toMatch(/number/i)
  })
})

describe('server-filesystem', () => {
  it('reads a folder that it was given, and says which of its tools only read', async () => {
    mkdirSync(path.join(folder, 'shared'), { recursive: true })
    writeFileSync(path.join(folder, 'shared', 'note.txt'), 'hello from a file')
    const files = use({
      name: 'files',
      command: process.execPath,
      args: [filesystem, path.join(folder, 'shared')],
      workspace: folder,
      tools: { deny: ['*_multiple_*'] },
      connect_timeout: 60,
    })
    const [answer] = await files.servers.discover(files.asked, {})
    if (answer?.status !== 'ready') throw new Error(answer?.reason)
    const tools = new Map(answer.tools?.map((tool) => [tool.name, tool]))
    expect(tools.get('mcp__files__read_text_file')).toMatchObject({ replay: 'safe', risk: 'read' })
    expect(tools.get('mcp__files__read_text_file')?.approval).toBeUndefined()
    expect(tools.get('mcp__files__write_file')).toMatchObject({ risk: 'external', approval: 'ask' })
    expect(tools.has('mcp__files__read_multiple_files')).toBe(false)
    const read = await files.call('mcp__files__read_text_file', { path: path.join(folder, 'shared', 'note.txt') })
    expect(read).toMatchObject({ status: 'ok', output: expect.stringContaining('hello from a file') })
    expect(await files.servers.discover(files.asked, { files: answer.digest })).toMatchObject([
      { server: 'files', status: 'ready', digest: answer.digest },
    ])
  })
})
