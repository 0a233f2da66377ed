// How much of a request repeats the beginning of the one before it, in each wire form: what a provider's prompt cache does not read again.
import type { ModelMessage, ModelRequest } from '@reins/contracts'
import { expect, test } from 'vitest'
import { MessagesRequests } from '../anthropic/messages-request.ts'
import { ChatRequests } from '../compatible/chat-request.ts'
import { ResponsesRequests } from '../openai/responses-request.ts'
import type { Manner } from './differences.ts'

const tools = ['read_file', 'grep', 'create_plan'].map((name) => ({
  ...{ name, description: `What ${name} does. `.repeat(10) },
  parameters: { type: 'object', properties: { path: { type: 'string' } } },
}))

/** Of a session of 50 turns with a tool each: every request, with a notice that changes from call to call. */
function requests(): readonly ModelRequest[] {
  const messages: ModelMessage[] = []
  const all: ModelRequest[] = []
  const ask = (): void => {
    all.push({
      ...{ model: 'm', system: 'You do what you are told. '.repeat(40), tools, maxTokens: 1_000, stream: true },
      ...{ messages: [...messages], notices: [`[Plan: ${all.length}/100 done.]`], cacheKey: 's' },
    })
  }
  for (let turn = 0; turn < 50; turn++) {
    messages.push({ role: 'user', content: [{ type: 'text', text: `Question ${turn}.` }] })
    ask()
    const call = `k${turn}`
    const args = { path: `file-${turn}.txt` }
    messages.push(
      { role: 'assistant', model: 'p/m', content: [{ type: 'tool-call', call, name: 'read_file', arguments: args }] },
      { role: 'tool', call, name: 'read_file', output: `${turn} ${'content '.repeat(120)}`, error: false },
    )
    ask()
    messages.push({ role: 'assistant', model: 'p/m', content: [{ type: 'text', text: `Answer ${turn}.` }] })
  }
  return all
}

/** A breakpoint says where to cache; it is no part of what is cached. */
const withoutBreakpoints = (body: string): string => body.replaceAll(',"cache_control":{"type":"ephemeral"}', '')

function sameBeginning(a: string, b: string): number {
  let at = 0
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at++
  return at
}

const plain: Manner = new Map()

test.each([
  ['Messages', new MessagesRequests('p')],
  ['Responses', new ResponsesRequests('p')],
  ['chat completions', new ChatRequests('p')],
])('of %s: in a session of 50 tool turns at least 95 %% of the bytes repeat the request before', (_form, form) => {
  const bodies = requests().map((request) => withoutBreakpoints(form.encode(request, plain)))
  let [bytes, repeated] = [0, 0]
  for (const [at, body] of bodies.entries()) {
    if (at === 0) continue
    bytes += body.length
    repeated += sameBeginning(bodies[at - 1] ?? '', body)
  }
  expect(repeated / bytes).toBeGreaterThan(0.95)
})

test('of Messages: the breakpoints stand where the request before has ended, too, so that what it wrote is found', () => {
  const form = new MessagesRequests('p')
  const marked = requests().map((request) => form.encode(request, plain))
  for (const [at, body] of marked.entries()) {
    const places = [...body.matchAll(/,"cache_control"/g)].map(({ index }) => withoutBreakpoints(body.slice(0, index)))
    expect(places.length).toBeLessThanOrEqual(4)
    const before = marked[at - 1]
    if (before === undefined) continue
    const last = before.lastIndexOf(',"cache_control"')
    expect(places).toContain(withoutBreakpoints(before.slice(0, last)))
  }
})
