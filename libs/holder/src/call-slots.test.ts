import { expect, test } from 'vitest'
import { CallSlots, type Slot } from './call-slots.ts'

function world(most: number) {
  const memory = { left: true }
  let at = 0
  const slots = new CallSlots({ most, room: () => memory.left, now: () => at++ })
  const granted: string[] = []
  const held = new Map<string, Slot>()
  const wait = (session: string, group = 'agent', principal = '') =>
    slots.wait({ session, principal, group, pool: 'default' }, (slot) => {
      granted.push(session)
      held.set(session, slot)
    })
  /** All slots are taken; each is freed by disposing of it. */
  const fill = () => Array.from({ length: most }, () => slots.force())
  return { slots, granted, held, wait, fill, memory }
}

const grants = () => new Promise((resolve) => setImmediate(resolve))

test('who comes while there is a slot has it at once; who comes later waits for one', async () => {
  const { slots, wait, granted } = world(1)
  const first = slots.take()
  expect(first).not.toBeNull()
  expect(slots.take()).toBeNull()
  wait('s')
  await grants()
  expect(granted).toEqual([])
  first?.[Symbol.dispose]()
  await grants()
  expect(granted).toEqual(['s'])
  expect(slots).toMatchObject({ taken: 1, waiting: 0 })
})

test('sessions of one agent are served in order of arrival', async () => {
  const { fill, wait, granted } = world(3)
  const slots = fill()
  for (const session of ['a', 'b', 'c']) wait(session)
  for (const slot of slots) slot[Symbol.dispose]()
  await grants()
  expect(granted).toEqual(['a', 'b', 'c'])
})

test('agents have their turns: many sessions of one do not put off the one of another', async () => {
  const { fill, wait, granted } = world(4)
  const slots = fill()
  for (const session of ['a1', 'a2', 'a3']) wait(session, 'a')
  wait('b1', 'b')
  for (const slot of slots) slot[Symbol.dispose]()
  await grants()
  expect(granted).toEqual(['a1', 'b1', 'a2', 'a3'])
})

test('principals have their turns, whatever their agents and however many wait', async () => {
  const { slots, wait, granted } = world(8)
  const held = [...Array.from({ length: 8 }, () => slots.force('ann')), slots.force('dan'), slots.force('eve')]
  for (let at = 1; at <= 300; at++) wait(`a${at}`, `agent ${at % 7}`, 'ann')
  for (const session of ['b1', 'b2', 'b3']) wait(session, session === 'b2' ? 'other' : 'agent', 'bob')
  wait('c1', 'agent', 'cleo')
  await grants()
  expect(granted).toEqual([])
  for (const slot of held) slot[Symbol.dispose]()
  await grants()
  // Who has none first, then ann and bob in turns, and bob's agents in turns too; of ten slots one is kept for who has none.
  expect(granted).toEqual(['b1', 'c1', 'a1', 'b2', 'a2', 'b3', 'a3', 'a4', 'a5'])
  expect(slots).toMatchObject({ taken: 9, waiting: 295 })
})

test('one principal has so many slots at most, and a few more are for others, though all of the first never end', async () => {
  const { slots, wait, granted } = world(8)
  for (let at = 0; at < 8; at++) expect(slots.take('ann')).not.toBeNull()
  expect(slots.take('ann')).toBeNull()
  expect(slots.full()).toBe(true)
  for (let at = 1; at <= 300; at++) wait(`a${at}`, 'agent', 'ann')
  const bobs = slots.take('bob')
  expect(bobs).not.toBeNull()
  expect(slots.take('bob')).toBeNull()
  expect(slots.take('cleo')).not.toBeNull()
  wait('d1', 'agent', 'dan')
  await grants()
  expect(granted).toEqual([])
  bobs?.[Symbol.dispose]()
  await grants()
  expect(granted).toEqual(['d1'])
  expect(slots).toMatchObject({ taken: 10, waiting: 300 })
})

test('however many take all that they can and never end, there is a slot for who has none', () => {
  const { slots } = world(1000)
  const had: number[] = []
  for (let greedy = 0; greedy < 6; greedy++) {
    let count = 0
    while (slots.take(`greedy ${greedy}`)) count++
    had.push(count)
  }
  expect(had).toEqual([1000, 111, 12, 1, 1, 0])
})

test('who waits for memory is served before who comes when there is some again', async () => {
  const { slots, memory, wait, granted } = world(8)
  slots.force('ann')
  memory.left = false
  wait('a1', 'agent', 'ann')
  wait('b1', 'agent', 'bob')
  memory.left = true
  expect(slots.take('cleo')).not.toBeNull()
  await grants()
  expect(granted).toEqual(['a1', 'b1'])
})

test('a slot that is freed goes to who waits, not to who comes then', async () => {
  const { slots, fill, wait, held } = world(1)
  const [only] = fill()
  wait('s')
  only?.[Symbol.dispose]()
  expect(slots.take()).toBeNull()
  await grants()
  held.get('s')?.[Symbol.dispose]()
  expect(slots.take()).not.toBeNull()
})

test('who leaves the queue is not served, and hides nobody behind it', async () => {
  const { slots, fill, wait, granted } = world(1)
  const [only] = fill()
  const place = wait('gone', 'a')
  wait('next', 'b')
  place.leave()
  place.leave()
  expect(slots.queued().map(({ session }) => session)).toEqual(['next'])
  only?.[Symbol.dispose]()
  await grants()
  expect(granted).toEqual(['next'])
})

test('a slot is freed once, however often it is disposed of', () => {
  const { slots } = world(2)
  const slot = slots.force()
  slots.force()
  slot[Symbol.dispose]()
  slot[Symbol.dispose]()
  expect(slots.taken).toBe(1)
})

test('while memory is scarce nobody is let in but one, and who waits is served when there is some again', async () => {
  const { slots, memory, wait, granted } = world(10)
  memory.left = false
  expect(slots.take()).not.toBeNull()
  expect(slots.take()).toBeNull()
  wait('s')
  slots.serve()
  await grants()
  expect(granted).toEqual([])
  memory.left = true
  slots.serve()
  await grants()
  expect(granted).toEqual(['s'])
})

test('it says who waits, in order of arrival, whatever the agent, and how long the first has', () => {
  const { slots, fill, wait } = world(1)
  fill()
  wait('a1', 'a')
  wait('b1', 'b')
  wait('a2', 'a')
  expect(slots.queued().map(({ session }) => session)).toEqual(['a1', 'b1', 'a2'])
  expect(slots.oldestMs()).toBeGreaterThan(0)
})
