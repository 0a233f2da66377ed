// Model calls that go out together with the frames that announce them (PROTOCOL 4b).
import { expect, test } from 'vitest'
import { ExecutorWorld, session, until } from './world.ts'

const announces = (events: readonly { readonly type: string }[]): boolean =>
  events.some(({ type }) => type === 'model-call.started')

/** The first announcement waits for `letGo`. */
function heldAnnouncement(world: ExecutorWorld): { letGo(): void; readonly reached: Promise<void> } {
  const [gate, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let first = true
  world.beforeAppend = (_by, events) => {
    if (!first || !announces(events)) return undefined
    first = false
    reached.resolve()
    return gate.promise
  }
  return { letGo: () => gate.resolve(), reached: reached.promise }
}

test('the call is made while its announcement is on its way; its answer waits for that', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1', { earlyCalls: true })
  const held = heldAnnouncement(world)
  await world.begin()
  ;(await world.call(1)).text('hello')
  await new Promise((resolve) => setImmediate(resolve))
  expect(await world.log()).toEqual(['session.started', 'message.received'])
  held.letGo()
  await world.quiet()
  expect((await world.log()).slice(2)).toEqual([
    'turn.started',
    'model-call.started',
    'model-call.completed',
    'turn.completed',
  ])
  expect(world.calls).toHaveLength(1)
  expect([...executor.holds]).toEqual([])
  expect(executor.slots.taken).toBe(0)
})

test('a call whose announcement is refused is aborted, and its answer is nobody’s; the next one is announced first', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1', { earlyCalls: true })
  const held = heldAnnouncement(world)
  await world.begin()
  const dropped = await world.call(1)
  await world.append('gateway', 'g', [{ type: 'session.renamed', data: { title: 'x' } }])
  const again = heldAnnouncement(world)
  held.letGo()
  await again.reached
  await until(() => dropped.aborted())
  await new Promise((resolve) => setImmediate(resolve))
  expect(world.calls).toHaveLength(1)
  again.letGo()
  ;(await world.call(2)).text('the answer that counts')
  await world.quiet()
  expect((await world.log()).filter((type) => type.startsWith('model-call'))).toEqual([
    'model-call.started',
    'model-call.completed',
  ])
  expect((await world.folded()).lastText).toBe('the answer that counts')
  expect(executor.slots.taken).toBe(0)
})

test('a call that a cancel has closed by the time its announcement is known to be in is aborted', async () => {
  let lost = false
  const world: ExecutorWorld = new ExecutorWorld({
    faults: {
      loseAck: (_session, frame) => {
        if (lost || /^w\d+$/.test(frame)) return false
        lost = true
        return true
      },
      beforeRetry: async () => void (await world.cancel()),
    },
  })
  const executor = await world.executor('e1', { earlyCalls: true })
  await world.begin()
  const call = await world.call(1)
  await until(async () => (await world.log()).includes('turn.cancelled'))
  await world.quiet()
  expect(call.aborted()).toBe(true)
  expect((await world.log()).filter((type) => type === 'model-call.completed')).toEqual([])
  expect(world.calls).toHaveLength(1)
  expect([...executor.holds]).toEqual([])
  await until(() => executor.slots.taken === 0)
})

test('an executor that dies before its announcement is in has made a call that nobody knows of', async () => {
  const world = new ExecutorWorld()
  const first = await world.executor('e1', { earlyCalls: true })
  heldAnnouncement(world)
  await world.begin()
  await world.call(1)
  await first.kill()
  await world.executor('e2', { earlyCalls: true })
  world.later()
  ;(await world.call(2)).text('hello')
  await world.quiet()
  expect((await world.log()).slice(2)).toEqual([
    'turn.started',
    'model-call.started',
    'model-call.completed',
    'turn.completed',
  ])
})

test.each([
  ['the executor is told not to', { earlyCalls: false }, []],
  [
    'its session has a budget',
    { earlyCalls: true },
    [{ type: 'budget.declared' as const, data: { tokens: 1_000_000 } }],
  ],
])('no call goes out early where %s', async (_, options, declared) => {
  const world = new ExecutorWorld()
  await world.executor('e1', options)
  const held = heldAnnouncement(world)
  await world.begin({ declared })
  await held.reached
  await new Promise((resolve) => setImmediate(resolve))
  expect(world.calls).toEqual([])
  held.letGo()
  ;(await world.call(1)).text('hello')
  await world.quiet()
  expect((await world.log(session)).at(-1)).toBe('turn.completed')
})

test('no call goes out early whose provider takes so many', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1', { earlyCalls: true })
  executor.quotas.free = () => false
  const held = heldAnnouncement(world)
  await world.begin()
  await held.reached
  await new Promise((resolve) => setImmediate(resolve))
  expect(world.calls).toEqual([])
  held.letGo()
  ;(await world.call(1)).text('hello')
  await world.quiet()
})
