import { type Frame, ReinsError, rootOf, type SessionEvent, toExec } from '@reins/contracts'
import { expect, test } from 'vitest'
import { ExecutorWorld, session, until } from './world.ts'

const plainTurn = [
  'session.started',
  'message.received',
  'turn.started',
  'model-call.started',
  'model-call.completed',
  'turn.completed',
]

/** Loses the ack of each frame of an executor once; `onTop` happens before it is sent again. */
function lostAcks(onTop: (count: number) => Promise<unknown>) {
  const lost = new Set<string>()
  return {
    loseAck: (_session: string, frame: string) => {
      const first = !/^w\d+$/.test(frame) && !lost.has(frame)
      if (first) lost.add(frame)
      return first
    },
    beforeRetry: async () => {
      await onTop(lost.size)
    },
  }
}

test('a plain turn: two appends, one model call, the trigger acked', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1')
  const trigger = await world.begin()
  ;(await world.call(1)).text('hello')
  await world.quiet()
  expect(await world.log()).toEqual(plainTurn)
  expect((await world.frames()).at(-1)).toMatchObject({ n: 3, status: 'idle' })
  expect(world.said).toEqual([{ seq: trigger.seq, by: 'e1', what: 'ack' }])
  expect([...executor.holds]).toEqual([])
})

test('a tool turn: the answer and its request are one frame, the outcome wakes, the second answer ends the turn', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  ;(await world.call(1)).tools('shell')
  await world.quiet()
  expect((await world.frames()).at(-1)?.events.map(({ type }) => type)).toEqual([
    'model-call.completed',
    'tool-calls.requested',
  ])
  expect((await world.frames()).at(-1)?.status).toBe('waiting')
  await world.result(`${(await world.folded()).turn?.calls[0]?.call}`)
  ;(await world.call(2)).text('done')
  await world.quiet()
  expect((await world.log()).slice(-4)).toEqual([
    'tool-call.completed',
    'model-call.started',
    'model-call.completed',
    'turn.completed',
  ])
  expect(await world.open()).toBe(0)
})

test('an outcome that a message was before is appended on top of it, and the message is the next turn', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  const first = await world.call(1)
  await world.say('m2')
  first.text('one')
  ;(await world.call(2)).text('two')
  await world.quiet()
  expect((await world.log()).slice(4)).toEqual([
    'message.received',
    'model-call.completed',
    'turn.completed',
    'turn.started',
    'model-call.started',
    'model-call.completed',
    'turn.completed',
  ])
  expect(await world.open()).toBe(0)
})

test('acks that are lost, with other writers on top: each thing happens once', async () => {
  const world: ExecutorWorld = new ExecutorWorld({
    faults: lostAcks((count) => world.append('gateway', 'g', [renamed(`${count}`)])),
  })
  await world.executor('e1')
  await world.begin()
  ;(await world.call(1)).text('hello')
  await world.quiet()
  expect((await world.log()).filter((type) => type !== 'session.renamed' && type !== 'session.settled')).toEqual(
    plainTurn,
  )
  expect(world.calls).toHaveLength(1)
  expect(await world.open()).toBe(0)
})

test('an intent that is in, and by then cancelled, starts nothing', async () => {
  const world: ExecutorWorld = new ExecutorWorld({
    faults: lostAcks((count) => (count === 1 ? world.cancel() : Promise.resolve())),
  })
  const executor = await world.executor('e1')
  await world.begin()
  await until(async () => (await world.log()).includes('turn.cancelled'))
  await world.quiet()
  expect(world.calls).toEqual([])
  expect([...executor.holds]).toEqual([])
  expect(await world.open()).toBe(0)
})

test('a trigger that is delivered again while its call runs starts nothing, and is acked in the end', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  const call = await world.call(1)
  world.journal.restart()
  await until(async () => (await world.journal.work.backlog('exec', 'default')).inProgress === 1)
  call.text('hello')
  await world.quiet()
  expect(world.calls).toHaveLength(1)
  expect(await world.open()).toBe(0)
})

test('a call of an executor that was killed is taken over when its trigger comes again', async () => {
  const world = new ExecutorWorld()
  const first = await world.executor('e1')
  await world.begin()
  await world.call(1)
  await first.kill()
  await world.executor('e2')
  world.later()
  ;(await world.call(2)).text('hello')
  await world.quiet()
  expect((await world.log()).slice(3)).toEqual([
    'model-call.started',
    'model-call.failed',
    'model-call.started 2',
    'model-call.completed 2',
    'turn.completed',
  ])
  expect(await world.open()).toBe(0)
})

test('a call of an executor that lives is left to it: the trigger is given back', async () => {
  const world = new ExecutorWorld()
  const first = await world.executor('e1')
  const trigger = await world.begin()
  const call = await world.call(1)
  await first.close()
  await world.executor('e2')
  world.later()
  await until(() => world.said.length > 0)
  expect(world.said).toEqual([{ seq: trigger.seq, by: 'e2', what: 'nak' }])
  call.text('hello')
  await until(async () => (await world.log()).includes('turn.completed'))
  expect(world.calls).toHaveLength(1)
})

test('told that an owner is gone, an executor takes its call over without the trigger, and the trigger ends it', async () => {
  const world = new ExecutorWorld()
  const first = await world.executor('e1')
  await world.begin()
  await world.call(1)
  await first.kill()
  const second = await world.executor('e2')
  const { turn } = await world.folded()
  second.actor(session).lost({ session, call: `${turn?.model?.call}`, attempt: 1 })
  ;(await world.call(2)).tools('shell')
  await world.quiet()
  expect((await world.frames()).at(-1)).toMatchObject({ status: 'running' })
  world.later()
  await until(async () => (await world.open()) === 0)
  expect((await world.frames()).at(-1)).toMatchObject({ status: 'waiting' })
  expect((await world.log()).slice(-1)).toEqual(['session.settled'])
})

test('who loses a call forgets its trigger: the winner alone says something of it', async () => {
  const world = new ExecutorWorld()
  const loser = await world.executor('e1')
  const trigger = await world.begin()
  const lost = await world.call(1)
  // It hears of nothing, and is heard by nobody, for a while.
  await loser.close()
  world.executors.delete('e1')
  await world.executor('e2')
  world.later()
  const won = await world.call(2)
  lost.text('late')
  await until(() => loser.active.size === 0)
  expect(world.said).toEqual([])
  won.text('hello')
  await world.quiet()
  expect(world.said).toEqual([{ seq: trigger.seq, by: 'e2', what: 'ack' }])
  expect((await world.log()).filter((type) => type.startsWith('model-call.completed'))).toEqual([
    'model-call.completed 2',
  ])
})

test('a cancel stops the call that runs here, and ends the turn', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1')
  await world.begin()
  const call = await world.call(1)
  await world.cancel()
  await world.quiet()
  expect(call.aborted()).toBe(true)
  expect((await world.log()).slice(-3)).toEqual(['cancel.requested', 'model-call.failed', 'turn.cancelled'])
  expect([...executor.holds]).toEqual([])
  expect(await world.open()).toBe(0)
})

test('a cancel that another executor is given stops the call at its owner', async () => {
  const world = new ExecutorWorld()
  const owner = await world.executor('e1')
  await world.begin()
  const call = await world.call(1)
  await owner.close()
  await world.executor('e2')
  await world.cancel()
  await until(() => call.aborted())
  expect(world.aborts).toHaveLength(1)
  await until(() => owner.active.size === 0)
  world.later()
  await until(async () => (await world.open()) === 0)
})

test('a cancel that is delivered twice before it is looked at is still looked at', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1')
  await world.begin()
  const call = await world.call(1)
  await executor.close()
  const frame = await world.cancel()
  const trigger = {
    ...{ session, frame, to: toExec('default'), ageMs: 0, earlier: false, handle: 'h' },
    ...{ ack: () => undefined, nak: () => undefined, working: () => undefined },
  }
  executor.actor(session).deliver({ ...trigger, redelivered: false })
  executor.actor(session).deliver({ ...trigger, redelivered: true })
  await until(() => call.aborted())
})

test('while it is paused a call ends and is recorded, and nothing new starts until it is resumed', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  const call = await world.call(1)
  await world.steer('session.paused')
  call.tools('shell')
  await world.quiet()
  expect((await world.log()).slice(-2)).toEqual(['session.paused', 'model-call.completed'])
  expect(await world.open()).toBe(0)
  await world.steer('session.resumed')
  await world.quiet()
  expect((await world.log()).slice(-2)).toEqual(['session.resumed', 'tool-calls.requested'])
})

test('a call that the provider puts off is waited for by a timer that is armed before the trigger is acked', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  ;(await world.call(1)).fail('overloaded')
  await world.quiet()
  expect((await world.log()).slice(-2)).toEqual(['model-call.throttled', 'timer.armed'])
  const fired: string[] = []
  await world.journal.timers.consumeFired(
    async (_session, timer) => void fired.push(timer),
    () => undefined,
  )
  world.later()
  await until(() => fired.length === 1)
  await world.append('memory', 'm', [{ type: 'timer.fired', data: { timer: `${fired[0]}` } }], toExec('default'))
  ;(await world.call(2)).text('hello')
  await world.quiet()
  expect((await world.log()).slice(-3)).toEqual(['model-call.started 2', 'model-call.completed 2', 'turn.completed'])
})

test('an outcome that the broker does not take leaves nothing held: the trigger comes again, and the call is made again', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1')
  await world.begin()
  const call = await world.call(1)
  world.beforeAppend = (_by, events) => {
    if (events.some(({ type }) => type === 'model-call.completed')) throw new Error('insufficient storage')
  }
  call.text('hello')
  await until(() => world.said.some(({ what }) => what === 'nak'))
  await world.quiet()
  expect([...executor.holds]).toEqual([])
  expect(world.reports).toHaveLength(1)
  world.beforeAppend = () => undefined
  world.later()
  ;(await world.call(2)).text('hello')
  await world.quiet()
  expect((await world.log()).slice(-2)).toEqual(['model-call.completed 2', 'turn.completed'])
})

test('an answer that no frame can hold fails its turn, not its session', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  world.beforeAppend = (_by, events) => {
    if (events.some(({ type }) => type === 'model-call.completed')) throw new RangeError('too large')
  }
  ;(await world.call(1)).text('hello')
  await world.quiet()
  expect((await world.log()).slice(-2)).toEqual(['model-call.failed', 'turn.failed'])
  expect(await world.open()).toBe(0)
})

test('what fails again and again is quarantined, and says so in its status', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  world.beforeAppend = (_by, events) => {
    if (events.some(({ type }) => type === 'turn.started')) throw new Error('a bug')
  }
  await world.begin()
  for (let failures = 1; failures <= 5; failures++) {
    await until(() => world.reports.length === failures)
    await world.quiet()
    world.later()
  }
  await world.quiet()
  expect((await world.frames()).at(-1)).toMatchObject({ status: 'quarantined' })
  await until(async () => (await world.open()) === 0)
})

test('a session that goes on behind one which was erased is quarantined at once, and nobody is handed it again', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  world.beforeAppend = (_by, events) => {
    if (events.some(({ type }) => type === 'turn.started'))
      throw new ReinsError('session_erased', 'It goes on behind S.')
  }
  await world.begin()
  await until(async () => (await world.open()) === 0)
  expect((await world.frames()).at(-1)).toMatchObject({
    status: 'quarantined',
    events: [{ type: 'session.quarantined', data: { reason: 'It goes on behind S.' } }],
  })
  expect(world.reports).toHaveLength(1)
})

test('at shutdown a call is given back at once, and another executor makes it again', async () => {
  const world = new ExecutorWorld()
  const first = await world.executor('e1')
  const trigger = await world.begin()
  const call = await world.call(1)
  await first.close()
  await first.actor(session).release()
  expect(call.aborted()).toBe(true)
  expect(world.said).toEqual([{ seq: trigger.seq, by: 'e1', what: 'nak' }])
  await world.executor('e2')
  world.later()
  ;(await world.call(2)).text('hello')
  await until(async () => (await world.log()).includes('turn.completed'))
  await world.quiet()
  expect(await world.open()).toBe(0)
})

// --- delegation ---

const renamed = (title: string): SessionEvent => ({ type: 'session.renamed', data: { title } })
const childOf = (frames: readonly Frame[]): string =>
  frames.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'delegation.requested' ? [event.data.child] : [])),
  )[0] ?? ''

test('a delegation inside one pool: the child is made, answers, and the parent goes on with its answer', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin({ agents: true })
  ;(await world.call(1)).delegate('count')
  const below = await world.call(2)
  expect(rootOf(below.session)).toBe(session)
  below.text('four')
  const above = await world.call(3)
  expect(above.session).toBe(session)
  above.text('it is four')
  await world.quiet()
  expect((await world.folded()).turns).toBe(1)
  expect((await world.log()).filter((type) => type === 'delegation.settled')).toHaveLength(1)
  expect(await world.log(below.session)).toEqual(plainTurn)
  expect(await world.open()).toBe(0)
})

test('a trigger whose errand is not done is not acked by another of its session that is at rest', async () => {
  const world = new ExecutorWorld()
  const executor = await world.executor('e1')
  await world.begin({ agents: true })
  // The child cannot be made yet: its first frame is not taken.
  world.beforeAppend = (_by, events) => {
    if (events.some(({ type }) => type === 'session.started')) throw new Error('not now')
  }
  ;(await world.call(1)).delegate('count')
  await until(() => world.reports.length > 0)
  await until(() => executor.active.size === 0)
  world.beforeAppend = () => undefined
  world.later()
  const child = await world.call(2)
  expect(child.session).toBe(childOf(await world.frames()))
  child.text('four')
  ;(await world.call(3)).text('done')
  await world.quiet()
  expect(await world.open()).toBe(0)
})

test('a cancel of the parent cancels the child, settles nothing twice, and has one receipt', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin({ agents: true })
  ;(await world.call(1)).delegate('count')
  const child = await world.call(2)
  await world.cancel()
  await until(() => child.aborted())
  await world.quiet()
  const settled = (await world.frames()).flatMap(({ events }) => events.filter(isSettlement))
  expect(settled.map(({ data }) => [data.status, data.stopped !== undefined])).toEqual([
    ['cancelled', false],
    ['cancelled', true],
  ])
  expect((await world.log()).slice(-2)).toEqual(['turn.cancelled', 'delegation.settled'])
  expect((await world.log(child.session)).slice(-1)).toEqual(['turn.cancelled'])
  expect(await world.open()).toBe(0)
})

const isSettlement = (event: SessionEvent) => event.type === 'delegation.settled'

test('a child that is cancelled before it is made is never made', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin({ agents: true })
  world.beforeAppend = (_by, events) => {
    if (events.some(({ type }) => type === 'session.started')) throw new Error('not now')
  }
  ;(await world.call(1)).delegate('count')
  await until(() => world.reports.length > 0)
  const child = childOf(await world.frames())
  await world.cancel()
  await until(async () => (await world.log(child)).length > 0)
  world.beforeAppend = () => undefined
  for (let rounds = 0; rounds < 3; rounds++) {
    await world.quiet()
    world.later()
  }
  await world.quiet()
  expect(await world.log(child)).toEqual(['cancel.requested'])
  expect((await world.frames(child))[0]).toMatchObject({ status: 'ended', pool: 'default' })
  expect(world.calls).toHaveLength(1)
  expect(await world.open()).toBe(0)
})

test('a parent is not taken for one that does not wait on the word of a copy that lags', async () => {
  let stale = false
  const world = new ExecutorWorld({ faults: { staleBy: (id) => (stale && id === session ? 2 : 0) } })
  await world.executor('e1')
  await world.begin({ agents: true })
  ;(await world.call(1)).delegate('count')
  const child = await world.call(2)
  stale = true
  child.text('four')
  ;(await world.call(3)).text('done')
  await world.quiet()
  expect((await world.folded()).turns).toBe(1)
})

test('on any trigger of an idle child, the call of its parent is settled that was not', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin({ agents: true })
  ;(await world.call(1)).delegate('count')
  const child = await world.call(2)
  world.beforeAppend = (_by, events) => {
    if (events.some(({ type }) => type === 'delegation.settled')) throw new Error('not now')
  }
  child.text('four')
  await until(() => world.reports.length > 0)
  await world.quiet()
  // The triggers that asked for it do not come again in this test.
  world.beforeAppend = () => undefined
  await world.append('gateway', 'g', [renamed('again')], toExec('default'), undefined, child.session)
  ;(await world.call(3)).text('done')
  await world.quiet()
  expect((await world.folded()).turns).toBe(1)
})

test('everything that follows from a message belongs to its trace, also when another executor goes on with it', async () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const world = new ExecutorWorld()
  const first = await world.executor('e1')
  await world.begin({ trace })
  await world.call(1)
  await first.kill()
  await world.executor('e2')
  world.later()
  ;(await world.call(2)).tools('shell')
  await world.quiet()
  const frames = await world.frames()
  expect(frames.map(({ events }) => events[0]?.type)).toEqual([
    'session.started',
    'turn.started',
    'model-call.failed',
    'model-call.completed',
  ])
  expect(frames.map((frame) => frame.trace)).toEqual(frames.map(() => trace))
})

/** What only a newer version of Reins says, and understands. */
const newer = { type: 'turn.imagined', data: { turn: 't1' } } as unknown as SessionEvent

test('a session in which a newer process has spoken is given back, not decided on and not quarantined', async () => {
  const world = new ExecutorWorld()
  await world.append('gateway-newer', 'g', [newer])
  await world.executor('e1')
  const trigger = await world.begin()
  await until(() => world.said.length > 0)
  expect(world.said).toEqual([{ seq: trigger.seq, by: 'e1', what: 'nak' }])
  expect(world.calls).toEqual([])
  expect((await world.frames()).length).toBe(2)
})

test('a trigger that is itself beyond this version is given back', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  ;(await world.call(1)).text('hello')
  await world.quiet()
  const trigger = await world.append('executor-newer', 'e', [newer], toExec('default'))
  await until(() => world.said.length > 1)
  expect(world.said.at(-1)).toEqual({ seq: trigger.seq, by: 'e1', what: 'nak' })
  expect((await world.frames()).at(-1)?.seq).toBe(trigger.seq)
})

test('a model call that runs when a newer process speaks is recorded with the status of the head, and nothing follows', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  const trigger = await world.begin()
  const call = await world.call(1)
  await world.append('gateway-newer', 'g', [newer], undefined, 'waiting')
  call.tools('shell')
  await world.quiet()
  const last = (await world.frames()).at(-1)
  expect(last?.events.map(({ type }) => type)).toEqual(['model-call.completed'])
  expect(last?.status).toBe('waiting')
  expect(world.said).toEqual([{ seq: trigger.seq, by: 'e1', what: 'nak' }])
})

test('a parent in which a newer process has spoken is not settled by an older one, which gives the trigger back', async () => {
  const world = new ExecutorWorld()
  const older = await world.executor('e1')
  await world.begin({ agents: true })
  ;(await world.call(1)).delegate('count')
  const child = await world.call(2)
  await world.append('gateway-newer', 'g', [newer])
  child.text('done')
  await world.quiet()
  expect((await world.log()).includes('delegation.settled')).toBe(false)
  expect((await world.frames()).every(({ fault }) => fault === undefined)).toBe(true)
  expect(world.said.at(-1)?.what).toBe('nak')
  expect(older.holds.size).toBe(0)
})
