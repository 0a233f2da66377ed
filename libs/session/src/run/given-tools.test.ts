import { type AgentDefinition, eventCodec, type SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { e, g, given, started } from '../../test/given.ts'
import { givenDeclared, recordedOperations, toolsGiven } from './given-tools.ts'

const run = given(
  g(
    started({}),
    { type: 'agents.declared', data: { agents: [], levels: 1, fanOut: 9, perTurn: 9, sessions: 9 } },
    { type: 'run.declared', data: { file: 'w.ts', digest: 'b1' } },
    { type: 'run.invoked', data: { workflow: 'w', project: 'p' } },
  ),
).and(e({ type: 'run.replay-started', data: { replay: 'r1', attempt: 1 } }))

const waited = (position: number, event: string): SessionEvent => ({
  type: 'run.waited',
  data: { position, name: event, event },
})
const delivered = (event: string): SessionEvent => ({
  type: 'run.delivered',
  data: { delivery: event, event, value: event },
})

test('a run as it stood has no end of which its code was not told', () => {
  const before = run.and(
    e(waited(0, 'early')),
    e({ type: 'run.replay-ended', data: { replay: 'r1', attempt: 1, how: 'suspended' } }),
  )
  const then = before
    .and(g(delivered('early')))
    .and(e({ type: 'run.replay-started', data: { replay: 'r2', attempt: 1 } }), e(waited(1, 'late')))
  const beside = then.and(g(delivered('late'))).and(e(waited(2, 'third')))
  const operations = beside.session.run ? recordedOperations(beside.session.run) : []
  expect(operations.map(({ name, result }) => [name, result !== undefined])).toEqual([
    ['early', true],
    ['late', false],
    ['third', false],
  ])
})

test('a definition with tools that a run gave says so, by the run, the operation and their names', () => {
  const entry = {
    ...{ file: 'w.ts', digest: `sha256-${'0'.repeat(64)}`, size: 1 },
    tools: [{ name: 'look', description: 'Looks.', parameters: {}, risk: 'read', replay: 'safe' }],
    given: { run: '01HZZZZZZZZZZZZZZZZZZZZZZZ', position: 3, project: 'p' },
  }
  const definition = { tools: ['shell', entry] } as unknown as Pick<AgentDefinition, 'tools'>
  const said = givenDeclared(definition)
  expect(said).toEqual([toolsGiven(entry.given, [{ name: 'look' }])])
  expect(said.map((event) => eventCodec.needsOf([event]))).toEqual([13])
  expect(givenDeclared({ tools: ['shell'] })).toEqual([])
})
