// The clients of the providers themselves as judges of the corpus: what Anthropic's and OpenAI's own clients read from an answer in
// their own forms is what this library reads from it (corpus.test.ts). An answer that their client gives up on proves nothing.
// Other servers' chat completions are not judged: there their clients read `[object Object]`, or fail, where an answer was meant.
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { type Case, loadCorpus } from './corpus.ts'

interface Read {
  readonly text: string
  readonly calls: readonly (readonly [name: string, args: unknown])[]
}

/** Where we read more than they do. */
const knownBetter: readonly string[] = ['two blocks under one index']

const judged = loadCorpus().filter(
  ({ form, server, title, answers: [first, ...more], expected, ask }) =>
    form !== 'chat' &&
    // Whoever only copies a form sends what its own client refuses.
    server !== 'gateways' &&
    !knownBetter.includes(title) &&
    more.length === 0 &&
    first?.status === 200 &&
    first.end === undefined &&
    expected.finish !== undefined &&
    expected.malformed === undefined &&
    ask.stream !== false &&
    String(first.headers?.['content-type']).startsWith('text/event-stream'),
)

/** The records of the Responses API leave out its first event, which says nothing and without which their client reads nothing. */
const opening =
  'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","object":"response","output":[]}}\n\n'

const answering =
  (one: Case): typeof fetch =>
  async () => {
    const record = Buffer.concat([...(one.answers[0]?.parts ?? [])]).toString()
    const body = one.form === 'responses' && !record.includes('response.created') ? opening + record : record
    return new Response(body, { status: 200, headers: { 'content-type': 'text/event-stream' } })
  }

async function readByAnthropic(one: Case): Promise<Read> {
  const client = new Anthropic({ apiKey: 'sk-test', maxRetries: 0, fetch: answering(one) })
  const { content } = await client.messages
    .stream({ model: 'claude-test', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] })
    .finalMessage()
  return {
    text: content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join(''),
    calls: content.flatMap((block) => (block.type === 'tool_use' ? [[block.name, block.input] as const] : [])),
  }
}

async function readByOpenAi(one: Case): Promise<Read> {
  const client = new OpenAI({ apiKey: 'sk-test', maxRetries: 0, fetch: answering(one) })
  const { output } = await client.responses.stream({ model: 'gpt-test', input: 'hi' }).finalResponse()
  return {
    text: output
      .flatMap((item) => (item.type === 'message' ? item.content : []))
      .map((part) => (part.type === 'output_text' ? part.text : part.refusal))
      .join(''),
    calls: output.flatMap((item) =>
      item.type === 'function_call' ? [[item.name, JSON.parse(item.arguments) as unknown] as const] : [],
    ),
  }
}

const giveUps: string[] = []

test.each(judged)('$form, $title: their own client reads the same', async (one) => {
  const read = await (one.form === 'messages' ? readByAnthropic(one) : readByOpenAi(one)).catch((error: unknown) => {
    giveUps.push(`${one.title}: ${error}`)
    return undefined
  })
  if (read) expect(read).toEqual({ text: one.expected.text ?? '', calls: one.expected.calls ?? [] })
})

test('their clients read the greater part of it', () => {
  expect(judged.length).toBeGreaterThanOrEqual(16)
  expect(giveUps.length, giveUps.join('\n')).toBeLessThan(judged.length / 2)
})
