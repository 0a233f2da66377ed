// What is measured, as a user of Restate writes it: a turn with one tool (a virtual object for each session, three `ctx.run` steps, the
// history as its state), and three steps without a model, as a workflow and as a handler of a service.
// `node restate-endpoint-main.ts --sdk <folder> --port <port> --file <what the tool reads>`; prints {"url": …} when it listens.
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import http2 from 'node:http2'
import { createRequire } from 'node:module'
import path from 'node:path'
import { parseArgs } from 'node:util'

/** As much of the SDK as is used here; it is no dependency, so its own types are not there. */
interface Sdk {
  object(definition: {
    readonly name: string
    readonly handlers: Readonly<Record<string, (context: Context, asked: Asked) => Promise<unknown>>>
  }): unknown
  workflow(definition: {
    readonly name: string
    readonly handlers: { run(context: Context): Promise<unknown> }
  }): unknown
  service(definition: {
    readonly name: string
    readonly handlers: { run(context: Context): Promise<unknown> }
  }): unknown
  createEndpointHandler(options: {
    readonly services: readonly unknown[]
  }): (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void
}

interface Context {
  get(name: string): Promise<readonly Message[] | null>
  set(name: string, value: readonly Message[]): void
  run<T>(name: string, step: () => Promise<T>): Promise<T>
}

interface Asked {
  readonly content: string
  readonly modelUrl: string
}

interface Call {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; arguments: string }
}

type Message =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly tool_calls?: readonly Call[] }
  | { readonly role: 'tool'; readonly content: string; readonly tool_call_id: string }

const { values } = parseArgs({
  options: { sdk: { type: 'string' }, port: { type: 'string' }, file: { type: 'string' } },
})
const { sdk = '.', file = '' } = values
const restate = createRequire(path.join(sdk, 'package.json'))('@restatedev/restate-sdk') as Sdk
const connections = new http.Agent({ keepAlive: true })

const tools = [
  {
    type: 'function',
    function: {
      name: 'read_file',
      description: 'Reads a file.',
      parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    },
  },
]

const session = restate.object({
  name: 'session',
  handlers: {
    turn: async (context, { content, modelUrl }) => {
      const before = (await context.get('history')) ?? [{ role: 'system', content: 'You are measured.' }]
      const history: Message[] = [...before, { role: 'user', content }]
      for (let step = 1; ; step++) {
        const answer = await context.run(`model-${step}`, () => ask(modelUrl, history))
        history.push(answer)
        if (answer.tool_calls === undefined) {
          context.set('history', history)
          return { answer: answer.content }
        }
        for (const call of answer.tool_calls) {
          const output = await context.run(`tool-${step}`, () => readFile(file, 'utf8'))
          history.push({ role: 'tool', tool_call_id: call.id, content: output })
        }
      }
    },
  },
})

async function threeSteps(context: Context): Promise<number> {
  const one = await context.run('one', async () => 1)
  const two = await context.run('two', async () => one + 1)
  return context.run('three', async () => two + 1)
}

const steps = restate.workflow({ name: 'steps', handlers: { run: threeSteps } })
const stepsOfService = restate.service({ name: 'steps-of-service', handlers: { run: threeSteps } })

/** One streamed answer, read to its end. */
function ask(modelUrl: string, messages: readonly Message[]): Promise<Extract<Message, { role: 'assistant' }>> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({
      ...{ model: 'assistant', stream: true, stream_options: { include_usage: true } },
      ...{ max_tokens: 100_000, messages, tools },
    })
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const request = http.request(
      `${modelUrl}/chat/completions`,
      { agent: connections, method: 'POST', headers },
      (response) => {
        let [rest, content] = ['', '']
        const calls: Call[] = []
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) content += textOf(line, calls)
        })
        response.on('error', reject)
        response.on('end', () =>
          response.statusCode === 200
            ? resolve({ role: 'assistant', content, ...(calls.length > 0 ? { tool_calls: calls } : {}) })
            : reject(new Error(`the model answered ${response.statusCode}`)),
        )
      },
    )
    request.setNoDelay(true)
    request.on('error', reject)
    request.end(body)
  })
}

interface Chunk {
  readonly choices: readonly {
    readonly delta: {
      readonly content?: string
      readonly tool_calls?: readonly {
        readonly index: number
        readonly id?: string
        readonly function: { readonly name?: string; readonly arguments?: string }
      }[]
    }
  }[]
}

/** The text that a line of the stream brings; the calls that it brings are added. */
function textOf(line: string, calls: Call[]): string {
  if (!line.startsWith('data: {')) return ''
  const [choice] = (JSON.parse(line.slice('data: '.length)) as Chunk).choices
  for (const { index, id = '', function: said } of choice?.delta.tool_calls ?? []) {
    calls[index] ??= { id, type: 'function', function: { name: said.name ?? '', arguments: '' } }
    calls[index].function.arguments += said.arguments ?? ''
  }
  return choice?.delta.content ?? ''
}

const server = http2.createServer(restate.createEndpointHandler({ services: [session, steps, stepsOfService] }))
server.listen(Number(values.port ?? '0'), '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
