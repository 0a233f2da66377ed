import type { CodeHosts, HostCall, HostsAnswer } from '@reins/code-host'
import type { SessionEvent } from '@reins/contracts'
import { createRedactor } from '@reins/secrets'
import { emptyFold, evolve, type Session } from '@reins/session'
import { expect, test } from 'vitest'
import { type ReplayPorts, replayRun, type Said } from './replay-run.ts'
import type { ReplayOutcome } from './run-outcome.ts'

const origin = { n: 1, at: 1, by: 'e1', role: 'e' } as const
const begun: readonly SessionEvent[] = [
  {
    type: 'session.started',
    data: {
      ...{ agent: 'a', digest: 'd', model: 'm/m', pools: { executor: 'default', tools: 'default' } },
      limits: { maxToolCalls: 9 },
      tools: {},
    },
  },
  { type: 'run.declared', data: { file: './chat.ts', digest: 'd' } },
  { type: 'run.replay-started', data: { replay: 'r2', attempt: 1 } },
]
const session: Session = begun.reduce((now, event) => evolve(now, event, origin), emptyFold('s1').session)

type Ask = (what: string, value: object) => Promise<unknown>
type Frame = readonly [boolean, ...string[]]

const short = (event: SessionEvent): string => {
  const { position, how, message } = event.data as Readonly<Record<string, unknown>>
  return [event.type, position ?? how ?? message].filter((part) => part !== undefined).join(' ')
}

/** What a replay of `code` puts into the log, frame by frame (true: something begins), and what its outcome is. */
async function replayed(
  code: (ask: Ask, frames: readonly Frame[]) => Promise<HostsAnswer>,
  answers: (frame: Frame) => Said | Promise<Said> = () => 'in',
) {
  const frames: Frame[] = []
  const run = async (_: unknown, call: HostCall): Promise<HostsAnswer> =>
    code((what, value) => call.request(what, value), frames)
  const ports = {
    hosts: { run } as unknown as Pick<CodeHosts, 'run'>,
    environment: async () => ({ kind: 'values', env: {} }),
    now: () => 1,
    betweenMs: 60_000,
    networkAllowed: false,
    log: () => {},
  } as unknown as ReplayPorts
  const say = async (events: readonly SessionEvent[], begins: boolean): Promise<Said> => {
    const frame: Frame = [begins, ...events.map(short)]
    frames.push(frame)
    return answers(frame)
  }
  const effect = { call: 'r2', attempt: 1 }
  const outcome = await replayRun(session, effect, ports, createRedactor([]), say, new AbortController().signal)
  const { events, held } = outcome as ReplayOutcome
  return { frames, outcome: events.map(short), held: held.map(short) }
}

const step = (position: number) => ({ position, name: `s${position}`, replay: 'never', ms: 1_000 })
const end = (position: number) => ({ position, attempt: 1, result: { kind: 'value', value: position } })
const completed: HostsAnswer = { kind: 'value', value: { kind: 'completed', output: 1 } }
const suspended: HostsAnswer = { kind: 'value', value: { kind: 'suspended' } }

test('the end of a step stands in the frame that announces the next one, and the last end in that of the outcome', async () => {
  const { frames, outcome } = await replayed(async (ask) => {
    expect(await ask('step', step(0))).toEqual({ kind: 'run', attempt: 1 })
    expect(await ask('step-ended', end(0))).toEqual({ kind: 'ok' })
    await ask('value', { position: 1, name: 'now', operation: 'now', value: 5 })
    await ask('step', step(2))
    await ask('step-ended', end(2))
    return completed
  })
  expect(frames).toEqual([
    [true, 'run.step-started 0'],
    [true, 'run.step-ended 0', 'run.recorded 1', 'run.step-started 2'],
  ])
  expect(outcome).toEqual(['run.step-ended 2', 'run.ended'])
})

test('an end goes out by itself where the code asks for nothing behind it', async () => {
  const { frames, outcome } = await replayed(async (ask, said) => {
    await ask('step', step(0))
    await ask('step-ended', end(0))
    await expect.poll(() => said.length).toBe(2)
    return suspended
  })
  expect(frames.at(-1)).toEqual([false, 'run.step-ended 0'])
  expect(outcome).toEqual(['run.replay-ended suspended'])
})

test('while another step runs, the code is not told of an end before that is in the log', async () => {
  const taken = Promise.withResolvers<Said>()
  const { frames } = await replayed(
    async (ask) => {
      await ask('step', step(0))
      await ask('step', step(1))
      let told = false
      const telling = ask('step-ended', end(0)).then(() => {
        told = true
      })
      await new Promise((resolve) => setImmediate(resolve))
      expect(told).toBe(false)
      taken.resolve('in')
      await telling
      await ask('step-ended', end(1))
      return completed
    },
    (frame) => (frame.includes('run.step-ended 0') ? taken.promise : 'in'),
  )
  expect(frames.at(-1)).toEqual([false, 'run.step-ended 0'])
})

test('what has ended is recorded where nothing more may begin, and where the host is lost', async () => {
  const twoSteps = async (ask: Ask) => {
    await ask('step', step(0))
    await ask('step-ended', end(0))
  }
  const slept = async (ask: Ask): Promise<HostsAnswer> => {
    await twoSteps(ask)
    await ask('sleep', { position: 1, name: 'sleep', ms: 5 })
    return suspended
  }
  const { outcome, held } = await replayed(slept)
  expect(outcome).toEqual(['run.step-ended 0', 'run.slept 1', 'timer.armed', 'run.replay-ended suspended'])
  expect(held).toEqual(['run.step-ended 0', 'run.replay-ended held'])
  const lost = await replayed(async (ask) => {
    await twoSteps(ask)
    return { kind: 'lost', began: true, death: 'exited' }
  })
  expect(lost.outcome).toEqual(['run.step-ended 0', 'run.replay-ended lost'])
})

test('a replay that is held records the ends of its steps, and nothing else', async () => {
  const { frames, outcome } = await replayed(
    async (ask) => {
      await ask('step', step(0))
      const refused = ask('step', step(1))
      expect(await refused).toEqual({ kind: 'open' })
      await ask('wait', { position: 2, name: 'paid', event: 'paid' })
      expect(await ask('step-ended', end(0))).toEqual({ kind: 'ok' })
      return suspended
    },
    (frame) => (frame.includes('run.step-started 1') ? 'held' : 'in'),
  )
  expect(frames.at(-1)).toEqual([false, 'run.step-ended 0'])
  expect(outcome).toEqual(['run.replay-ended held'])
})
