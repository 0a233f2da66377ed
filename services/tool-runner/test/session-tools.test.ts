import { eventsJsonOf, type SessionEvent } from '@reins/contracts'
import { checkLog } from '@reins/session'
import { expect, test } from 'vitest'
import { claim, me, RunnerWorld, result, session, trace } from './world.ts'

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

test('calls that run alone begin one after the other, also behind a claim that another runner has ended', async () => {
  const world = new RunnerWorld()
  const asked = await world.ask({ a: 'never', b: 'safe', c: 'never' }, ['a', 'c'])
  const delivered = world.deliver(asked)
  await expect.poll(() => delivered.acked()).toBe(true)
  expect(await world.said()).toEqual([
    'tool-call.started a 1',
    'tool-call.completed a 1',
    'tool-call.completed b 1',
    'tool-call.started c 1',
    'tool-call.completed c 1',
  ])
  const theirs = await world.ask({ d: 'never', e: 'safe' }, ['d', 'e'])
  await world.append('tool-runner-other', 't', [claim('d')])
  const next = world.deliver(theirs, { redelivered: true })
  await expect.poll(() => next.acked()).toBe(true)
  expect((await world.said()).slice(5)).toEqual([
    'tool-call.outcome-unknown d 1',
    'tool-call.started e 1',
    'tool-call.completed e 1',
  ])
})

test('a cancel closes the calls that wait for their turn, and none of them begins', async () => {
  const world = new RunnerWorld()
  const { open, closed } = gate()
  world.gate = closed
  const asked = await world.ask({ a: 'never', b: 'never' }, ['a', 'b'])
  const delivered = world.deliver(asked)
  await world.mine('tool-call.started', 'a')
  await world.append('executor-1', 'e', [cancelled('a'), cancelled('b')])
  await world.tools.recheck()
  open()
  await expect.poll(() => delivered.acked()).toBe(true)
  expect((await world.said()).filter((said) => said.includes(' b'))).toEqual([])
})

const cancelled = (call: string): SessionEvent => ({ type: 'tool-call.cancelled', data: { call } })

/** A promise, and the function that resolves it. */
function gate() {
  let open = (): void => undefined
  const closed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), closed }
}

test('a trigger that is delivered again while its call runs starts nothing, and the newest handle is acked', async () => {
  const world = new RunnerWorld()
  const { open, closed } = gate()
  world.gate = closed
  const asked = await world.ask({ a: 'never' })
  world.deliver(asked)
  await world.mine('tool-call.started', 'a')
  const again = world.deliver(asked, { redelivered: true })
  expect([...world.holds]).toEqual(['a/1'])
  open()
  await expect.poll(() => again.acked()).toBe(true)
  expect(await world.said()).toEqual(['tool-call.started a 1', 'tool-call.completed a 1'])
  expect([...world.holds]).toEqual([])
})

test('a claim and an outcome whose acks are lost, with another writer on top, are in once', async () => {
  const lost = new Set<string>()
  let others = 0
  const world = new RunnerWorld({
    faults: {
      loseAck: (_session, frame) => {
        const mine = !/^f\d+$/.test(frame) && !lost.has(frame)
        if (mine) lost.add(frame)
        return mine
      },
      beforeRetry: async () => {
        await world.append('gateway', 'g', [{ type: 'session.renamed', data: { title: `${others++}` } }])
      },
    },
  })
  const asked = await world.ask({ a: 'never' })
  const delivered = world.deliver(asked)
  await expect.poll(() => delivered.acked()).toBe(true)
  expect(await world.said()).toEqual(['tool-call.started a 1', 'tool-call.completed a 1'])
})

test('an outcome that another writer was before is appended on what is there', async () => {
  const world = new RunnerWorld()
  const { open, closed } = gate()
  world.gate = closed
  const delivered = world.deliver(await world.ask({ a: 'safe' }))
  await expect.poll(() => world.holds.size).toBe(1)
  await world.append('gateway', 'g', [{ type: 'session.paused', data: {} }])
  open()
  await expect.poll(() => delivered.acked()).toBe(true)
  expect(await world.said()).toEqual(['tool-call.completed a 1'])
})

test('a call that is cancelled while it runs is stopped; what it delivers is evidence', async () => {
  const world = new RunnerWorld()
  const { open, closed } = gate()
  world.gate = closed
  const delivered = world.deliver(await world.ask({ a: 'never' }))
  await world.mine('tool-call.started', 'a')
  await world.append('executor-1', 'e', [cancelled('a')])
  world.tools.abort('a', 1)
  await expect.poll(() => delivered.acked()).toBe(true)
  expect(world.tools.busy()).toBe(true)
  open()
  await expect.poll(() => world.tools.busy()).toBe(false)
  expect(await world.said()).toEqual(['tool-call.started a 1', 'tool-call.late-result a 1'])
  expect([...world.holds]).toEqual([])
})

test.each([
  ['safe', ['tool-call.started a 2', 'tool-call.completed a 2']],
  ['never', ['tool-call.outcome-unknown a 1']],
] as const)('what a runner that is gone was at is gone on with, without its trigger: %s', async (replay, said) => {
  const world = new RunnerWorld()
  await world.born()
  const asked = await world.ask({ a: replay })
  await world.append('tool-runner-other', 't', [claim('a')])
  world.tools.lost({ session, call: 'a', attempt: 1, frame: asked.seq })
  await expect.poll(() => world.said()).toEqual(said)
  const late = world.deliver(asked, { redelivered: true })
  await expect.poll(() => late.acked()).toBe(true)
  expect(await world.said()).toEqual(said)
})

test('calls of a pool that this runner does not serve are left to those who do', async () => {
  const world = new RunnerWorld()
  await world.born('browser')
  const asked = await world.ask({ a: 'safe' })
  await world.append('tool-runner-other', 't', [claim('a')])
  world.tools.lost({ session, call: 'a', attempt: 1, frame: asked.seq })
  await world.tools.recheck()
  expect(await world.said()).toEqual([])
})

test('a call that another runner claimed meanwhile is stopped, not answered, and gone on with when that runner is gone', async () => {
  const world = new RunnerWorld()
  await world.born()
  world.alive.add('tool-runner-other')
  const { open, closed } = gate()
  world.gate = closed
  const asked = await world.ask({ a: 'safe' })
  const delivered = world.deliver(asked)
  await expect.poll(() => world.holds.size).toBe(1)
  await world.append('tool-runner-other', 't', [claim('a')])
  await world.tools.recheck()
  open()
  await expect.poll(() => world.said()).toEqual(['tool-call.late-result a 1'])
  await expect.poll(() => world.holds.size).toBe(0)
  world.alive.clear()
  world.tools.lost({ session, call: 'a', attempt: 1, frame: asked.seq })
  await expect.poll(() => delivered.acked()).toBe(true)
  expect((await world.said()).slice(1)).toEqual(['tool-call.started a 2', 'tool-call.completed a 2'])
})

test('an output that no frame can hold is an error of its call, and of no other', async () => {
  const world = new RunnerWorld()
  const { open, closed } = gate()
  world.gate = closed
  const sizeOf = (events: readonly SessionEvent[]) =>
    events.filter(({ type, data }) => type === 'tool-call.completed' && !('code' in data && data.code === 'too-large'))
  world.beforeAppend = (events) => {
    const large = sizeOf(events).some(({ data }) => 'call' in data && data.call === 'a')
    if (large) throw new RangeError('a frame of 9000000 bytes is larger than the broker takes (8388608)')
  }
  const delivered = world.deliver(await world.ask({ a: 'safe', b: 'safe' }))
  open()
  await expect.poll(() => delivered.acked()).toBe(true)
  const outcomes = (await world.journal.sessions.read(session)).flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'tool-call.completed' ? [[event.data.call, event.data.code]] : [])),
  )
  expect(outcomes).toContainEqual(['a', 'too-large'])
  expect(outcomes).toContainEqual(['b', 'not-found'])
  expect(outcomes).toHaveLength(2)
  expect([...world.holds]).toEqual([])
})

test('an outcome that the broker does not take leaves nothing held: the trigger is given back, and the call ends as unknown', async () => {
  const world = new RunnerWorld({ mayFail: true })
  world.beforeAppend = (events) => {
    if (events.some(({ type }) => type === 'tool-call.completed')) throw new Error('insufficient storage')
  }
  const asked = await world.ask({ a: 'never' })
  const delivered = world.deliver(asked)
  await expect.poll(() => delivered.naked()).toBe(60_000)
  expect([...world.holds]).toEqual([])
  expect(world.reports).toHaveLength(1)
  world.beforeAppend = () => undefined
  const again = world.deliver(asked, { redelivered: true })
  await expect.poll(() => again.acked()).toBe(true)
  expect(await world.said()).toEqual(['tool-call.started a 1', 'tool-call.outcome-unknown a 1'])
})

test('at shutdown what may run again is given back, and what may not ends as unknown', async () => {
  const world = new RunnerWorld()
  const { open, closed } = gate()
  world.gate = closed
  const asked = await world.ask({ a: 'never', b: 'safe' })
  const delivered = world.deliver(asked)
  await world.mine('tool-call.started', 'a')
  await expect.poll(() => world.holds.size).toBe(2)
  await world.tools.release()
  expect(delivered.acked()).toBe(false)
  expect(delivered.naked()).toBe(0)
  expect([...world.holds]).toEqual([])
  open()
  expect(await world.said()).toEqual(['tool-call.started a 1', 'tool-call.outcome-unknown a 1'])
})

test('a request of a newer protocol is given back for a newer runner', async () => {
  const world = new RunnerWorld()
  const delivered = world.deliver({ ...(await world.ask({ a: 'safe' })), events: [], beyond: 'protocol 99' })
  expect(delivered.naked()).toBe(250)
  expect(world.tools.busy()).toBe(false)
})

const newer = { type: 'turn.imagined', data: {} } as unknown as SessionEvent

test('a request after which a newer process has spoken is given back, and nothing of it is run', async () => {
  const world = new RunnerWorld()
  const asked = await world.ask({ a: 'never', b: 'safe' })
  await world.append('executor-newer', 'e', [newer])
  const delivered = world.deliver(asked, { redelivered: true })
  await expect.poll(() => delivered.naked()).toBe(250)
  expect(await world.said()).toEqual([])
  expect(world.tools.busy()).toBe(false)
})

test('what ran here when a newer process spoke is recorded, wakes an executor, and only then is the rest given back', async () => {
  const world = new RunnerWorld()
  const { promise, resolve } = Promise.withResolvers<void>()
  world.gate = promise
  const asked = await world.ask({ a: 'safe' })
  const delivered = world.deliver(asked)
  await expect.poll(() => world.holds.size).toBe(1)
  await world.append('executor-newer', 'e', [newer])
  await world.tools.recheck()
  expect(delivered.naked()).toBeUndefined()
  resolve()
  expect((await world.mine('tool-call.completed', 'a')).wakes).toBe(true)
  await expect.poll(() => delivered.acked()).toBe(true)
})

test('a call of a runner that is gone is left alone where a newer process has spoken since, or has asked for it', async () => {
  const world = new RunnerWorld()
  await world.born()
  const asked = await world.ask({ a: 'safe' })
  await world.append('tool-runner-other', 't', [claim('a')])
  const { seq } = await world.append('executor-newer', 'e', [newer])
  for (const frame of [asked.seq, seq]) world.tools.lost({ session, call: 'a', attempt: 1, frame })
  await world.tools.recheck()
  expect(await world.said()).toEqual([])
  expect(world.tools.busy()).toBe(false)
})

test('a claim that is in, after which a newer process spoke before it was known, starts nothing', async () => {
  let lost = false
  const world = new RunnerWorld({
    faults: {
      loseAck: (_session, frame) => {
        const first = !/^f\d+$/.test(frame) && !lost
        lost ||= first
        return first
      },
      beforeRetry: async () => {
        await world.append('executor-newer', 'e', [newer])
      },
    },
  })
  const delivered = world.deliver(await world.ask({ a: 'never' }))
  await expect.poll(() => delivered.naked()).toBe(250)
  expect(await world.said()).toEqual(['tool-call.started a 1'])
  expect([...world.holds]).toEqual([])
})

test('a claim and its outcome belong to the trace of the frame that asked for the call', async () => {
  const world = new RunnerWorld()
  world.deliver(await world.ask({ a: 'never' }))
  expect((await world.mine('tool-call.started', 'a')).frame.trace).toBe(trace)
  expect((await world.mine('tool-call.completed', 'a')).frame.trace).toBe(trace)
})

test('a first delivery that an earlier process may have been given is claimed, so that what ends each process is counted', async () => {
  const [before, ahead] = [new RunnerWorld(), new RunnerWorld()]
  before.deliver(await before.ask({ a: 'safe' }), { earlier: true })
  await before.mine('tool-call.completed', 'a')
  // The broker's clock runs ahead by an hour: each frame seems to be younger than nothing.
  ahead.deliver(await ahead.ask({ a: 'safe' }), { ageMs: -3_600_000 })
  await ahead.mine('tool-call.completed', 'a')
  for (const world of [before, ahead])
    expect(await world.said()).toEqual(['tool-call.started a 1', 'tool-call.completed a 1'])
})

test('a tool that decides by the arguments is asked before its call begins; where it wants a person, the executor is told', async () => {
  const world = new RunnerWorld()
  const seen: unknown[] = []
  world.looksAt = (args) => {
    seen.push(args)
    const { path } = args as { path: string }
    return path === 'b.txt' ? { approval: 'must', reason: 'It is large.' } : { approval: 'auto' }
  }
  const delivered = world.deliver(await world.ask({ a: 'never', b: 'never', c: 'safe' }, [], ['a', 'b']))
  const needed = await world.mine('approval.needed', 'b')
  expect(needed.wakes).toBe(true)
  expect(needed.frame.events).toEqual([
    { type: 'approval.needed', data: { call: 'b', reason: 'It is large.', must: true } },
  ])
  await expect.poll(() => delivered.acked()).toBe(true)
  expect(seen).toEqual([{ path: 'a.txt' }, { path: 'b.txt' }])
  expect(await world.said()).not.toContain('tool-call.started b 1')
  expect(await world.said()).toEqual(expect.arrayContaining(['tool-call.started a 1', 'tool-call.completed a 1']))
})

test('that a tool wants nobody is recorded before its call runs, also one that may run again', async () => {
  const world = new RunnerWorld()
  const delivered = world.deliver(await world.ask({ a: 'safe', b: 'safe' }, [], ['a']))
  await expect.poll(() => delivered.acked()).toBe(true)
  const started = (await world.journal.sessions.read(session))
    .flatMap(({ events }) => events)
    .filter(({ type }) => type === 'tool-call.started')
  expect(started).toEqual([{ type: 'tool-call.started', data: { call: 'a', attempt: 1, approval: 'auto' } }])
})

test('what a tool wants is not said of a call that was closed while it was asked', async () => {
  const world = new RunnerWorld()
  world.looksAt = async () => {
    await world.append('executor-1', 'e', [{ type: 'session.ended', data: { reason: 'user_exit' } }])
    return { approval: 'ask' }
  }
  const delivered = world.deliver(await world.ask({ a: 'never' }, [], ['a']))
  await expect.poll(() => delivered.acked()).toBe(true)
  expect(await world.said()).toEqual([])
})

test('a request for which there is no room to work waits, takes its turn among principals, and is no fresh one then', async () => {
  const world = new RunnerWorld()
  const others = Array.from({ length: 72 }, (_, at) => world.work.force(`other ${at}`))
  const asked = await world.ask({ a: 'safe' })
  const waiting = world.deliver(asked)
  expect(world.work.waiting).toBe(1)
  // A runner that looks again meanwhile begins nothing of it.
  await world.tools.recheck()
  // It was cancelled while it waited: it is not run.
  await world.append('executor-1', 'e', [{ type: 'tool-call.cancelled', data: { call: 'a' } }])
  others.pop()?.[Symbol.dispose]()
  await expect.poll(() => waiting.acked()).toBe(true)
  expect(await world.said()).toEqual([])
  const next = world.deliver(await world.ask({ b: 'safe' }))
  expect((await world.mine('tool-call.completed', 'b')).wakes).toBe(true)
  await expect.poll(() => [next.acked(), world.work.taken]).toEqual([true, 71])
})

test('a request that waits for room goes to a runner that has some, and waits here no more', async () => {
  const world = new RunnerWorld()
  for (let at = 0; at < 72; at++) world.work.force(`other ${at}`)
  const waiting = world.deliver(await world.ask({ a: 'safe' }))
  world.tools.handOver()
  expect([waiting.naked(), world.work.waiting, world.tools.busy()]).toEqual([0, 0, false])
})

test('a call that ran unclaimed here and comes again to another runner, which claims it, is stopped and leaves a sound log', async () => {
  const world = new RunnerWorld()
  world.alive.add('tool-runner-other')
  const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
  await world.born()
  await world.append('gateway', 'g', [
    { type: 'message.received', data: { message: 'm', content: [{ type: 'text', text: 'x' }], onBusy: 'queue' } },
  ])
  await world.append('executor-1', 'e', [
    { type: 'turn.started', data: { turn: 't1', messages: ['m'] } },
    { type: 'model-call.started', data: { call: 'c', attempt: 1, turn: 't1', model: 'm' } },
  ])
  const content = [{ type: 'tool-call' as const, call: 'a', providerCall: 'p', name: 'read_file', arguments: {} }]
  await world.append('executor-1', 'e', [
    { type: 'model-call.completed', data: { call: 'c', attempt: 1, content, usage, finish: 'tool-calls' } },
  ])
  const { open, closed } = gate()
  world.gate = closed
  const asked = await world.ask({ a: 'safe' })
  const delivered = world.deliver(asked)
  await expect.poll(() => world.holds.has('a/1')).toBe(true)
  // The stream that handed it out is gone, or has forgotten that: what took its place hands it out anew, elsewhere.
  await world.append('tool-runner-other', 't', [claim('a')])
  await world.tools.recheck()
  open()
  await world.mine('tool-call.late-result', 'a')
  await world.append('tool-runner-other', 't', [result('a')])
  await world.tools.recheck()
  expect(delivered.acked()).toBe(true)
  expect(await world.said()).toEqual(['tool-call.late-result a 1'])
  const frames = await world.journal.sessions.read(session)
  const { problems } = checkLog(
    session,
    frames.map((frame) => ({ frame, eventsJson: eventsJsonOf(frame) })),
  )
  expect(problems.filter((one) => one.includes('late') || one.includes('changes nothing'))).toEqual([])
})

test('what another runner has said of the tools of servers, while this one asked them, is not said again', async () => {
  const world = new RunnerWorld()
  const answers = Promise.withResolvers<[]>()
  world.discovered = answers.promise
  const data = { request: 'r', digest: 'd', principal: 'p', known: {}, timer: 'x', until: 1 }
  const delivered = world.deliver(await world.append('executor-1', 'e', [{ type: 'toolset.requested', data }]))
  await world.append('tool-runner-other', 't', [{ type: 'toolset.resolved', data: { request: 'r', servers: [] } }])
  answers.resolve([])
  await expect.poll(() => delivered.acked()).toBe(true)
  const said = (await world.journal.sessions.read(session)).flatMap(({ events }) => events.map(({ type }) => type))
  expect(said.filter((type) => type === 'toolset.resolved')).toHaveLength(1)
})
