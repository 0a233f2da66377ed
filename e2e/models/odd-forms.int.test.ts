// Whole sessions on servers that keep no rule, in the forms of Anthropic, of OpenAI's Responses, and of Ollama: what a person sees, how
// often the server is asked, and that no tool runs with arguments that were lost.
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Client } from '@reins/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { eventually } from '../harness/eventually.ts'
import { bytesOf, type Form, forms } from './wire-forms.ts'

interface Asked {
  readonly body: Record<string, unknown>
  readonly text: string
}
/** `nth` counts from 0. */
type Answer = (response: http.ServerResponse, nth: number, request: Asked) => void

/** Whoever starts it closes it. */
class OddServer {
  readonly asked: Asked[] = []
  readonly paths: string[] = []
  /** What it says to each request. */
  answer: Answer = () => {}
  readonly #server = http.createServer((incoming, response) => {
    let text = ''
    incoming.on('data', (part) => {
      text += part
    })
    incoming.on('end', () => {
      const request = { body: JSON.parse(text) as Record<string, unknown>, text }
      this.paths.push(incoming.url ?? '')
      this.asked.push(request)
      this.answer(response, this.asked.length - 1, request)
    })
  })

  async start(): Promise<string> {
    this.#server.on('error', (error) => {
      throw error
    })
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

const servers = { claude: new OddServer(), gpt: new OddServer(), llama: new OddServer() }
const serverOf = (agent: string): OddServer => servers[agent as keyof typeof servers]
let product: Product
let client: Client

beforeAll(async () => {
  const [claude, gpt, llama] = [await servers.claude.start(), await servers.gpt.start(), await servers.llama.start()]
  const environment = {
    ...{ ANTHROPIC_API_KEY: 'key', ANTHROPIC_BASE_URL: `http://${claude}` },
    ...{ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: `http://${gpt}/v1` },
    OLLAMA_HOST: llama,
  }
  product = await Product.start(environment)
  client = product.client
  for (const make of forms) {
    const { agent, model } = make()
    const tools = [{ files: { workspace: '.' } }]
    await client.agents.put(agent, {
      definition: { name: agent, model, system_prompt: 'You help.', max_tool_calls: 2, max_tokens: 2000, tools },
    })
  }
})

afterAll(async () => {
  await product?.close()
  for (const server of Object.values(servers)) server.close()
})

const streamed = { 'content-type': 'text/event-stream' }
const end = (response: http.ServerResponse, events: readonly unknown[]): void =>
  void response.writeHead(200, streamed).end(bytesOf(events))

async function turnOf(agent: string, content = 'write it') {
  serverOf(agent).asked.length = 0
  const { session } = await client.sessions.create({ agent })
  const { turn } = await client.sessions.sendAndWait(session.id, { content })
  const { events } = await client.sessions.events(session.id, { limit: 1000 })
  const ran = events.some(({ type }) => type === 'tool-calls.requested')
  return { turn, events, ran, session: session.id }
}

const whole = (form: Form, text: unknown = 'It is 4.') => [...form.begin, ...form.text(text), ...form.end('stop')]

/** So many tries of Reins' own; a process that a busy machine stalls may lose one and make it again, and none makes seven. */
function expectAsked({ asked }: OddServer, times: number): void {
  expect(asked.length).toBeGreaterThanOrEqual(times)
  expect(asked.length).toBeLessThan(times + 3)
}

/** Among the tests of a form. */
const inTurn = { concurrent: false }

// Each form has a server of its own and waits most of its time until a request is made again: the forms go side by side.
describe.concurrent.each(forms.map((make) => [make().agent, make] as const))('%s', (agent, make) => {
  const server = serverOf(agent)
  const { asked, paths } = server

  test('a connection that stays open behind the end does not hold the turn', inTurn, async () => {
    server.answer = (response) => {
      response.writeHead(200, streamed)
      response.write(bytesOf(whole(make())))
    }
    expect((await turnOf(agent)).turn).toMatchObject({ status: 'completed', content: 'It is 4.' })
    expectAsked(server, 1)
    expect(paths.at(-1)).toMatch(make().path)
  })

  test('arguments that belong to no call run no tool, and the turn says why', inTurn, async () => {
    server.answer = (response) => {
      const form = make()
      end(response, [...form.begin, ...form.stray, ...form.end('calls')])
    }
    const { turn, ran } = await turnOf(agent)
    expect(turn).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('belong to no') } })
    expect(ran).toBe(false)
    expectAsked(server, 3)
  })

  test('an answer that breaks off in a call runs no tool; it is asked for again', inTurn, async () => {
    server.answer = (response, nth) => {
      const form = make()
      if (nth > 0) return end(response, whole(form, 'Done.'))
      const pieces = ['{"path":"cut.txt",', '"content":"half'] as const
      end(response, [...form.begin, ...form.call('c', 'write_file', pieces, 'open')])
    }
    const { turn, ran } = await turnOf(agent)
    expect(turn).toMatchObject({ status: 'completed', content: 'Done.' })
    expect(ran).toBe(false)
    expectAsked(server, 2)
  })

  test(
    'a call that is cut at the limit is told so; a model that calls on and on ends its turn with a reason',
    inTurn,
    async () => {
      server.answer = (response, nth) => {
        const form = make()
        const call = form.call(`c${nth}`, 'write_file', ['{"path":"a.txt","content":"so lo'], 'open')
        end(response, [...form.begin, ...call, ...form.end('length')])
      }
      const { turn, ran } = await turnOf(agent)
      expect(turn).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('max_tool_calls') } })
      expect(asked[1]?.text).toContain('max_tokens')
      expect(make().forbidsCalls(asked.at(-1)?.body ?? {})).toBe(true)
      expect(make().forbidsCalls(asked[0]?.body ?? {})).toBe(false)
      expect(ran).toBe(false)
    },
  )

  test('a name that no provider takes goes back to the model in a form that each takes', inTurn, async () => {
    server.answer = (response, nth) => {
      const form = make()
      if (nth > 0) return end(response, whole(form, 'Sorry.'))
      const call = form.call('call <1>', 'functions.write file|x', ['{}'])
      end(response, [...form.begin, ...call, ...form.end('calls')])
    }
    const { turn } = await turnOf(agent)
    expect(turn).toMatchObject({ status: 'completed', content: 'Sorry.' })
    const names = [...(asked[1]?.text ?? '').matchAll(/"name":"([^"]*)"/g)].map(([, name]) => name ?? '')
    expect(names.length).toBeGreaterThan(0)
    for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  })

  test('what is in no documentation is passed over, between the parts of an answer', inTurn, async () => {
    server.answer = (response) => {
      const form = make()
      end(response, [...form.strange, ...form.begin, ...form.strange, ...form.text('It is 4.'), ...form.end('stop')])
    }
    expect((await turnOf(agent)).turn).toMatchObject({ status: 'completed', content: 'It is 4.' })
    expectAsked(server, 1)
  })

  test.each([[['It is 4.']], [{ type: 'text', text: 'It is 4.' }], [42], [null]])(
    'a text of another type (%j) never becomes "[object Object]", and ends the turn with an answer or a reason',
    inTurn,
    async (text) => {
      server.answer = (response) => end(response, whole(make(), text))
      const { turn } = await turnOf(agent)
      expect(JSON.stringify(turn)).not.toContain('[object')
      if (turn.status === 'completed') expect(turn.content).toMatch(/4/)
      else expect(turn).toMatchObject({ status: 'failed', error: { message: expect.any(String) } })
    },
  )

  test('halves of characters go to nobody', inTurn, async () => {
    server.answer = (response) => end(response, whole(make(), 'a \ud83d b'))
    const { turn, session } = await turnOf(agent)
    expect(turn).toMatchObject({ status: 'completed', content: 'a \ufffd b' })
    await client.sessions.sendAndWait(session, { content: 'again' })
    expect(asked.at(-1)?.text).not.toMatch(/\\ud83d/i)
  })

  test(
    'an error in the middle of an answer is tried again where that helps, and said where it does not',
    inTurn,
    async () => {
      server.answer = (response, nth) => {
        const form = make()
        if (nth > 0) return end(response, whole(form, 'Here.'))
        end(response, [...form.begin, ...form.text('so '), ...form.error('overloaded', 'Overloaded')])
      }
      expect((await turnOf(agent)).turn).toMatchObject({ status: 'completed', content: 'Here.' })
      server.answer = (response) => {
        const form = make()
        const words = 'the prompt is too long: it exceeds the context length of the model'
        end(response, [...form.begin, ...form.error('context', words)])
      }
      expect((await turnOf(agent)).turn).toMatchObject({ status: 'failed', error: { code: 'context-overflow' } })
      expectAsked(server, 1)
    },
  )

  test('an answer without a word is a failure that says so', inTurn, async () => {
    server.answer = (response) => {
      const form = make()
      end(response, [...form.begin, ...form.end('stop')])
    }
    const { turn } = await turnOf(agent)
    expect(turn).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('without a word') } })
    expectAsked(server, 3)
  })

  test('a web page where a model server should be is found out at once', inTurn, async () => {
    server.answer = (response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Hello</html>')
    const { turn } = await turnOf(agent)
    expect(turn).toMatchObject({ status: 'failed', error: { code: 'not-found' } })
    expectAsked(server, 1)
  })

  test(
    'a text without end is cut off at what max_tokens allows, asked for once, and its session goes on',
    inTurn,
    async () => {
      let left = false
      server.answer = (response) => {
        const form = make()
        response.writeHead(200, streamed)
        response.on('close', () => {
          left = true
        })
        const [first = '', ...rest] = form.text('on and '.repeat(100)).map((event) => bytesOf([event]))
        response.write(bytesOf(form.begin))
        const again = rest.length > 0 ? (rest[0] ?? '') : first
        response.write(first)
        const go = (): void => {
          while (!left && response.write(again));
          if (!left) response.once('drain', go)
        }
        go()
      }
      const { turn, session } = await turnOf(agent, 'tell me everything')
      // 65,536 characters, and 16 for each token of 2,000.
      const message = expect.stringMatching(/beyond 97,536 characters.*max_tokens 2000/)
      expect(turn).toMatchObject({ status: 'failed', error: { message } })
      expectAsked(server, 1)
      await eventually(() => left, { describe: () => 'the answer without end is left' })

      server.answer = (response) => end(response, whole(make(), 'Here I am.'))
      const { turn: next } = await client.sessions.sendAndWait(session, { content: 'Are you there?' })
      expect(next).toMatchObject({ status: 'completed', content: 'Here I am.' })
    },
  )
})

test('Ollama’s own lines, where a stream of events was asked for, are an answer', async () => {
  const line = (value: unknown): string => `${JSON.stringify(value)}\n`
  servers.llama.answer = (response) =>
    void response
      .writeHead(200, { 'content-type': 'application/x-ndjson' })
      .end(
        line({ model: 'llama3.2', message: { role: 'assistant', content: 'It ' }, done: false }) +
          line({ model: 'llama3.2', message: { role: 'assistant', content: 'is 4.' }, done: false }) +
          line({ model: 'llama3.2', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' }),
      )
  expect((await turnOf('llama')).turn).toMatchObject({ status: 'completed', content: 'It is 4.' })
})

test('thoughts behind a closing tag alone are reasoning from the second answer on', async () => {
  servers.llama.answer = (response) => {
    const [, , make] = forms
    if (make) end(response, whole(make(), 'Two and two.\n</think>\n\nIt is 4.'))
  }
  expect((await turnOf('llama')).turn.content).toContain('</think>')
  const { turn, events } = await turnOf('llama')
  expect(turn.content).toBe('It is 4.')
  expect(events.find(({ type }) => type === 'model-call.completed')?.data).toMatchObject({
    content: [{ type: 'reasoning', text: 'Two and two.\n' }, { type: 'text' }],
  })
})
