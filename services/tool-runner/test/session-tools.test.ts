import { expect, test } from 'vitest'
import { claim, me, RunnerWorld, result, session } from './world.ts'

test('the last outcome of an answer wakes the executor', async () => {
  const world = new RunnerWorld()
  const asked = await world.ask({ a: 'safe' })
  const delivered = world.deliver(asked)
  expect((await world.mine('tool-call.completed', 'a')).wakes).toBe(true)
  await expect.poll(() => delivered.acked()).toBe(true)
})

test('while another call of the same request is open elsewhere, an outcome wakes nobody', async () => {
  const world = new RunnerWorld()
  world.alive.add('tool-runner-other')
  const asked = await world.ask({ a: 'never', b: 'safe' })
  await world.append('tool-runner-other', 't', [claim('a')])
  world.deliver(asked, { redelivered: true })
  expect((await world.mine('tool-call.completed', 'b')).wakes).toBe(false)
})

test('a call that it waits for, closed by its owner in frames that it has not read, does not hide that nothing is open', async () => {
  const world = new RunnerWorld()
  world.alive.add('tool-runner-other')
  const first = await world.ask({ a: 'never' })
  await world.append('tool-runner-other', 't', [claim('a')])
  // It is redelivered here: the owner lives, so this runner waits and asks again later.
  world.deliver(first, { redelivered: true })
  await world.tools.recheck()
  await world.append('tool-runner-other', 't', [result('a')])
  const second = await world.ask({ b: 'safe' })
  world.deliver(second)
  expect((await world.mine('tool-call.completed', 'b')).wakes).toBe(true)
})

test('a request that was only just handed over, and has long been answered, does not hide that nothing is open', async () => {
  const world = new RunnerWorld()
  const first = await world.ask({ a: 'safe' })
  await world.append('tool-runner-other', 't', [result('a')])
  const second = await world.ask({ b: 'safe' })
  world.deliver(second)
  world.deliver(first, { redelivered: true })
  expect((await world.mine('tool-call.completed', 'b')).wakes).toBe(true)
})

test('a trigger that this runner has read past is not taken for the head', async () => {
  const world = new RunnerWorld()
  const first = await world.ask({ a: 'safe' })
  world.deliver(first)
  await world.mine('tool-call.completed', 'a')
  const second = await world.ask({ b: 'never' })
  await world.append('executor-1', 'e', [{ type: 'tool-call.cancelled', data: { call: 'b' } }])
  const third = await world.ask({ c: 'safe' })
  // Handed over first, and read on for: the head is behind the second request by now.
  world.deliver(third, { redelivered: true })
  await world.mine('tool-call.completed', 'c')
  const late = world.deliver(second)
  await expect.poll(() => late.acked()).toBe(true)
  const claims = (await world.journal.sessions.read(session)).flatMap(({ events }) =>
    events.filter(({ type, data }) => type === 'tool-call.started' && 'call' in data && data.call === 'b'),
  )
  expect(claims).toEqual([])
})

test('a call that was closed while the owner of another one was asked is not claimed', async () => {
  const world = new RunnerWorld()
  const asked = await world.ask({ a: 'never', b: 'never' })
  await world.append('tool-runner-other', 't', [claim('b')])
  world.meanwhile = async () => {
    world.meanwhile = async () => undefined
    await world.append('executor-1', 'e', [{ type: 'tool-call.cancelled', data: { call: 'a' } }])
  }
  const delivered = world.deliver(asked, { redelivered: true })
  await world.mine('tool-call.outcome-unknown', 'b')
  await expect.poll(() => delivered.acked()).toBe(true)
  const frames = await world.journal.sessions.read(session)
  expect(frames.flatMap(({ by, events }) => (by === me ? events.map(({ type }) => type) : []))).toEqual([
    'tool-call.outcome-unknown',
  ])
})
