// Trees by commands: looked at, watched, stopped.
import type { SessionTree } from '@reins/contracts'
import { expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import { event, fakeContext, fakeServer, sessionId, sessionInfo, treeNode } from './fakes.ts'

const child = `${sessionId}-0123456789abcdef`
const tree = (root: 'waiting' | 'completed' | 'failed', below: 'running' | 'completed'): SessionTree => ({
  root: sessionId,
  cursor: 'c0',
  nodes: [
    treeNode(sessionInfo({ agent: 'lead' }), { state: root }),
    treeNode(sessionInfo({ id: child, agent: 'helper', parent: sessionId }), { depth: 1, state: below }),
  ],
})

test('session tree --watch draws in place at each event, ends with the tree, and says by its exit code how it ended', async () => {
  for (const [end, code] of [
    ['completed', 0],
    ['failed', 1],
  ] as const) {
    const server = fakeServer()
    server.trees.push(tree('waiting', 'running'), tree(end, 'completed'))
    // Between two looks it waits for the next event, not for the clock.
    const context = fakeContext(server.client, {
      terminal: true,
      sleep: (ms, signal) =>
        ms < 1000 ? Promise.resolve() : new Promise((resolve) => signal?.addEventListener('abort', () => resolve())),
    })
    const done = runProgram(clientProgram(context), ['session', 'tree', sessionId, '--watch'], context)
    await context.stdout.until('helper running')
    server.feed.push(
      event(2, 10, 'turn.completed', { turn: 't', call: 'c', usage: sessionInfo().usage, reason: 'answered' }),
    )
    expect(await done).toBe(code)
    expect(context.stdout.text).toContain('\x1b[J')
    expect(context.stdout.text.slice(context.stdout.text.lastIndexOf('\x1b[J'))).toContain(`lead ${end}`)
  }
})

test('session tree --watch of a tree at rest ends at once; elsewhere than on a terminal it is printed once', async () => {
  const server = fakeServer()
  server.trees.push(tree('completed', 'completed'))
  const context = fakeContext(server.client)
  expect(await runProgram(clientProgram(context), ['session', 'tree', sessionId, '--watch'], context)).toBe(0)
  expect(context.stdout.text.match(/lead completed/g)).toHaveLength(1)
  expect(context.stdout.text).not.toContain('\x1b')
})

test('session cancel waits for the receipts, and lists what is not undone', async () => {
  const server = fakeServer()
  const ran = [{ session: child, agent: 'helper', call: 'k3', name: 'shell', how: 'done' as const }]
  server.stop = { what: 'cancel', complete: true, sessions: 2, ran, pending: [] }
  const context = fakeContext(server.client)
  expect(await runProgram(clientProgram(context), ['session', 'cancel', sessionId], context)).toBe(0)
  expect(context.stdout.text).toBe(
    [
      'The session cancels its turn.',
      'All 2 sessions are cancelled.',
      'These calls had run, and are not undone:',
      `  shell (done) of helper, call k3 in ${child}`,
      '',
    ].join('\n'),
  )
})

test('session pause --tree asks for the whole tree, and names those that have not stopped yet', async () => {
  const server = fakeServer()
  server.stop = { what: 'pause', complete: false, sessions: 1, ran: [], pending: [{ session: child, agent: 'helper' }] }
  const context = fakeContext(server.client)
  expect(await runProgram(clientProgram(context), ['session', 'pause', sessionId, '--tree'], context)).toBe(0)
  expect(server.asked).toEqual([`pause ${sessionId} with its tree`])
  expect(context.stdout.text).toContain(`  helper ${child}`)
  const plain = fakeContext(server.client)
  expect(await runProgram(clientProgram(plain), ['session', 'pause', sessionId], plain)).toBe(0)
  expect(plain.stdout.text).toBe('The session is paused.\n')
})
