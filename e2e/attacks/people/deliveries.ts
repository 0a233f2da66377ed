// Events for runs of workflows, and input for their pauses: by who may not give them, twice, for what does not wait, and with names and values
// that are none.
//   DL1. `got through` is what a run was given though it may not be, a run that ended by it, or another one that is not answered any more.
import { type StartedRun, sessionOfRun, type WorkflowRun } from '@reins/contracts'
import { workflowsProject } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'

const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function ask(world: World, token: string, method: string, target: string, body?: string, key?: string) {
  const response = await fetch(`${world.api.url()}${target}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(60_000),
  })
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : {} } as Answer
}

async function person(world: World, name: string, permissions: readonly string[]): Promise<string> {
  await ask(world, world.token, 'POST', '/v1/principals', JSON.stringify({ name, permissions }))
  const { body } = await ask(world, world.token, 'POST', '/v1/tokens', JSON.stringify({ principal: name }))
  return String(body.text)
}

/** Bodies that are no event, or one that nobody waits for. */
const odd: Readonly<Record<string, string>> = {
  'an event without a name': '{"event":"","value":1}',
  'an event of a thousand characters': JSON.stringify({ event: 'e'.repeat(1000) }),
  'an event that is a list': '{"event":["go"],"value":1}',
  'an event and what it is not': '{"event":"go","by":"user:admin"}',
  'input for no operation': '{"operation":7,"value":1}',
  'input for an operation before all': '{"operation":-1,"value":1}',
  'input that nobody asked for': '{"value":1}',
  'a value of 300 KB': JSON.stringify({ event: 'go', value: 'x'.repeat(300_000) }),
  'a value of four thousand levels': `{"event":"go","value":${nested(4000)}}`,
  'a value of a hundred thousand levels': `{"event":"go","value":${nested(100_000)}}`,
  'a value with half a character in a million levels': `{"event":"go","value":${nested(500_000).replace('[]', '["\\ud800"]')}}`,
}

/** Names that are texts like any other: nobody waits for them. */
const names = [
  '\u0000',
  '\u001b[2J',
  '\u202eog',
  '__proto__',
  'constructor',
  'go\n',
  'GO',
  '>',
  '*',
  'go.',
  ' go',
  'ｇｏ',
]

export async function tryDeliveries(world: World, tally: Tally): Promise<void> {
  const note = (what: string, through: boolean) =>
    tally.note('somebody who gives events', what, through ? 'got through' : 'refused')
  const waits = `const one = await ctx.waitFor('go'); const two = await ctx.waitFor('end'); return [one, two]`
  const bundle = workflowsProject({ waits, other: waits })
  const { status, body } = await ask(world, world.token, 'PUT', '/v1/projects/waiting', JSON.stringify({ bundle }))
  if (status >= 300) throw new Error(JSON.stringify(body))
  const start = async (workflow: string): Promise<string> => {
    const started = await world.api.once<StartedRun>('POST', '/v1/runs', { workflow })
    return sessionOfRun(started.body.run.runId)
  }
  const shown = async (run: string) => (await world.api.once<WorkflowRun>('GET', `/v1/runs/${run}`)).body
  const waiting = (run: string) =>
    eventually(async () => (await shown(run)).waiting !== undefined, { withinMs: 90_000 })
  const door = (run: string): string => `/v1/runs/${run}/deliveries`
  const go = JSON.stringify({ event: 'go', value: 'forged' })
  const taken = ({ status: of }: Answer): boolean => of < 400

  const [run, second] = await Promise.all([start('waits'), start('waits')])
  await Promise.all([waiting(run), waiting(second)])
  const tokens = {
    'for runs of another workflow': await person(world, 'of-another', ['workflow:other:*', 'session:run-other:*']),
    'that may only read': await person(world, 'reads', ['workflow:waits:read', 'session:*:read']),
    'for sessions alone': await person(world, 'of-sessions', ['session:helper:*', 'agent:helper:*']),
    'that is none': 'reins_none',
  }
  for (const [whose, token] of Object.entries(tokens))
    note(`give an event with a token ${whose}`, taken(await ask(world, token, 'POST', door(run), go)))
  for (const [what, text] of Object.entries(odd))
    note(`give ${what}`, taken(await ask(world, world.token, 'POST', door(run), text)))
  for (const event of names)
    await ask(world, world.token, 'POST', door(run), JSON.stringify({ event, value: 'forged' }))
  const { session } = await world.api.create('helper')
  for (const [what, id] of [
    ['a session that is no run', session.id],
    ['a run that is none', '01JAAAAAAAAAAAAAAAAAAAAAAA'],
    ['a path', '..%2f..%2fsessions'],
    ['a wildcard', '*'],
    ['a subject', '>'],
  ] as const)
    note(`give an event to ${what}`, taken(await ask(world, world.token, 'POST', door(id), go)))
  note('have a run take what it does not wait for', (await shown(run)).status !== 'active')

  const mine = JSON.stringify({ event: 'go', value: 'mine' })
  const twice = [0, 1, 2, 3].map(() => ask(world, world.token, 'POST', door(run), mine, 'one-key'))
  await Promise.all(twice)
  const other = await ask(world, world.token, 'POST', door(run), JSON.stringify({ event: 'end', value: 1 }), 'one-key')
  note('give another event under the key of one', taken(other))
  note(
    'give the event of one run to another by its key',
    (await shown(second)).waiting === undefined || (await shown(second)).status !== 'active',
  )
  await ask(world, world.token, 'POST', door(run), JSON.stringify({ event: 'end', value: 'mine' }))
  const end = await eventually(
    async () => {
      const now = await shown(run)
      return now.status !== 'active' && now
    },
    { withinMs: 90_000 },
  )
  note('have the code be given what was forged', JSON.stringify(end.result) !== '["mine","mine"]')
  const delivered = (await world.readLog(run))
    .flatMap(({ frame }) => frame.events)
    .filter(({ type }) => type === 'run.delivered')
  note('give one event four times by one key', delivered.length !== names.length + 2)
  note('give an event to a run that has ended', taken(await ask(world, world.token, 'POST', door(run), go)))

  const flood = await Promise.all(
    Array.from({ length: 1100 }, (_, at) =>
      ask(world, world.token, 'POST', door(second), JSON.stringify({ event: `e${at}`, value: 'x'.repeat(2000) })),
    ),
  )
  note('have a run keep more events than it may', flood.filter(taken).length > 1000)
  await world.api.once('POST', `/v1/sessions/${second}/cancel`, {})
}
