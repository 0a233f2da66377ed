// reins run, deliver, logs and connect, against a server that a test made.
import { instanceSessionId } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import {
  event,
  type FakeServer,
  fakeContext,
  fakeServer,
  plainTurn,
  sessionId,
  sessionInfo,
  workflowRun,
} from './fakes.ts'

async function reins(
  words: readonly string[],
  server: FakeServer = fakeServer(),
  { piped, ...options }: Parameters<typeof fakeContext>[1] & { piped?: string } = {},
) {
  const context = fakeContext(server.client, options)
  const done = runProgram(clientProgram(context), words, context)
  if (piped !== undefined)
    setImmediate(() => {
      context.stdin.type(piped)
      context.stdin.emit('end')
    })
  return { code: await done, out: context.stdout.text, err: context.stderr.text, server }
}

const runId = `run_${sessionId}`
const invoked = event(1, 1_000_000, 'run.invoked', { workflow: 'report', project: 'support', payload: { ticket: 7 } })
const waited = event(2, 1_001_000, 'run.waited', { position: 3, name: 'pause', output: { approve: true } })
const ended = event(4, 1_003_000, 'run.ended', { status: 'completed', output: { urgency: 2 } })
const over = event(5, 1_003_000, 'session.ended', { reason: 'done' })

function withRun(...events: readonly ReturnType<typeof event>[]): FakeServer {
  const server = fakeServer()
  server.run = workflowRun({ status: 'completed', result: { urgency: 2 } })
  server.feed.push(...events)
  return server
}

describe('reins run', () => {
  test('prints the result alone, and on stderr what happens and what the run waits for', async () => {
    const { code, out, err, server } = await reins(
      ['run', 'report', '--payload', '{"ticket": 7}'],
      withRun(invoked, waited, ended, over),
    )
    expect([code, JSON.parse(out)]).toEqual([0, { urgency: 2 }])
    expect(server.asked).toEqual(['run {"workflow":"report","payload":{"ticket":7}} key-1'])
    expect(err).toContain(`The run ${runId} has begun.`)
    expect(err).toContain('run.invoked')
    expect(err).toContain(
      `The run waits for input after {"approve":true}: reins deliver ${runId} --operation 3 --value '…'`,
    )
  })
  test('prints the whole record as JSON, and no events', async () => {
    const { code, out, err } = await reins(['run', 'report', '--json'], withRun(invoked, ended, over))
    expect([code, JSON.parse(out)]).toMatchObject([0, { runId, status: 'completed', result: { urgency: 2 } }])
    expect(err).toBe(`reins: The run ${runId} has begun.\n`)
  })
  test('fails where the run fails, with the line of the file', async () => {
    const server = withRun(ended, over)
    server.run = workflowRun({
      ...{ status: 'errored', error: { code: 'failed', message: 'No luck.', where: 'workflows/report.ts:7:9' } },
    })
    const { code, out, err } = await reins(['run', 'report', '--quiet'], server)
    expect([code, out]).toEqual([1, ''])
    expect(err).toBe(
      `reins: The run ${runId} has begun.\nreins: The run ${runId} failed: No luck. (workflows/report.ts:7:9)\n`,
    )
  })
  test('goes on at the server after Ctrl-C, and says how to see it', async () => {
    const server = withRun(invoked)
    const context = fakeContext(server.client, { sleep: () => new Promise(() => undefined) })
    const done = runProgram(clientProgram(context), ['run', 'report'], context)
    await context.stderr.until('run.invoked')
    context.interrupt()
    expect([await done, server.asked.some((one) => one.startsWith('cancel'))]).toEqual([130, false])
    expect(context.stderr.text).toContain(`See it with: reins logs ${runId} --follow`)
  })
  test('takes the payload from a file or from stdin, and prints the id of the run at once', async () => {
    const files = { 'p.json': '{"a":1}' }
    const one = await reins(['run', 'report', '--payload', '@p.json', '--detach'], withRun(), { files })
    expect([one.out, one.server.asked]).toEqual([`${runId}\n`, ['run {"workflow":"report","payload":{"a":1}} key-1']])
    const two = await reins(['run', 'report', '--payload', '-', '--detach'], withRun(), { piped: '[2]' })
    expect(two.server.asked).toEqual(['run {"workflow":"report","payload":[2]} key-1'])
  })
  test.each([
    [['run', 'report', '--payload', '{ticket: 7}'], 2, '--payload is not JSON'],
    [['run', 'report', '--payload', '@no.json'], 2, '--payload cannot be read from no.json'],
    [['run', 'other'], 1, 'There is no workflow other.'],
    [['logs', 'run_other'], 1, 'There is no run run_other.'],
    [['logs', runId, '--since', 'yesterdayish'], 2, 'Give how long ago'],
    [['deliver', runId, '--event', 'paid', '--operation', '3'], 2, 'cannot be used with'],
  ])('%j is refused', async (words, code, message) => {
    const ran = await reins(words, withRun())
    expect([ran.code, ran.out]).toEqual([code, ''])
    expect(ran.err).toContain(message)
  })
})

test('reins deliver gives a pause its input, and an event its value', async () => {
  const server = withRun()
  expect((await reins(['deliver', runId, '--operation', '3', '--value', 'true'], server)).out).toBe(
    `The run ${runId} has it.\n`,
  )
  await reins(['deliver', runId, '--event', 'paid'], server)
  expect(server.asked).toEqual([`deliver ${runId} {"operation":3,"value":true}`, `deliver ${runId} {"event":"paid"}`])
})

describe('reins logs', () => {
  test('prints the events that there are, of the types that are asked for, since then, and the last of them', async () => {
    const server = withRun()
    server.events = [invoked, waited, ended, over]
    const lines = async (...words: string[]) =>
      (await reins(['logs', runId, ...words], server)).out.split('\n').filter((line) => line !== '').length
    expect(await lines()).toBe(4)
    expect(await lines('--types', 'run.ended,session.')).toBe(2)
    expect(await lines('--since', '118s')).toBe(2)
    expect(await lines('--since', '1970-01-01T00:16:42Z')).toBe(2)
    expect(await lines('--limit', '1')).toBe(1)
    const { out } = await reins(['logs', runId, '--limit', '1', '--json'], server)
    expect(JSON.parse(out)).toMatchObject({ type: 'session.ended' })
  })
  test('follows an active run to its end, and ends as the run did', async () => {
    const server = withRun(ended, over)
    server.events = [invoked]
    server.run = workflowRun()
    const get = server.client.runs.get
    let asked = 0
    server.client.runs.get = async (run) =>
      asked++ === 0 ? get(run) : workflowRun({ status: 'cancelled', endedAt: 1_003_000 })
    const { code, out, err } = await reins(['logs', runId, '--follow'], server)
    expect([code, out.match(/run\.\w+|session\.\w+/g)]).toEqual([1, ['run.invoked', 'run.ended', 'session.ended']])
    expect(err).toBe(`reins: The run ${runId} was cancelled.\n`)
  })
})

const ticket = {
  ...{ kind: 'code' as const, name: 'ticket', project: 'support', version: 3, file: 'src/agents/ticket.ts' },
  ...{ route: false, websocket: false, updatedAt: 1_000_000, description: 'Answers about tickets.' },
}

test('reins agent list shows agents of projects beside those in YAML', async () => {
  const server = fakeServer()
  server.modules = [ticket]
  const { out } = await reins(['agent', 'list'], server)
  expect(out).toMatch(/assistant +scripted\/demo +1 /)
  expect(out).toMatch(/ticket +code of support +3 .*Answers about tickets\./)
  expect(JSON.parse((await reins(['agent', 'list', '--json'], server)).out).modules).toEqual([ticket])
})

describe('reins connect', () => {
  test('refuses an agent that is not there before it opens the chat', async () => {
    const { code, err } = await reins(['connect', 'nobody', 'x'], fakeServer(), { terminal: true })
    expect([code, err]).toEqual([1, expect.stringContaining('There is no agent "nobody".')])
  })
  test('sends each line of a pipe to the instance, and prints the answers', async () => {
    const server = fakeServer()
    server.onMessage = () => server.feed.push(...plainTurn(1, 1_000_000, 't1', 'Hi', 'Hello.'))
    const { code, out } = await reins(['connect', 'ticket', 't-7', '--session', 'private'], server, {
      piped: 'one\n\ntwo',
    })
    expect([code, out]).toEqual([0, 'Hello.\nHello.\n'])
    expect(server.asked).toEqual(['create ticket t-7/private one', 'create ticket t-7/private two'])
  })
  test('opens the chat: where the instance has said nothing yet, the first message makes it', async () => {
    const server = fakeServer()
    server.modules = [ticket]
    const context = fakeContext(server.client, { terminal: true })
    const done = runProgram(clientProgram(context), ['connect', 'ticket', 't-7'], context)
    await context.stdout.until('Message ticket')
    context.stdin.type('Hi\r')
    await server.until('create ticket t-7/default Hi')
    server.feed.push(...plainTurn(1, 1_000_000, 't1', 'Hi', 'Hello.'))
    await context.stdout.until('34 out')
    context.stdin.type('\u0004')
    expect(await done).toBe(0)
  })
  test('goes on with the session that the instance has', async () => {
    const server = fakeServer()
    const id = instanceSessionId('ticket', 't-7', 'default')
    server.sessions = [sessionInfo({ id, agent: 'ticket' })]
    const context = fakeContext(server.client, { terminal: true })
    const done = runProgram(clientProgram(context), ['connect', 'ticket', 't-7'], context)
    await context.stdout.until(`session ${id}`)
    await context.stdout.until('Message ticket')
    context.stdin.type('\u0004')
    expect(await done).toBe(0)
  })
})
