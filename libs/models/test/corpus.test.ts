// Each case of the corpus in every cut, and once over real sockets.
import { once } from 'node:events'
import http from 'node:http'
import { describe, expect, test } from 'vitest'
import { createTransport, noProxies, type Transport } from '../src/http/transport.ts'
import { collect } from './contract.ts'
import { type Case, cuts, type Expected, loadCorpus, providerOf, requestOf, resultOf } from './corpus.ts'
import { fakeTransport } from './fake-transport.ts'

const corpus = loadCorpus()

async function run(one: Case, transport: Transport): Promise<ReturnType<typeof resultOf>> {
  const { provider, model } = providerOf(one.form, one.server, transport)
  const events = await collect(provider, requestOf(one, provider, model))
  expect(events.filter(({ type }) => type !== 'delta')).toHaveLength(1)
  expect(JSON.stringify(events)).not.toContain('sk-secret-key')
  return resultOf(events)
}

function check({ expected }: Case, result: ReturnType<typeof resultOf>): void {
  const wanted: Expected = { text: '', reasoning: '', calls: [], malformed: [], opaque: [], ...expected }
  const { says, asks: _asks, usage, ...exact } = wanted
  // A failure is judged by its outcome; of what came before it, the text.
  const { calls, malformed, opaque, reasoning, ...ofFailure } = exact
  expect(result).toMatchObject(
    expected.code === undefined ? exact : expected.text === undefined ? { code: expected.code } : ofFailure,
  )
  if (expected.code !== undefined) expect(result.finish).toBeUndefined()
  else expect(result.code).toBeUndefined()
  if (says !== undefined) expect(result.says).toContain(says)
  if (usage !== undefined) expect(result.usage?.slice(0, usage.length)).toEqual(usage)
  for (const name of ['retries', 'retryAfterMs'] as const)
    if (expected[name] !== undefined) expect(result[name]).toBe(expected[name])
}

test('the corpus holds what is asked of it', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(150)
  const names = corpus.map(({ server, title }) => `${server}: ${title}`)
  expect(new Set(names).size).toBe(names.length)
})

describe.each([...new Set(corpus.map(({ server }) => server))])('%s', (server) => {
  const cases = corpus.filter((one) => one.server === server)

  test.each(cases.map((one) => [one.title, one] as const))('%s', async (_title, one) => {
    await Promise.all(
      Object.entries(cuts).map(async ([name, cut]) => {
        const answers = one.answers.map((answer) => () => ({ ...answer, parts: answer.parts.flatMap(cut) }))
        const transport = fakeTransport(...answers)
        const result = await run(one, transport)
        check(one, result)
        expect([name, transport.sent.length]).toEqual([name, one.expected.asks ?? 1])
      }),
    )
  })
})

test('all of it over sockets', async () => {
  const queue: { answers: Case['answers']; at: number } = { answers: [], at: 0 }
  const server = http.createServer((incoming, response) => {
    incoming.resume()
    incoming.on('end', () => {
      const answer = queue.answers[Math.min(queue.at++, queue.answers.length - 1)]
      if (!answer) return
      const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => name !== 'date'))
      response.writeHead(answer.status, headers)
      for (const part of answer.parts) response.write(part)
      if (answer.end === 'reset') setImmediate(() => response.socket?.destroySoon())
      else if (answer.end !== 'open') response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const direct = createTransport({ idleTimeoutMs: 60_000, answerTimeoutMs: 60_000, proxies: noProxies })
  const transport: Transport = {
    post: (url, post) => direct.post(url.replace('http://model.test', `http://127.0.0.1:${port}`), post),
    close: () => direct.close(),
  }
  try {
    // The server's own Date stands in the way of a given one.
    for (const one of corpus.filter(({ answers }) => answers.every(({ headers }) => headers.date === undefined))) {
      queue.answers = one.answers
      queue.at = 0
      check(one, await run(one, transport))
    }
  } finally {
    transport.close()
    server.closeAllConnections()
    server.close()
  }
})
