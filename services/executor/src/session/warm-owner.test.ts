import { type Frame, toExec } from '@reins/contracts'
import type { Trigger } from '@reins/journal'
import { expect, test } from 'vitest'
import { givenToWarm } from './warm-owner.ts'

const frame = (seq: number, role: Frame['role'], by: string): Frame => ({
  ...{
    seq,
    n: seq,
    hash: 'h',
    status: 'idle',
    pool: 'p',
    needs: 1,
    id: `f${seq}`,
    role,
    prev: seq - 1,
    at: 0,
    by,
    events: [],
  },
})

/** The last frames of a session, whose last is delivered to `me`. */
function world(...last: readonly (readonly [Frame['role'], string])[]) {
  const first = 40
  const frames = last.map(([role, by], at) => frame(first + at, role, by))
  const asked: string[] = []
  const says = { takers: true, taken: true, suspect: false }
  const context = {
    instance: 'me',
    sessions: { frameAt: async (_session: string, seq: number) => frames.find((one) => one.seq === seq) },
    presence: () => ({
      takers: () => says.takers,
      suspect: () => says.suspect,
      give: async (instance: string) => {
        asked.push(instance)
        return says.taken
      },
    }),
  }
  const newest = frames.at(-1) ?? frame(first, 'g', 'gateway')
  const trigger: Trigger = {
    ...{ session: 's', frame: newest, to: toExec('p'), ageMs: 1, redelivered: false, earlier: false, handle: 'h' },
    ...{ ack: () => undefined, nak: () => undefined, working: () => undefined },
  }
  return { asked, says, given: (change: Partial<Trigger> = {}) => givenToWarm(context, { ...trigger, ...change }) }
}

test('a message to a session goes to the executor that appended to it last', async () => {
  const { given, asked } = world(['e', 'old'], ['e', 'warm'], ['g', 'gateway'])
  expect(await given()).toBe(true)
  expect(asked).toEqual(['warm'])
})

test('also where tool-runners and people have appended since, a few frames back', async () => {
  const near = world(['e', 'warm'], ['t', 'runner'], ['t', 'runner'], ['g', 'gateway'])
  expect([await near.given(), near.asked]).toEqual([true, ['warm']])
  const far = world(['e', 'warm'], ['t', 'r'], ['t', 'r'], ['t', 'r'], ['t', 'r'], ['g', 'gateway'])
  expect([await far.given(), far.asked]).toEqual([false, []])
})

test('it stays here where the other one does not take it, or was this one', async () => {
  const { given, says } = world(['e', 'warm'], ['g', 'gateway'])
  says.taken = false
  expect(await given()).toBe(false)
  const mine = world(['e', 'me'], ['g', 'gateway'])
  expect([await mine.given(), mine.asked]).toEqual([false, []])
})

test('nothing goes round: what is delivered again, or was there before, is given to nobody', async () => {
  const { given, asked } = world(['e', 'warm'], ['g', 'gateway'])
  expect(await given({ redelivered: true })).toBe(false)
  expect(await given({ earlier: true })).toBe(false)
  expect(asked).toEqual([])
})

test('nobody is looked for where there is no other, where this process may have lost touch, or in a short session', async () => {
  const { given, says, asked } = world(['e', 'warm'], ['g', 'gateway'])
  says.takers = false
  expect(await given()).toBe(false)
  says.takers = true
  says.suspect = true
  expect(await given()).toBe(false)
  says.suspect = false
  expect(await given({ frame: { ...frame(41, 'g', 'gateway'), n: 15 } })).toBe(false)
  expect(asked).toEqual([])
})

test('a read that fails keeps it here', async () => {
  const { given } = world(['g', 'gateway'])
  expect(await given()).toBe(false)
})
