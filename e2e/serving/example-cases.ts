// The examples for programs, against api mode; and the two smallest agents of examples/agents, applied as their first lines say.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundledBinary } from '../../scripts/bundle.ts'
import type { World } from '../harness/world.ts'
import { ApiClient, bare } from './api-client.ts'
import { askForPage, authorizePage } from './asking-server.ts'

const root = path.join(import.meta.dirname, '..', '..')
const folder = path.join(root, 'examples', 'agents')

const has = (program: string, ...words: string[]): boolean => spawnSync(program, words).status === 0
const python = has('python3', '-c', 'import sys; assert sys.version_info >= (3, 8)')
const curl = has('curl', '--version') && has('sh', '-c', 'true')

const clients = [
  { name: 'api_client.ts', command: process.execPath, file: 'api_client.ts', there: true },
  // It needs Python 3.8 or newer, and says so where that is missing.
  { name: 'api_client.py', command: 'python3', file: 'api_client.py', there: python },
]

export function exampleCases(
  at: () => World,
  serve: (agent: string) => Promise<{ url: string; close(o: { withinMs: number }): Promise<void> }>,
): void {
  let scratch: string
  beforeAll(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'reins-clients-'))
    writeFileSync(path.join(scratch, 'token'), `${at().token}\n`, { mode: 0o600 })
  })
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  /** All that the program prints, when it has ended. */
  async function printed(command: string, words: readonly string[], typed = ''): Promise<string> {
    const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (more: string) => {
        text += more
      })
    }
    child.stdin.end(typed)
    await new Promise((resolve) => child.once('close', resolve))
    return text
  }

  async function served(agent: string, use: (url: string, token: string) => Promise<void>): Promise<void> {
    const serving = await serve(agent)
    try {
      await use(serving.url, path.join(scratch, 'token'))
    } finally {
      await serving.close({ withinMs: 1000 })
    }
  }

  for (const { name, command, file, there } of clients) {
    test.skipIf(!there)(`${name} talks, approves a call, and goes on in its session`, () =>
      served('careful', async (url, token) => {
        const typed = 'call write_file {"path": "z.txt", "content": "1"}\ny\nsay Good bye\n'
        const text = await printed(command, [path.join(folder, file), url, token], typed)
        expect(text).toMatch(/May write_file run with .*z\.txt/)
        expect(text).toContain('[write_file: success]')
        expect(text).toMatch(/\(turn 1\)[\s\S]*Good bye\n\(turn 2\)/)
        expect(text).toMatch(/\nSession: \w{26}\n$/)
      }),
    )

    test.skipIf(!there)(`${name} answers what a server asks`, () =>
      served('asked', async (url, token) => {
        const text = await printed(command, [path.join(folder, file), url, token], `${askForPage}\n\n`)
        expect(text).toContain(`[all] Please allow it\n${authorizePage}\n`)
        expect(text).toMatch(/\(turn 1\)/)
      }),
    )
  }

  test.skipIf(!curl)('api_client.sh sends a message with curl, and one more into the same session', () =>
    served('helper', async (url, token) => {
      const script = path.join(folder, 'api_client.sh')
      const first = await printed('sh', [script, url, token, 'say "quoted" \\ text'])
      const frames = first
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(frames.at(-1)).toEqual({ type: 'response', content: '"quoted" \\ text', turn: 1 })
      const second = await printed('sh', [script, url, token, 'say more', frames[0].id])
      expect(JSON.parse(second.trim().split('\n').at(-1) ?? '')).toEqual({ type: 'response', content: 'more', turn: 2 })
    }),
  )

  test('custom_workflow.ts leads its session, in api mode as in a terminal', async () => {
    const env = { PATH: path.dirname(process.execPath), HOME: root, REINS_URL: at().api.url(), REINS_TOKEN: at().token }
    const words = ['create', 'led', '--model', 'scripted/assistant', '--system-prompt', 'You help.']
    const file = ['--workflow-file', 'examples/agents/custom_workflow.ts']
    const { status, stderr } = spawnSync(process.execPath, [await bundledBinary(), 'agent', ...words, ...file], {
      ...{ cwd: root, encoding: 'utf8', env },
    })
    expect([status, stderr]).toEqual([0, expect.anything()])
    await served('led', async (url) => {
      const api = new ApiClient(() => url, at().token)
      const first = await api.frames('/chat', { body: { message: 'say one' } })
      expect(first[0]).toMatchObject({ type: 'session_id' })
      expect(bare(first).at(-1)).toEqual({ type: 'response', content: 'one', turn: 1 })
      const again = await api.frames(`/chat?session=${first[0]?.id}`, {
        body: {},
        lastEventId: first.at(-1)?.cursor ?? '',
      })
      expect(bare(again)).toEqual([{ type: 'response', content: 'one', turn: 1 }])
      const end = await api.frames(`/chat?session=${first[0]?.id}`, { body: { message: 'bye' } })
      expect(bare(end)).toEqual([{ type: 'session_end', reason: 'user_exit', turns: 1 }])
    })
  })

  test('code that asks a person before it takes the first message gets the answer, and then answers the message', async () => {
    const code = `export default async function (ctx) {
      const { elicitation_response: { action } } = await ctx.pause({
        type: 'elicitation', elicitation_id: 'terms', url: 'https://shop.example/', message: 'Agree', server_name: 'shop',
      })
      const { message } = await ctx.pause({ content: 'Welcome.', turn: 0 })
      await ctx.pause({ content: action + ' ' + message, turn: 1 })
    }`
    const definition = {
      name: 'asks-first',
      model: 'scripted/assistant',
      system_prompt: 'x',
      workflow_file: './chat.ts',
    }
    const files = [{ file: './chat.ts', text: code }]
    const put = await at().api.once('PUT', '/v1/agents/asks-first', { definition, files })
    expect([put.status, put.body]).toEqual([201, expect.anything()])
    await served('asks-first', async (url) => {
      const api = new ApiClient(() => url, at().token)
      const first = await api.frames('/chat', { body: { message: 'hello' } })
      expect(bare(first).slice(1)).toMatchObject([
        { type: 'elicitation', elicitation_id: 'terms', server_name: 'shop' },
      ])
      const answer = { elicitation_id: 'terms', action: 'accept' }
      const then = await api.frames(`/elicitation/terms?session=${first[0]?.id}`, { body: answer })
      expect(bare(then)).toEqual([{ type: 'response', content: 'accept hello', turn: 1 }])
    })
  })

  test('assistant.yaml and ollama_local.yaml are applied, and answer', async () => {
    const env = { PATH: path.dirname(process.execPath), HOME: root, REINS_URL: at().api.url(), REINS_TOKEN: at().token }
    for (const [file, agent, model] of [
      ['assistant', 'assistant', 'scripted/assistant'],
      // The server that stands in for Ollama has a model of another name.
      ['ollama_local', 'local', 'ollama/assistant'],
    ] as const) {
      const words = [
        await bundledBinary(),
        'agent',
        'apply',
        '--file',
        `examples/agents/${file}.yaml`,
        '--model',
        model,
      ]
      const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8', env })
      expect([status, stderr]).toEqual([0, expect.anything()])
      const { session } = await at().api.create(agent, 'say I am here')
      const events = (await at().settled(session.id)).flatMap(({ frame }) => frame.events)
      expect(events.find(({ type }) => type === 'model-call.completed')?.data, JSON.stringify(events)).toMatchObject({
        content: [{ type: 'text', text: 'I am here' }],
      })
    }
  })
}
