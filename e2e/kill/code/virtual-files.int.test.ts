// The sandbox in memory on real processes: its files stand in the session's log, so a tool-runner that is killed at any point of a call
// takes nothing with it, and what a command did has happened once, however often it ran.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../harness/eventually.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { World } from '../../harness/world.ts'
import { countOf, eventsOf } from '../bench.ts'

const deadline = 120_000
let world: World

beforeAll(async () => {
  world = await World.open()
  await Promise.all([world.start('registry'), world.start('session-gateway'), world.start('executor')])
  await world.agent('keeper', { tools: ['virtual_sandbox'] })
}, deadline)
afterAll(() => world?.close(), deadline)

const shell = (command: string): string => `call shell ${JSON.stringify({ command })}`

async function logAfter(session: string, turns: number) {
  const log = await eventually(
    async () => {
      const now = await world.readLog(session)
      return countOf(now, 'turn.completed') === turns && now
    },
    { withinMs: 90_000, describe: () => `${session} has ended ${turns} turns` },
  )
  expect(await world.verdict(session)).toEqual([])
  expect(countOf(log, 'tool-call.outcome-unknown')).toBe(0)
  return eventsOf(log)
}

async function say(session: string, content: string): Promise<void> {
  const { status, body } = await world.api.once('POST', `/v1/sessions/${session}/messages`, { content })
  if (status >= 300) throw new Error(JSON.stringify(body))
}

const outputsIn = (events: Awaited<ReturnType<typeof logAfter>>) =>
  events.flatMap((event) => (event.type === 'tool-call.completed' ? [JSON.parse(event.data.output)] : []))

test.each(['tool-runner.in-tool', 'tool-runner.before-outcome', 'tool-runner.before-ack'])(
  'a tool-runner killed at %s: another one has the files, and each command has changed them once',
  async (point) => {
    const first = await world.start('tool-runner')
    const { session } = await world.api.create('keeper', shell('mkdir notes; echo one >> notes/log'))
    await logAfter(session.id, 1)
    await first.kill()
    const victim: ServiceProcess = await world.start('tool-runner', { pauseAt: point })
    await say(session.id, shell('echo two >> notes/log; cat notes/log'))
    await eventually(async () => victim.isPaused(), { withinMs: 90_000, describe: () => `it stands at ${point}` })
    const next = await world.start('tool-runner')
    await victim.kill()
    await logAfter(session.id, 2)
    await say(session.id, 'call read_file {"path": "notes/log"}')
    const events = await logAfter(session.id, 3)
    expect(outputsIn(events)).toMatchObject([
      { exit_code: 0 },
      { exit_code: 0, stdout: 'one\ntwo\n' },
      { content: 'one\ntwo\n', lines: 2 },
    ])
    expect(events.filter(({ type }) => type === 'files.kept')).toHaveLength(2)
    await next.kill()
  },
  deadline,
)

test(
  'what is more than a session may hold is refused and has changed nothing, and calls of one answer find what those before them left',
  async () => {
    const runner = await world.start('tool-runner')
    const { session } = await world.api.create('keeper', shell('echo kept > a'))
    await logAfter(session.id, 1)
    await say(session.id, shell('for i in 1 2 3 4 5 6 7 8; do seq 1 60000; done > large; rm a'))
    await logAfter(session.id, 2)
    await say(session.id, shell('ls; cat a'))
    const [, refused, after] = outputsIn(await logAfter(session.id, 3))
    expect(refused).toMatchObject({ status: 'error', error: expect.stringContaining('nothing was changed') })
    expect(after).toMatchObject({ stdout: 'a\nkept\n' })
    const together = ['echo x > b', 'cat b; echo y >> b', 'cat b; exit 4'].map(shell).join(' & ')
    await say(session.id, together)
    const ran = outputsIn(await logAfter(session.id, 4)).slice(3)
    expect(ran.map(({ stdout, exit_code }) => [stdout, exit_code])).toEqual([
      ['', 0],
      ['x\n', 0],
      ['x\ny\n', 4],
    ])
    await runner.kill()
  },
  deadline,
)

test(
  'a fork begins with the files as they were, and each of the two changes its own',
  async () => {
    const runner = await world.start('tool-runner')
    const { session } = await world.api.create('keeper', shell('echo one > a'))
    await logAfter(session.id, 1)
    const { status, body } = await world.api.once<{ session: { id: string } }>(
      'POST',
      `/v1/sessions/${session.id}/fork`,
      {
        message: shell('cat a; echo fork >> a'),
      },
    )
    expect([status, body]).toEqual([201, expect.anything()])
    const fork = body.session.id
    const counted = async (id: string, turns: number) => outputsIn(await logAfter(id, turns))
    expect((await counted(fork, 2)).at(-1)).toMatchObject({ stdout: 'one\n' })
    await say(session.id, shell('cat a'))
    expect((await counted(session.id, 2)).at(-1)).toMatchObject({ stdout: 'one\n' })
    await say(fork, shell('cat a'))
    expect((await counted(fork, 3)).at(-1)).toMatchObject({ stdout: 'one\nfork\n' })
    await runner.kill()
  },
  deadline,
)
