import { BrokerUnavailable } from '@reins/broker'
import { silentLog } from '@reins/telemetry'
import { expect, test } from 'vitest'
import { type RunningLook, runLook } from './look.ts'

/** Looks once at these, and resolves when the look has ended. */
async function lookAt(
  sessions: readonly string[],
  look: (session: string) => Promise<string | undefined>,
  over: (running: RunningLook) => void = () => {},
): Promise<{ readonly looked: readonly string[]; readonly unreadable: number }> {
  const looked: string[] = []
  const ended = Promise.withResolvers<number>()
  const running = runLook({
    archivist: {
      sessionsSaid: async function* () {
        for (const session of sessions) yield [session]
      },
      look,
    },
    clock: { now: () => 5, random: () => 0.5 },
    log: silentLog,
    everyMs: 60_000,
    on: (what) => ('looked' in what ? looked.push(what.looked) : ended.resolve(what.unreadable)),
  })
  const unreadable = await ended.promise
  over(running)
  await running.close()
  return { looked, unreadable }
}

test('each session is looked at, and what cannot be read is named and stops none of the others', async () => {
  const found = await lookAt(
    ['a', 'b', 'c', 'd'],
    async (session) => (session === 'b' || session === 'c' ? `${session} is damaged` : undefined),
    (running) => {
      expect(running.unreadable()).toEqual(['b', 'c'])
      expect(running.found()).toEqual({ at: 5, sessions: 4, unreadable: 2, named: ['b', 'c'] })
    },
  )
  expect(found).toEqual({ looked: ['a', 'b', 'c', 'd'], unreadable: 2 })
})

test('a broker that is away is asked again, and damages nothing', async () => {
  let away = 1
  const found = await lookAt(['a', 'b'], async () => {
    if (away-- > 0) throw new BrokerUnavailable('reading')
    return undefined
  })
  expect(found).toEqual({ looked: ['a', 'b'], unreadable: 0 })
})
