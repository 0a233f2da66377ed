// Servers that ask a person: at the chat.
import { ReinsError } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import { event, fakeContext, fakeServer, plainTurn, sessionId, started } from './fakes.ts'

const [received, begun] = plainTurn(2, 10, 't1', 'Hi', 'Hello') as ReturnType<typeof event>[]
const url = 'https://issues.example.com/authorize?state=1'
const base = { call: 'k1', elicitation: 'e1', attempt: 1, server: 'issues', key: 'q', timer: 't', expiresAt: 9_000_000 }
const page = (more = {}, n = 6) =>
  event(n, 20, 'elicitation.requested', { ...base, mode: 'url', message: 'Please allow it.', url, ...more })
const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', title: 'Your name' },
    age: { type: 'integer', minimum: 18 },
    nick: { type: 'string' },
    news: { type: 'boolean', default: true },
  },
  required: ['name', 'age'],
}
const form = (more = {}, n = 6) =>
  event(n, 20, 'elicitation.requested', { ...base, mode: 'form', message: 'Who are you?', schema, ...more })
const said = (action: 'accept' | 'decline' | 'cancel', n = 7) =>
  event(n, 30, 'elicitation.answered', { call: 'k1', elicitation: 'e1', action, person: 'user:ada' })

async function sit(change: Parameters<typeof fakeContext>[1] = {}) {
  const server = fakeServer()
  const opened: string[] = []
  const context = fakeContext(server.client, {
    terminal: true,
    openPage: async (address) => {
      opened.push(address)
      return true
    },
    ...change,
  })
  const done = runProgram(clientProgram(context), ['chat', '--session', sessionId], context)
  let mark = 0
  const sees = (part: string) => context.stdout.until(part, mark)
  await sees('Message assistant')
  server.feed.push(started(1, 0), received!, begun!)
  return {
    ...{ server, context, opened, sees },
    type: (text: string) => {
      mark = context.stdout.text.length
      context.stdin.type(text)
    },
    leave: async () => {
      context.stdin.type('\x04')
      await done
      return server.asked
    },
  }
}
/** An Enter waits for what comes behind it: what is typed next is another key. */
const taken = () => new Promise((resolve) => setImmediate(resolve))
const answer = (body: object) => `answer ${sessionId} e1 ${JSON.stringify(body)}`

describe('at the chat, a page', () => {
  test('is shown with its server, its address and its host, and is opened after yes', async () => {
    const { server, opened, sees, type, leave } = await sit()
    server.feed.push(page())
    await sees('[issues] Please allow it.')
    await sees(url)
    await sees('a page of issues.example.com')
    await sees('Open browser to authorize? [Y/n]')
    type('\r')
    await sees('Your browser opens')
    server.feed.push(said('accept'))
    await sees('issues: accepted by user:ada.')
    expect(opened).toEqual([url])
    expect(await leave()).toEqual([answer({ action: 'accept' })])
  })

  test.each([
    ['n', 'decline'],
    ['\x03', 'cancel'],
    ['\x1b', 'cancel'],
  ])('is answered by %j with %s, and the turn goes on', async (key, action) => {
    const { server, opened, sees, type, leave } = await sit()
    server.feed.push(page())
    await sees('[Y/n]')
    type(key)
    // What comes behind it decides about a lone ESC.
    if (key === '\x1b') type('\x1b')
    await server.until('answer')
    expect(opened).toEqual([])
    expect(await leave()).toEqual([answer({ action })])
  })

  test('is accepted where no browser is, and its address is said', async () => {
    const { server, sees, type, leave } = await sit({ openPage: async () => false })
    server.feed.push(page())
    await sees('[Y/n]')
    type('y')
    await sees('No browser could be started here.')
    expect(await leave()).toEqual([answer({ action: 'accept' })])
  })

  test('is not opened where the answer was refused', async () => {
    const { server, opened, sees, type, leave } = await sit()
    server.sendFailures.push(new ReinsError('elicitation_expired'))
    server.feed.push(page())
    await sees('[Y/n]')
    type('y')
    await sees('The time to answer')
    expect(opened).toEqual([])
    expect(await leave()).toEqual([answer({ action: 'accept' })])
  })

  test('with an address that is no web page cannot be opened', async () => {
    const { server, opened, sees, type, leave } = await sit()
    server.feed.push(page({ url: 'file:///etc/passwd', message: 'Trust\x1b[2J me\u202e' }))
    await sees('[issues] Trust␛[2J me')
    await sees('no address but http and https')
    type('\r')
    await taken()
    type('y')
    await sees('› y')
    type('\x15')
    await sees('Message assistant')
    type('n')
    await server.until('answer')
    expect(opened).toEqual([])
    expect(await leave()).toEqual([answer({ action: 'decline' })])
  })

  test('that had to be opened first waits until it is done, which Enter alone does not say', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(page({ nothingRan: true }))
    await sees('[Y/n]')
    type('\r')
    await server.until('answer')
    server.feed.push(said('accept'))
    await sees('says that it is done')
    type('\r')
    await taken()
    type('y')
    await server.until(answer({ action: 'accept', completed: true }))
    expect(await leave()).toEqual([answer({ action: 'accept' }), answer({ action: 'accept', completed: true })])
  })

  test('is answered by nothing that is typed as a message', async () => {
    const { server, sees, type, leave } = await sit()
    type('hola')
    await sees('hola')
    server.feed.push(page())
    await sees('[Y/n]')
    type('n')
    await sees('holan')
    type('\x15')
    expect(await leave()).toEqual([])
  })
})

describe('at the chat, a form', () => {
  test('is asked field by field, checked, and sent with what was filled in', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(form())
    await sees('[issues] Who are you?')
    await sees('name (required): Your name; string')
    await sees('Fill in the form? [Y/n]')
    type('y')
    await sees('1 of 4')
    type('\r')
    await sees('it is required.')
    type('Ada\r')
    await sees('2 of 4')
    type('17\r')
    await sees('it must be 18 or more.')
    type('\x7f8\r')
    await sees('3 of 4')
    type('\r')
    await sees('› true')
    type('\x15no\r')
    await server.until('answer')
    expect(await leave()).toEqual([answer({ action: 'accept', content: { name: 'Ada', age: 18, news: false } })])
  })

  test('is cancelled in the middle by Ctrl-C, and the editor is the message again', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(form())
    await sees('[Y/n]')
    type('y')
    await sees('1 of 4')
    type('Ad')
    await sees('› Ad')
    type('\x03')
    await sees('Message assistant')
    await server.until('answer')
    expect(await leave()).toEqual([answer({ action: 'cancel' })])
  })

  test('that somebody else answered meanwhile is asked no further', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(form())
    await sees('[Y/n]')
    type('y')
    await sees('1 of 4')
    type('Ad')
    await sees('› Ad')
    server.feed.push(said('decline'))
    await sees('issues: declined by user:ada.')
    await sees('Message assistant')
    expect(await leave()).toEqual([])
  })

  test('that the server of Reins refuses is offered again with what was typed', async () => {
    const { server, sees, type, leave } = await sit()
    server.sendFailures.push(new ReinsError('invalid_request', 'content.name: it has to be another.'))
    server.feed.push(form({ schema: { type: 'object', properties: { name: { type: 'string' } } } }))
    await sees('[Y/n]')
    type('y')
    await sees('1 of 1')
    type('Ada\r')
    await sees('it has to be another.')
    type('y')
    await sees('› Ada')
    type('\r')
    await sees('Message assistant')
    expect(await leave()).toEqual(Array(2).fill(answer({ action: 'accept', content: { name: 'Ada' } })))
  })
})

describe('reins elicitations list', () => {
  const one = {
    ...{ session: sessionId, call: 'k1', elicitation_id: 'e1', mode: 'url' as const, url },
    expiresAt: 1_180_000,
  }
  const everywhere = {
    ...{ ...one, agent: 'assistant', message: 'Please allow it.', server_name: 'issues' },
    requestedAt: 1_000_000,
  }
  const run = async (...words: string[]) => {
    const server = fakeServer()
    server.elicitations = [
      {
        ...one,
        type: 'elicitation',
        message: 'Please allow it.',
        server_name: 'issues',
        tool: 'mcp__i__t',
        state: 'accepted',
      },
    ]
    server.askedEverywhere = [{ ...everywhere, state: words.includes('declined') ? 'declined' : 'waiting' }]
    const context = fakeContext(server.client)
    const code = await runProgram(clientProgram(context), ['elicitations', 'list', ...words], context)
    return { code, out: context.stdout.text, asked: server.asked }
  }

  test('shows what servers ask in all sessions, and how to answer', async () => {
    const { code, out, asked } = await run()
    expect(code).toBe(0)
    expect(out).toContain(`${sessionId} e1 assistant, 2m ago, expires in 1m 00s`)
    expect(out).toContain('[issues] Please allow it.')
    expect(out).toContain(url)
    expect(out).toContain(`reins elicitations answer ${sessionId} e1 --accept`)
    expect(asked).toEqual(['elicitations {"state":"waiting","limit":50}'])
  })

  test('shows those of one session from the session itself', async () => {
    const { out, asked } = await run(sessionId)
    expect(out).toContain(`${sessionId} e1 mcp__i__t, expires in`)
    expect(out).toContain(`reins elicitations answer ${sessionId} e1 --done`)
    expect(asked).toEqual([])
  })

  test('shows what became of the others as a table, of one agent where that is asked for', async () => {
    const { out, asked } = await run('--state', 'declined', '--agent', 'assistant')
    expect(out).toMatch(/SESSION\s+ELICITATION\s+AGENT\s+STATE/)
    expect(out).toContain('declined')
    expect(asked).toEqual(['elicitations {"state":"declined","limit":50,"agent":"assistant"}'])
  })
})
