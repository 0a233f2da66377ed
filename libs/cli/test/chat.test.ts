// The chat at a terminal that a test types into.
import { ReinsError } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import {
  delta,
  event,
  type FakeContext,
  type FakeServer,
  fakeContext,
  fakeServer,
  lost,
  plainTurn,
  sessionId,
  sessionInfo,
  started,
} from './fakes.ts'

interface Sitting {
  readonly context: FakeContext
  readonly server: FakeServer
  readonly done: Promise<number>
  type(text: string): void
  /** Resolves when the terminal has shown `part` after what was typed last. */
  sees(part: string): Promise<void>
}

async function sit(
  words: readonly string[],
  server = fakeServer(),
  options: Parameters<typeof fakeContext>[1] = {},
): Promise<Sitting> {
  const context = fakeContext(server.client, { terminal: true, ...options })
  const done = runProgram(clientProgram(context), words, context)
  let mark = 0
  const sitting = {
    context,
    server,
    done,
    type: (text: string) => {
      mark = context.stdout.text.length
      context.stdin.type(text)
    },
    sees: (part: string) => context.stdout.until(part, mark),
  }
  await sitting.sees('Message assistant')
  return sitting
}

const [received, begun, called, completed, ended] = plainTurn(2, 10, 't1', 'Hi', 'Hello there') as [
  ReturnType<typeof event>,
  ReturnType<typeof event>,
  ReturnType<typeof event>,
  ReturnType<typeof event>,
  ReturnType<typeof event>,
]
const opening = [started(1, 0), received, begun, called]

describe('a chat', () => {
  test('makes its session with the first message, streams the answer, and says how to come back', async () => {
    const { server, context, done, type, sees } = await sit(['chat'])
    expect(server.asked).toEqual([])
    expect(context.stdin.raw).toBe(true)
    type('Hi\r')
    await server.until('create assistant Hi')
    server.feed.push(...opening, delta('k-t1', 0, 'Hello'))
    await sees('Hello')
    server.feed.push(delta('k-t1', 5, ' there'), completed, ended)
    await sees('120 tokens in, 34 out')
    type('\x04')
    expect(await done).toBe(0)
    expect(context.stdout.text).toContain(`Come back with: reins session open ${sessionId}`)
    expect(context.stdin.raw).toBe(false)
  })
  test('shows images with the next message: named behind /image, or dropped on the terminal', async () => {
    const png = '\x89PNG\r\n\x1a\n'
    const files = { 'screen.png': png, '/home/ada/my photo.png': png, 'notes.txt': 'text' }
    const listFolder = async () => [
      { name: 'screen.png', folder: false },
      { name: 'notes.txt', folder: false },
    ]
    const env = { noColor: true, dumb: false, home: '/home/ada' }
    const { server, done, type, sees } = await sit(['chat'], fakeServer(), { files, listFolder, env })
    type('/im\t')
    await sees('/image')
    type('s\t')
    await sees('/image screen.png')
    type('\r')
    await sees('with your next message: screen.png')
    type('/image notes.txt\r')
    await sees('notes.txt is no PNG, JPEG, GIF or WebP image')
    type('/image nobody.png\r')
    await sees('The image cannot be read from nobody.png')
    type('\x1b[200~~/my\\ photo.png \x1b[201~')
    await sees('with your next message: /home/ada/my photo.png')
    type('\x1b[200~/tmp/none.png\x1b[201~')
    await sees('/tmp/none.png')
    type('?\r')
    await server.until('create assistant /tmp/none.png? with image/png iVBORw0KGgo=, image/png iVBORw0KGgo=')
    type('/image\r')
    await sees('No image goes with your next message')
    type('/image screen.png\r')
    await sees('with your next message: screen.png')
    type('/image none\r')
    await sees('Message assistant')
    type('Next\r')
    await server.until(`send ${sessionId} Next`)
    expect(server.asked.at(-1)).toBe(`send ${sessionId} Next`)
    type('\x04')
    expect(await done).toBe(0)
  })
  test('left before the first message leaves nothing behind', async () => {
    const { server, done, type, context } = await sit(['chat'])
    type('/quit\r')
    expect([await done, server.asked]).toEqual([0, []])
    expect(context.stdout.text).not.toContain('Session')
  })
  test('shows what was typed meanwhile as queued', async () => {
    const { server, type, sees, done } = await sit(['chat', '--session', sessionId])
    type('Hi\r')
    await server.until('send')
    server.feed.push(...opening)
    await sees('thinking')
    type('And then?\r')
    await server.until(`send ${sessionId} And`)
    server.feed.push(
      event(6, 20, 'message.received', {
        message: 'm2',
        content: [{ type: 'text', text: 'And then?' }],
        onBusy: 'queue',
      }),
    )
    await sees('queued: And then?')
    type('/quit\r')
    await done
    expect(server.asked).toEqual([`send ${sessionId} Hi`, `send ${sessionId} And then?`])
  })
  test('of an agent that does not exist ends at once, with what to do', async () => {
    const server = fakeServer()
    const context = fakeContext(server.client, { terminal: true })
    expect(await runProgram(clientProgram(context), ['chat', '--agent', 'nobody'], context)).toBe(1)
    expect(context.stderr.text).toBe(
      'reins: There is no agent "nobody".\nCheck the name. This lists all agents: reins agent list\n',
    )
  })
  test('goes on with a session: its last turns are shown, the others are named', async () => {
    const server = fakeServer()
    server.events = [
      started(1, 0),
      ...[1, 2, 3, 4, 5].flatMap((turn) =>
        plainTurn(turn * 5, turn * 10_000, `t${turn}`, `Question ${turn}`, `Answer ${turn}`),
      ),
    ]
    const { context, type, done } = await sit(['session', 'open', sessionId], server)
    expect(context.stdout.text).toContain('… 2 earlier messages: reins session replay')
    expect(context.stdout.text).not.toContain('Answer 2')
    expect(context.stdout.text).toContain('Answer 3')
    expect(context.stdout.text).toContain('› Question 5')
    type('\x04')
    expect(await done).toBe(0)
  })
  test('of a session of another agent is refused', async () => {
    const context = fakeContext(fakeServer().client, { terminal: true })
    const words = ['agent', 'start', 'coder', '--session', sessionId]
    expect(await runProgram(clientProgram(context), words, context)).toBe(1)
    expect(context.stderr.text).toContain('belongs to agent assistant, not to coder.')
  })
  test('of a session that has ended shows it and leaves', async () => {
    const server = fakeServer()
    server.sessions = [sessionInfo({ status: 'ended' })]
    server.events = [started(1, 0), event(2, 10, 'session.ended', { reason: 'by its user' })]
    const context = fakeContext(server.client, { terminal: true })
    expect(await runProgram(clientProgram(context), ['session', 'open', sessionId], context)).toBe(0)
    expect(context.stdout.text).toContain('The session has ended: by its user.')
    expect(context.stdout.text).not.toContain('Come back')
  })
})

describe('Ctrl-C', () => {
  test('cancels the turn at the server; a second one leaves', async () => {
    const { server, type, sees, done } = await sit(['chat', '--session', sessionId])
    server.feed.push(...opening)
    await sees('thinking')
    type('\x03')
    await server.until('cancel')
    await sees('Cancelling the turn')
    type('\x03')
    expect([await done, server.asked]).toEqual([130, [`cancel ${sessionId}`]])
  })
  test('after the turn has ended is a first one again', async () => {
    const { server, type, sees, done } = await sit(['chat', '--session', sessionId])
    server.feed.push(...opening)
    await sees('thinking')
    type('\x03')
    await sees('Cancelling the turn')
    server.feed.push(completed, ended)
    await sees('120 tokens')
    type('\x03')
    await sees('Ctrl-C again, or Ctrl-D, leaves.')
    type('\x03')
    expect(await done).toBe(0)
  })
  test('clears the line first', async () => {
    const { type, sees, done } = await sit(['chat'])
    type('half a thou')
    await sees('half a thou')
    type('\x03')
    await sees('Message assistant')
    type('\x03\x03')
    expect(await done).toBe(0)
  })
})

describe('when the server goes away', () => {
  test('the chat says so, waits, and goes on without repeating', async () => {
    const { server, type, sees, done, context } = await sit(['chat', '--session', sessionId])
    server.feed.push(...opening, delta('k-t1', 0, 'Hello\nthe'), lost)
    await sees('The server does not answer')
    server.feed.push({ type: 'connection', state: 'back' }, delta('k-t1', 0, 'Hello\nthere'), {
      ...completed,
      data: { ...(completed.data as object), content: [{ type: 'text', text: 'Hello\nthere' }] },
    })
    server.feed.push(ended)
    await sees('120 tokens')
    expect(context.stdout.text.split('Hello\r\n').length).toBe(2)
    type('\x04')
    expect(await done).toBe(0)
  })
  test('a message is sent again with the same key until it arrives, once', async () => {
    const server = fakeServer()
    const away = () => new ReinsError('unavailable')
    server.sendFailures.push(away(), away(), away())
    const keys: (string | undefined)[] = []
    server.onMessage = (_text, key) => void keys.push(key)
    const { type, sees, done } = await sit(['chat'], server)
    type('Hi\r')
    await server.until('create')
    server.feed.push(...opening)
    await sees('thinking')
    type('/quit\r')
    expect([await done, keys, server.asked.length]).toEqual([0, ['key-1'], 4])
  })
  test('a message that is refused comes back to the prompt, with why', async () => {
    const server = fakeServer()
    server.sendFailures.push(new ReinsError('session_conflict'))
    const { type, sees, done } = await sit(['chat', '--session', sessionId], server)
    type('Hi\r')
    await sees('status of the session does not allow this')
    type('\x01Oh, ')
    await sees('Oh, Hi')
    type('\x03\x03\x03')
    expect(await done).toBe(0)
  })
})

test('a resize paints anew, in the new size', async () => {
  const { context, type, sees, done } = await sit(['chat'])
  type('some words that are longer than twenty columns are wide')
  await sees('wide')
  context.stdout.columns = 20
  context.stdout.rows = 5
  const from = context.stdout.text.length
  context.stdout.emit('resize')
  await context.stdout.until('wide', from)
  type('\x03\x04')
  expect(await done).toBe(0)
})

test('commands that do not exist are named, and paths are messages', async () => {
  const { server, type, sees, done } = await sit(['chat'])
  type('/halp\r')
  await sees('There is no command /halp')
  type('/help\r')
  await sees('/session   show the id of this session')
  type('/etc/hosts has what?\r')
  await server.until('create assistant /etc/hosts has what?')
  type('/session\r')
  await sees(sessionId)
  type('/pause\r')
  await server.until('pause')
  type('\x04')
  expect(await done).toBe(0)
})

test('/budget shows what a session may use, and raises it', async () => {
  const server = fakeServer()
  const budget = { tokens: { limit: 1_000, spent: 900, held: 50 } }
  server.sessions = [sessionInfo({ id: sessionId, budget })]
  const { type, sees, done } = await sit(['chat', '--session', sessionId], server)
  type('/budget\r')
  await sees('tokens    900         50    50  1,000   90%')
  type('/budget tokens=lots\r')
  await sees('tokens=lots is not valid')
  type('/budget tokens=4000\r')
  await server.until(`raise ${sessionId} {"tokens":4000}`)
  type('\x04')
  expect(await done).toBe(0)
})

test('replay on a terminal goes by keys with --step', async () => {
  const server = fakeServer()
  server.events = [started(1, 0), received, begun, called, completed, ended]
  const context = fakeContext(server.client, { terminal: true })
  const done = runProgram(clientProgram(context), ['session', 'replay', sessionId, '--step'], context)
  for (const [index, one] of server.events.entries()) {
    await context.stdout.until(`${index + 1}/6 ${one.type}`)
    context.stdin.type(' ')
  }
  expect(await done).toBe(0)
  expect(context.stdout.text).toContain('Hello there\r\n')
})

test('replay on a terminal plays tokens', async () => {
  const server = fakeServer()
  server.events = [started(1, 0), received, begun, called, completed, ended]
  const waits: number[] = []
  const context = fakeContext(server.client, {
    terminal: true,
    sleep: async (ms) => void waits.push(Math.round(ms)),
  })
  expect(await runProgram(clientProgram(context), ['session', 'replay', sessionId, '--speed', '2'], context)).toBe(0)
  expect(waits).toEqual([0, 5, 1, 1, 167, 167, 167, 1])
})
