// Deciding about calls: at the chat, and with commands.
import type { ApprovalInfo, SessionTree } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { wouldRun } from '../src/approvals/would-run.ts'
import { clientProgram, runProgram } from '../src/program.ts'
import { makeStyle } from '../src/text/style.ts'
import { event, fakeContext, fakeServer, plainTurn, sessionId, sessionInfo, started, treeNode } from './fakes.ts'

const digest = 'd'.repeat(64)
const [received, begun] = plainTurn(2, 10, 't1', 'Hi', 'Hello') as ReturnType<typeof event>[]
const asks = (call: string, command: string, more = {}, n = 6) =>
  event(n, 20, 'approval.requested', {
    ...{ call, name: 'shell', arguments: { command }, digest, reason: 'It runs a program.', target: command },
    ...more,
  })

async function sit(
  change: Parameters<typeof fakeContext>[1] = {},
  session = sessionId,
  trees: readonly SessionTree[] = [],
) {
  const server = fakeServer()
  server.sessions = [...server.sessions, sessionInfo({ id: session })]
  server.trees.push(...trees)
  const context = fakeContext(server.client, { terminal: true, ...change })
  const done = runProgram(clientProgram(context), ['chat', '--session', session], context)
  let mark = 0
  const sees = (part: string) => context.stdout.until(part, mark)
  await sees('Message assistant')
  server.feed.push(started(1, 0), received!, begun!)
  return {
    ...{ server, context, done, sees },
    type: (text: string) => {
      mark = context.stdout.text.length
      context.stdin.type(text)
    },
    leave: async () => {
      context.stdin.type('\x04')
      await done
      return server.asked.filter((one) => !one.startsWith('approvals'))
    },
  }
}

describe('at the chat, a call that waits', () => {
  test('shows what would run, and is approved by one key', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(asks('k1', 'make all'))
    await sees('$ make all')
    await sees('always this one in this session')
    type('a')
    await server.until('decide')
    server.feed.push(
      event(7, 30, 'approval.decided', {
        call: 'k1',
        digest,
        verdict: 'approved',
        scope: 'call',
        approver: 'user:ada',
      }),
    )
    await sees('shell: approved by user:ada.')
    expect(await leave()).toEqual([`decide ${sessionId} k1 {"verdict":"approved","digest":"${digest}"}`])
  })

  test('of an agent below is asked at the root, says whose it is, and is decided in its own session', async () => {
    const { server, sees, type, leave } = await sit()
    const child = `${sessionId}-0123456789abcdef`
    const delegated = event(6, 20, 'delegation.requested', {
      ...{ call: 'k1', agent: 'deployer', digest: 'd', child, pool: 'p', instruction: 'ship' },
    })
    server.feed.push(delegated, { ...asks('k1', 'make ship', {}, 3), session: child })
    await sees('deployer: shell waits for your approval')
    await sees('$ make ship')
    type('a')
    await server.until('decide')
    const decided = event(4, 30, 'approval.decided', {
      ...{ call: 'k1', digest, verdict: 'approved', scope: 'call', approver: 'user:ada' },
    })
    server.feed.push({ ...decided, session: child })
    await sees('deployer: shell: approved by user:ada.')
    expect(await leave()).toEqual([`decide ${child} k1 {"verdict":"approved","digest":"${digest}"}`])
  })

  test('of an agent below a session that is itself delegated to is asked in the chat of that session, and no others are', async () => {
    const [middle, leaf, other] = ['m', 'n', 'x'].map((letter) => `${sessionId}-${letter.repeat(16)}`) as [
      string,
      string,
      string,
    ]
    const node = (id: string, parent: string | undefined) =>
      treeNode(sessionInfo({ id, ...(parent === undefined ? {} : { parent }) }), { state: 'running' })
    const nodes = [node(sessionId, undefined), node(middle, sessionId), node(other, sessionId)]
    const { server, sees, type, leave, context } = await sit({}, middle, [{ root: sessionId, cursor: 'c0', nodes }])
    const delegates = (session: string, child: string, agent: string, n: number) => ({
      ...event(n, 20, 'delegation.requested', {
        ...{ call: `k${n}`, agent, digest: 'd', child, pool: 'p', instruction: 'ship' },
      }),
      session,
    })
    server.feed.push(
      delegates(other, `${sessionId}-${'y'.repeat(16)}`, 'stranger', 6),
      { ...asks('k0', 'make clean', {}, 7), session: other },
      delegates(middle, leaf, 'deployer', 6),
      { ...asks('k1', 'make ship', {}, 3), session: leaf },
    )
    await sees('deployer: shell waits for your approval')
    type('a')
    await server.until('decide')
    expect(context.stdout.text).not.toContain('make clean')
    expect((await leave()).filter((one) => one.startsWith('decide'))).toEqual([
      `decide ${leaf} k1 {"verdict":"approved","digest":"${digest}"}`,
    ])
  })

  test('is decided by no Enter, by no pasted text, and by nothing that is typed as a message', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(asks('k1', 'make'))
    await sees('$ make')
    type('\r')
    type('\x1b[200~a\x1b[201~')
    await sees('› a')
    type('\x15')
    type('hola')
    await sees('hola')
    type('a')
    await sees('holaa')
    type('\x15')
    expect(await leave()).toEqual([])
  })

  test('is granted for the session by A, as narrow as it can be', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(asks('k1', 'make'))
    await sees('$ make')
    type('A')
    await sees('Granted for this session: shell make.')
    await sees(`reins approvals revoke ${sessionId}`)
    expect(await leave()).toEqual([
      `decide ${sessionId} k1 {"verdict":"approved","scope":"target","digest":"${digest}"}`,
    ])
  })

  test('is denied with a reason; Escape goes back', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(asks('k1', 'make'), asks('k2', 'ls', {}, 7))
    await sees('1 more behind it')
    type('d')
    await sees('Why not?')
    type('not now\r')
    await server.until('decide')
    expect(await leave()).toEqual([
      `decide ${sessionId} k1 {"verdict":"denied","reason":"not now","digest":"${digest}"}`,
    ])
  })

  test('is edited in the editor of the person, as it would be typed', async () => {
    const edited: string[] = []
    const { server, sees, type, leave } = await sit({
      editText: async (text, suffix) => {
        edited.push(text, suffix)
        return 'make -n\n'
      },
    })
    server.feed.push(asks('k1', 'make'))
    await sees('$ make')
    type('e')
    await server.until('decide')
    expect(edited).toEqual(['make\n', '.sh'])
    expect(await leave()).toEqual([
      `decide ${sessionId} k1 {"verdict":"edited","args":{"command":"make -n"},"digest":"${digest}"}`,
    ])
  })

  test('cannot be granted where each call must be approved', async () => {
    const { server, sees, type, leave } = await sit()
    server.feed.push(asks('k1', 'make', { must: true }))
    await sees('a approve · e edit')
    type('A')
    await sees('decided by itself')
    expect(await leave()).toEqual([])
  })
})

describe('what would run', () => {
  const shown = (name: string, args: Record<string, unknown>) => wouldRun({ name, arguments: args }, makeStyle(false))

  test('is a command as it would be typed, with what a terminal would hide', () => {
    expect(shown('shell', { command: 'ls\nrm -rf x\x1b[2K\u202e' })).toEqual(['$ ls', '> rm -rf x␛[2K\\u202e'])
  })

  test('is an edit as what it takes away and what it puts there', () => {
    const args = { path: 'a.ts', old_string: 'a\nb\nc', new_string: 'a\nx\nc' }
    expect(shown('edit_file', args)).toEqual(['edit a.ts', '  a', '- b', '+ x', '  c'])
  })

  test('is a write with its size and its first lines', () => {
    const content = Array.from({ length: 20 }, (_, line) => `l${line}`).join('\n')
    const lines = shown('write_file', { path: 'a', content })
    expect(lines.slice(0, 2)).toEqual(['write a (69 bytes, 20 lines)', '+ l0'])
    expect(lines.at(-1)).toBe('… and 8 more lines')
  })

  test('is everything that is asked for, by name', () => {
    expect(shown('weather', { city: 'Ulm', days: 2 })).toEqual(['weather', '  city: Ulm', '  days: 2'])
  })
})

describe('reins approvals', () => {
  const info: ApprovalInfo = {
    ...{ session: sessionId, call: 'k1', agent: 'assistant', name: 'shell', arguments: { command: 'make' } },
    ...{ digest, reason: 'It runs a program.', state: 'waiting', requestedAt: 1_000_000, expiresAt: 1_180_000 },
  }
  const run = async (...words: string[]) => {
    const server = fakeServer()
    server.approvals = [info]
    const context = fakeContext(server.client)
    const code = await runProgram(clientProgram(context), ['approvals', ...words], context)
    return { code, out: context.stdout.text, err: context.stderr.text, asked: server.asked }
  }

  test('list shows each call, what it would do, and how to let it run', async () => {
    const { out, asked } = await run('list')
    expect(out).toContain(`${sessionId} k1 assistant, 2m ago, expires in 1m 00s`)
    expect(out).toContain('$ make')
    expect(out).toContain(`reins approvals approve ${sessionId} k1`)
    expect(asked).toEqual(['approvals {"state":"waiting","limit":50}'])
  })

  test.each([
    [['approve', sessionId, 'k1'], '{"verdict":"approved","scope":"call"}'],
    [['approve', sessionId, 'k1', '--scope', 'tool'], '{"verdict":"approved","scope":"tool"}'],
    [
      ['approve', sessionId, 'k1', '--args', '{"command":"ls"}'],
      '{"verdict":"edited","args":{"command":"ls"},"scope":"call"}',
    ],
    [['deny', sessionId, 'k1', '--reason', 'no'], '{"verdict":"denied","reason":"no"}'],
  ])('%j', async (words, decision) => {
    const { code, asked } = await run(...words)
    expect([code, asked]).toEqual([0, [`decide ${sessionId} k1 ${decision}`]])
  })

  test('grants lists, and revoke asks which', async () => {
    expect((await run('grants', sessionId)).out).toContain('g1')
    expect((await run('revoke', sessionId, 'g1')).asked).toEqual([`revoke ${sessionId} g1`])
    expect((await run('revoke', sessionId, '--all')).asked).toEqual([`revoke ${sessionId} all`])
    expect(await run('revoke', sessionId)).toMatchObject({ code: 1, err: expect.stringContaining('these grants: g1') })
    expect((await run('approve', sessionId, 'k1', '--args', '[]')).code).toBe(1)
  })
})
