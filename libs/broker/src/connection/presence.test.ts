import { decodeHeartbeat, type Heartbeat, type Holding, type QueuedSession } from '@reins/contracts'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Broker, RequestOutcome } from './broker.ts'
import { startPresence } from './presence.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const held: Holding = { session: 's', call: 'c', attempt: 1 }
const reply = (running: boolean, taken?: boolean): RequestOutcome =>
  ({ kind: 'reply', msg: { string: () => JSON.stringify({ running, taken }) } }) as unknown as RequestOutcome

const models = { callable: ['scripted'], keyless: [{ provider: 'openai', setting: 'OPENAI_API_KEY' }] }

/** One instance, `me`, whose broker the test plays. */
function world() {
  const heard: ((beat: Heartbeat | string) => void)[] = []
  const gone: string[] = []
  const told: string[] = []
  const asked: string[] = []
  const broker = { answers: true, connected: true, lastReconnect: Number.NEGATIVE_INFINITY }
  let reconnected = () => {}
  let rechecks = 0
  let recheck = async (): Promise<void> => undefined
  /** Instances that answer, and what. */
  const answers = new Map<string, boolean>()
  /** Instances that take what they are given. */
  const takes = new Set<string>()
  const queued: readonly QueuedSession[] = []
  const presence = startPresence(
    {
      nc: {
        publish: (_: string, text: string) => void told.push(text),
        subscribe: (subject: string, { callback }: { callback: (error: null, msg: unknown) => void }) => {
          if (subject.startsWith('hb.'))
            heard.push((beat) =>
              callback(null, { string: () => (typeof beat === 'string' ? beat : JSON.stringify(beat)) }),
            )
          return { unsubscribe() {} }
        },
      },
      publish: () => undefined,
      request: async (subject: string, body: string, { withinMs }: { withinMs: number }) => {
        const instance = subject.slice('ctl.'.length)
        asked.push(instance)
        if (body.includes('"take"') && takes.has(instance)) return reply(false, true)
        const running = answers.get(instance)
        if (broker.connected && broker.answers && instance === 'me') return reply(false)
        if (broker.connected && broker.answers && running !== undefined) return reply(running)
        await new Promise((resolve) => setTimeout(resolve, withinMs))
        return { kind: 'timed-out' }
      },
      connected: () => broker.connected,
      lastReconnect: () => broker.lastReconnect,
      onReconnect: (on: () => void) => {
        reconnected = on
        return { close() {} }
      },
    } as unknown as Broker,
    {
      ...{ service: 'executor', instance: 'me', pools: () => [], labels: {}, ackWaitMs: 5000 },
      calls: () => ({ slots: 1, busy: 0 }),
      queued: () => queued,
      models: () => models,
      runs: () => false,
      abort: () => undefined,
      onGone: (instance) => gone.push(instance),
      recheck: async () => {
        rechecks++
        await recheck()
      },
    },
  )
  onTestFinished(() => presence.close())
  return {
    ...{ presence, broker, gone, told, asked, answers, takes },
    rechecks: () => rechecks,
    rechecking: (how: () => Promise<void>) => {
      recheck = how
    },
    beat: (instance: string, whole: readonly Holding[] = [held], more: Partial<Heartbeat> = {}) => {
      for (const hear of heard) hear({ instance, pools: [], labels: {}, slots: 1, busy: 1, whole, ...more })
    },
    garbage: (said: string) => {
      for (const hear of heard) hear(said)
    },
    reconnect: () => {
      broker.connected = true
      broker.lastReconnect = performance.now()
      reconnected()
    },
  }
}

test('with the whole, an executor says whose models it can call', () => {
  const { told } = world()
  vi.advanceTimersByTime(600)
  const beats = told.map((text) => decodeHeartbeat(text))
  expect(beats.length).toBeGreaterThan(1)
  expect(beats.flatMap((beat) => beat?.models ?? [])).toEqual([models])
})

test('an instance that falls silent and does not answer is gone, once', async () => {
  const { beat, gone } = world()
  beat('other')
  await vi.advanceTimersByTimeAsync(5000)
  expect(gone).toEqual(['other'])
})

test('an instance that is silent and answers is not gone', async () => {
  const { beat, gone, answers } = world()
  answers.set('other', true)
  beat('other')
  await vi.advanceTimersByTimeAsync(5000)
  expect(gone).toEqual([])
})

test('while the broker is away nobody is gone; who answers after it is back is not gone either', async () => {
  const { beat, gone, answers, broker, reconnect, presence } = world()
  beat('other')
  const answer = presence.ask('other', held)
  broker.connected = false
  await vi.advanceTimersByTimeAsync(10_000)
  expect(gone).toEqual([])
  expect(presence.suspect()).toBe(true)
  reconnect()
  await vi.advanceTimersByTimeAsync(500)
  answers.set('other', true)
  await vi.advanceTimersByTimeAsync(5000)
  expect(gone).toEqual([])
  expect(await answer).toBe('running')
})

test('a broker that answers nobody says nothing about an owner', async () => {
  const { beat, gone, answers, broker } = world()
  beat('other')
  broker.answers = false
  await vi.advanceTimersByTimeAsync(10_000)
  expect(gone).toEqual([])
  broker.answers = true
  answers.set('other', true)
  await vi.advanceTimersByTimeAsync(5000)
  expect(gone).toEqual([])
})

test('a process that has slept is suspect before its next beat', () => {
  const { presence } = world()
  expect(presence.suspect()).toBe(false)
  // Time passes, and no timer runs: as after a stall.
  const real = performance.now()
  vi.spyOn(performance, 'now').mockReturnValue(real + 60_000)
  expect(presence.suspect()).toBe(true)
  vi.restoreAllMocks()
})

test('a second reconnect while the first is being looked into is looked into as well', async () => {
  const { presence, reconnect, rechecks, rechecking } = world()
  let done = () => {}
  rechecking(() => new Promise((resolve) => (done = resolve)))
  reconnect()
  reconnect()
  done()
  await vi.advanceTimersByTimeAsync(1)
  expect(rechecks()).toBe(2)
  expect(presence.suspect()).toBe(true)
  done()
  await vi.advanceTimersByTimeAsync(1)
  expect(presence.suspect()).toBe(false)
})

test.each([
  'garbage',
  'null',
  '[]',
  '{}',
  '{"instance":"x"}',
  '{"instance":"x","pools":"all","labels":{},"slots":1,"busy":0}',
  '{"instance":"x","pools":[],"labels":{},"slots":1,"busy":0,"whole":[null]}',
])('a heartbeat that is none is as good as unsaid: %s', (said) => {
  const { garbage, beat, presence } = world()
  garbage(said)
  beat('other')
  expect(presence.suspect()).toBe(false)
})

const given = { session: 's', pool: 'p', seq: 7, handle: '$JS.ACK.SES.exec-p.1.7.1.1.0' }
const roomy = { pools: ['p'], slots: 4, busy: 1, takes: true }

test('a trigger is given to an instance of the pool that takes some, has room, and says that it has it', async () => {
  const { presence, beat, takes, answers } = world()
  beat('other', [], roomy)
  expect([presence.takers('p'), presence.takers('q')]).toEqual([true, false])
  takes.add('other')
  expect(await presence.give('other', given)).toBe(true)
  takes.delete('other')
  answers.set('other', false)
  expect(await presence.give('other', given)).toBe(false)
})

test('it is kept, and nobody is asked, where that instance is unknown, silent, full, leaving or of an older build', async () => {
  const { presence, beat, takes, asked } = world()
  takes.add('other')
  expect(await presence.give('other', given)).toBe(false)
  for (const change of [{ takes: false }, { busy: 4 }, { leaving: true }, { pools: ['q'] }]) {
    beat('other', [held], { ...roomy, ...change })
    expect(await presence.give('other', given)).toBe(false)
  }
  beat('other', [held], roomy)
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 900)
  expect(await presence.give('other', given)).toBe(false)
  vi.restoreAllMocks()
  expect(asked).toEqual([])
})

test('it is kept where the answer does not come in time', async () => {
  const { presence, beat } = world()
  beat('other', [], roomy)
  const answer = presence.give('other', given)
  await vi.advanceTimersByTimeAsync(100)
  expect(await answer).toBe(false)
})
