// One whole product in this process, and what a stranger does to it: over HTTP, raw TCP, WebSocket, and the command line.
//   Whoever starts it closes it; the folder goes with it.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { type Client, createClient } from '@reins/client'
import { loadLocalConfig, openDataDir, type RunningProduct, up } from '@reins/local'
import { systemClock } from '@reins/service'
import { bundledBinary } from '../../scripts/bundle.ts'
import { compileCache, home, searchPath } from '../harness/config.ts'
import { madeCluster } from '../../deploy/local/test/made-cluster.ts'

export const modelKey = 'sk-ant-not-a-real-key-0123456789'

export interface Reply {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly json: any
}

export class Product {
  readonly folder: string
  readonly token: string
  readonly #running: RunningProduct

  private constructor(folder: string, running: RunningProduct) {
    this.folder = folder
    this.#running = running
    this.token = readFileSync(path.join(running.dataDir, 'admin.token'), 'utf8').trim()
  }

  /** `more`: environment beside what each test has. */
  static async start(more: Readonly<Record<string, string>> = {}): Promise<Product> {
    const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'reins-bad-input-')))
    mkdirSync(path.join(folder, 'work'))
    const environment = {
      PATH: searchPath,
      HOME: home,
      ANTHROPIC_API_KEY: modelKey,
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
      REINS_SCRIPTED_INTERVAL_MS: '0',
      REINS_DURABILITY: 'interval',
      ...more,
    }
    const config = loadLocalConfig(environment, { dataDir: path.join(folder, '.reins'), port: '0' }, folder)
    const fatal = (error: Error) => {
      throw error
    }
    const made = openDataDir(config.dataDir)
    await madeCluster(path.join(made.path, 'postgres'))
    made.release()
    return new Product(folder, await up({ config, clock: systemClock, version: '0.0.0', say: () => {}, fatal }))
  }

  get url(): string {
    return this.#running.url
  }
  get dataDir(): string {
    return this.#running.dataDir
  }
  /** Of the agent that there is at the start. */
  get model(): RunningProduct['model'] {
    return this.#running.model
  }
  get client(): Client {
    return createClient({ baseUrl: this.url, token: this.token })
  }
  get pids(): readonly number[] {
    return [process.pid, ...Object.values(this.#running.serverPids())]
  }
  get port(): number {
    return Number(new URL(this.url).port)
  }
  get workspace(): string {
    return path.join(this.folder, 'work')
  }

  async close(): Promise<readonly string[]> {
    const { abandoned } = await this.#running.close({ withinMs: 20_000 })
    rmSync(this.folder, { recursive: true, force: true })
    return abandoned
  }

  async ask(method: string, target: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const response = await fetch(this.url + target, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
  }

  /** An agent with all tools in `workspace`. */
  async agent(name: string, workspace: string): Promise<void> {
    const definition = {
      ...{ name, model: 'scripted/assistant', system_prompt: 'You help.' },
      tools: [{ system_tools: { workspace, timeout: 10 } }],
    }
    const { status, text } = await this.ask('PUT', `/v1/agents/${name}`, definition)
    if (status !== 201) throw new Error(text)
  }

  async session(agent: string): Promise<string> {
    return (await this.ask('POST', '/v1/sessions', { agent })).json.session.id
  }

  /** What the agent answers; scripted, so the message is what it does. */
  async turn(session: string, content: string): Promise<string> {
    const { json, text } = await this.ask('POST', `/v1/sessions/${session}/messages?wait=turn`, { content })
    return json?.turn?.content ?? text
  }

  /** All bytes that come back until the connection ends, or holds a whole error. */
  tcp(bytes: string | Buffer): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(bytes))
      let got = ''
      socket.on('data', (chunk) => {
        got += chunk
        if (got.includes('"error"')) socket.end()
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(got))
    })
  }

  /** The refusal of a WebSocket, in HTTP. */
  async refusedSocket(target: string, headers = `Authorization: Bearer ${this.token}\r\n`): Promise<Reply> {
    const text = await this.tcp(
      `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}Connection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    const body = text.slice(text.indexOf('\r\n\r\n') + 4)
    return { status: Number(text.split(' ')[1]), text, json: body.startsWith('{') ? JSON.parse(body) : undefined }
  }

  /** The replies to these messages, one each, over one WebSocket. */
  async socket(session: string, messages: readonly unknown[]): Promise<readonly Reply['json'][]> {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/v1/sessions/${session}/socket`, [
      'reins',
      `bearer.${this.token}`,
    ])
    const replies: Reply['json'][] = []
    const done = new Promise<void>((resolve) => {
      socket.addEventListener('close', () => resolve())
      socket.addEventListener('message', ({ data }) => {
        const item = JSON.parse(String(data))
        if (item.type !== 'reply') return
        replies.push(item)
        if (replies.length === messages.length) socket.close()
      })
    })
    socket.addEventListener('open', () => {
      for (const message of messages) socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    })
    await done
    return replies
  }

  /** The real command, with nothing of this process's environment. */
  async cli(
    ...words: readonly string[]
  ): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    const program = await bundledBinary()
    const env = { ...compileCache, PATH: searchPath, HOME: this.folder, REINS_URL: this.url, REINS_TOKEN: this.token }
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [program, ...words], { env, cwd: this.folder }, (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, out, err }),
      )
      child.stdin?.end()
    })
  }
}
