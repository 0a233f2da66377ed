// Webhooks as a person or a program uses them.
import { expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import { delivered, fakeContext, fakeServer } from './fakes.ts'

async function reins(words: readonly string[], server = fakeServer()) {
  const context = fakeContext(server.client)
  const code = await runProgram(clientProgram(context), words, context)
  return { code, out: context.stdout.text, err: context.stderr.text, server }
}
const url = 'https://example.com/hook'

test('a webhook is made for the events that are named, and its secret is shown once', async () => {
  const { code, out, server } = await reins([
    'webhook',
    'create',
    url,
    '--on',
    'turn.failed, approval.requested,turn.failed',
  ])
  expect(code).toBe(0)
  expect(out).toContain('Made the webhook wh_1.\nsecret  whsec_c2VjcmV0\n')
  expect(out).toContain('It is shown only now.')
  expect(server.webhooks[0]?.on).toEqual(['turn.failed', 'approval.requested'])
  const { out: list } = await reins(['webhook', 'list'], server)
  expect(list).toContain(`wh_1  ${url}  turn.failed, approval.requested`)
  expect(list).not.toContain('whsec_')
  expect(await reins(['webhook', 'create', url])).toMatchObject({ code: 2 })
})

test('a test says what came of it, by its exit code too', async () => {
  const server = fakeServer()
  expect(await reins(['webhook', 'test', 'wh_1'], server)).toMatchObject({
    code: 0,
    out: expect.stringContaining('delivered (status 200) in '),
  })
  server.deliveries.push(delivered('wh_1', { outcome: 'given-up', status: 500 }))
  expect(await reins(['webhook', 'test', 'wh_1'], server)).toMatchObject({
    code: 1,
    out: expect.stringContaining('given up (status 500)'),
  })
})

test('deliveries say what is tried again, and when', async () => {
  const server = fakeServer()
  expect((await reins(['webhook', 'deliveries'], server)).out).toBe('Nothing was delivered within the last 7 days.\n')
  server.deliveries.push(delivered('wh_1', { outcome: 'failed', attempt: 3, next: 1_150_000 }))
  const { out } = await reins(['webhook', 'deliveries', 'wh_1', '--limit', '5'], server)
  expect(out).toMatch(/1m ago +wh_1 +turn\.failed +\w+ +3 +failed \(status 200\), again in 30s/)
  expect(JSON.parse((await reins(['webhook', 'deliveries', '--json'], server)).out)).toEqual({
    deliveries: server.deliveries,
  })
})
