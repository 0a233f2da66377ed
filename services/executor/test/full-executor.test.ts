// An executor whose slots for model calls are all taken (A7 of session-actor.ts).
import { expect, test } from 'vitest'
import { ExecutorWorld, session, until } from './world.ts'

const second = '01JZZZZZZZZZZZZZZZZZZZZZZ2'
const third = '01JZZZZZZZZZZZZZZZZZZZZZZ3'
const fourth = '01JZZZZZZZZZZZZZZZZZZZZZZ4'

/** One executor with one slot, and the call of the first session in it. */
async function full() {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1', { modelCalls: 1 })
  await world.begin()
  const call = await world.call(1)
  const queued = () => executor.slots.queued().map(({ session: id }) => id)
  /** The session begins, and waits for the slot. */
  const queue = async (id: string, agent = 'a') => {
    const before = queued().length
    await world.begin({ id, agent })
    await until(() => queued().length > before)
  }
  return { world, executor, call, queued, queue }
}

test('a session that there is no slot for holds its trigger and begins nothing, and goes on when there is one', async () => {
  const { world, call, queue, queued } = await full()
  await queue(second)
  expect(await world.log(second)).toEqual(['session.started', 'message.received'])
  expect(await world.open()).toBe(2)
  call.text('one')
  ;(await world.call(2)).text('two')
  await world.quiet()
  expect(queued()).toEqual([])
  expect((await world.log(second)).at(-1)).toBe('turn.completed')
  expect(await world.open()).toBe(0)
})

test.each([
  ['a cancel', {}, 'turn.cancelled'],
  ['an end', { end: true }, 'session.ended'],
] as const)('%s of the session that has the slot is decided, and the next one has it', async (_what, more, last) => {
  const { world, call, queue } = await full()
  await queue(second)
  await world.cancel(session, more)
  ;(await world.call(2)).text('two')
  await world.quiet()
  expect(call.aborted()).toBe(true)
  expect((await world.log()).at(-1)).toBe(last)
  expect((await world.log(second)).at(-1)).toBe('turn.completed')
})

test.each([
  ['cancelled', {}, 'message.dropped'],
  ['ended', { end: true }, 'session.ended'],
] as const)(
  'a session that waits and is %s leaves the queue, and the slot is for who comes after it',
  async (_how, more, last) => {
    const { world, executor, call, queue, queued } = await full()
    await queue(second)
    await queue(third)
    await world.cancel(second, more)
    await until(() => queued().join() === third)
    expect((await world.log(second)).at(-1)).toBe(last)
    call.text('one')
    const next = await world.call(2)
    expect(next.session).toBe(third)
    next.text('three')
    await world.quiet()
    expect(executor.slots).toMatchObject({ taken: 0, waiting: 0 })
  },
)

test('an interrupt of the session that has the slot is decided; its message waits behind those that came before', async () => {
  const { world, call, queue, queued } = await full()
  await queue(second)
  await world.interrupt('m2')
  const next = await world.call(2)
  expect(call.aborted()).toBe(true)
  expect(next.session).toBe(second)
  await until(() => queued().join() === session)
  expect((await world.log()).at(-1)).toBe('turn.cancelled')
  next.text('two')
  ;(await world.call(3)).text('three')
  await world.quiet()
  expect((await world.log()).at(-1)).toBe('turn.completed')
  expect(await world.open()).toBe(0)
})

test('an interrupt while nobody else waits goes on in the slot of the call that it ended', async () => {
  const { world, executor, call } = await full()
  await world.interrupt('m2')
  ;(await world.call(2)).text('two')
  await world.quiet()
  expect(call.aborted()).toBe(true)
  expect((await world.folded()).turns).toBe(2)
  expect(executor.slots).toMatchObject({ taken: 0, waiting: 0 })
})

test('a session that has another message lets those that wait go first', async () => {
  const { world, call, queue } = await full()
  await queue(second)
  await world.say('m2')
  call.text('one')
  const next = await world.call(2)
  expect(next.session).toBe(second)
  next.text('two')
  const after = await world.call(3)
  expect(after.session).toBe(session)
  after.text('three')
  await world.quiet()
  expect((await world.folded()).turns).toBe(2)
  expect(await world.open()).toBe(0)
})

test('the sessions of one agent do not put off the one of another', async () => {
  const { world, call, queue } = await full()
  await queue(second, 'many')
  await queue(third, 'many')
  await queue(fourth, 'few')
  call.text('one')
  const order: string[] = []
  for (const number of [2, 3, 4]) {
    const next = await world.call(number)
    order.push(next.session)
    next.text('done')
  }
  expect(order).toEqual([second, fourth, third])
  await world.quiet()
})

test('what waits is handed to an executor that has a slot, and runs there', async () => {
  const { world, executor, call, queue, queued } = await full()
  await queue(second)
  await executor.close()
  await world.executor('e2')
  executor.actor(second).handOver()
  await until(() => queued().length === 0)
  world.later()
  const next = await world.call(2)
  expect(next).toMatchObject({ session: second, by: 'e2' })
  next.text('two')
  call.text('one')
  await world.quiet()
  expect(await world.open()).toBe(0)
})

test('what has its slot by now is not handed over', async () => {
  const { world, executor, call, queue } = await full()
  await queue(second)
  call.text('one')
  const next = await world.call(2)
  executor.actor(second).handOver()
  next.text('two')
  await world.quiet()
  expect((await world.log(second)).at(-1)).toBe('turn.completed')
  expect(world.said.filter(({ what }) => what === 'nak')).toEqual([])
})

test('a cancel that nobody was given is seen by the executor that runs the call, and decided there', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1', { followAfterMs: 0 })
  await world.begin()
  const call = await world.call(1)
  // It pulls nothing any more.
  await executor.close()
  await world.cancel()
  await until(() => call.aborted())
  await until(async () => (await world.log()).includes('turn.cancelled'))
  await until(() => executor.active.size === 0)
  // The trigger that brought it finds that nothing is due.
  await world.executor('e2')
  await until(async () => (await world.open()) === 0)
  expect((await world.log()).filter((type) => type === 'turn.cancelled')).toHaveLength(1)
})

test('an executor that is full leaves the calls of one that is gone to their triggers, and takes each over when it has a slot', async () => {
  const world = new ExecutorWorld()
  const first = await world.executor('e1')
  await world.begin({ id: second })
  const lost = await world.call(1)
  await first.close()
  const executor = await world.executor('e2', { modelCalls: 1 })
  await world.begin()
  const call = await world.call(2)
  await first.kill()
  const { turn } = await world.folded(second)
  executor.actor(second).lost({ session: second, call: `${turn?.model?.call}`, attempt: 1 })
  world.later()
  await until(() => executor.slots.waiting === 1)
  expect((await world.log(second)).at(-1)).toBe('model-call.started')
  call.text('one')
  const next = await world.call(3)
  expect(next.session).toBe(lost.session)
  next.text('two')
  await world.quiet()
  expect((await world.log(second)).slice(-4)).toEqual([
    'model-call.failed',
    'model-call.started 2',
    'model-call.completed 2',
    'turn.completed',
  ])
})
