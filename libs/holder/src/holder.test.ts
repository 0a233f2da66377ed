import type { Consumption, Presence, PresenceOptions } from '@reins/broker'
import { emptyHead, type Holding, protocolVersion, toExec } from '@reins/contracts'
import { createMemoryJournal, type Trigger } from '@reins/journal'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { CallSlots } from './call-slots.ts'
import { type HeldActor, Holder, type HolderOptions } from './holder.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** An actor that holds every trigger until the test lets it end. */
class Actor implements HeldActor {
  readonly id: string
  readonly said: string[]
  triggers: Trigger[] = []
  working_ = 0
  constructor(id: string, said: string[]) {
    this.id = id
    this.said = said
  }
  busy = () => this.triggers.length > 0 || this.working_ > 0
  work = () => this.working_
  bytes = () => 1
  deliver = (trigger: Trigger) => void this.triggers.push(trigger)
  lost = ({ call }: Holding) => void this.said.push(`${this.id} lost ${call}`)
  abort = (call: string) => void this.said.push(`${this.id} abort ${call}`)
  warm = () => true
  runs = (call: string) => call === 'mine'
  working = () => void this.said.push(`${this.id} working`)
  recheck = async () => void this.said.push(`${this.id} recheck`)
  handOver = () => void this.said.push(`${this.id} handed over`)
  release = async () => {
    this.said.push(`${this.id} released`)
    this.triggers = []
  }
  evicted = () => undefined
  dispose = () => void this.said.push(`${this.id} disposed`)
}

function world(change: Partial<HolderOptions<Actor>> = {}) {
  const journal = createMemoryJournal({ clock: { now: () => 0 }, schedule: () => () => undefined })
  const said: string[] = []
  const actors = new Map<string, Actor>()
  const fatal: string[] = []
  const others = { room: 0, suspect: false }
  const calls = { slots: 4, busy: 0 }
  let offered: PresenceOptions | undefined
  const queue = new CallSlots({ most: 1, room: () => true, now: Date.now })
  const presence: Presence = {
    begin: () => undefined,
    end: () => undefined,
    ask: async () => 'gone',
    tellAbort: () => undefined,
    suspect: () => others.suspect,
    roomElsewhere: () => others.room,
    sharers: () => [],
    takers: () => false,
    give: async () => false,
    leave: () => void said.push('leaving'),
    close: () => void said.push('presence closed'),
  }
  const stopping = new AbortController()
  const holder = new Holder<Actor>({
    ...{ service: 'executor', instance: 'me', labels: {}, ackWaitMs: 3000, workSlots: 2, cacheBytes: 100 },
    ...{ work: journal.work, clock: { now: Date.now }, stopping, drainMs: 1000, queue },
    presence: (options) => {
      offered = options
      return presence
    },
    actor: (id) => {
      const actor = new Actor(id, said)
      actors.set(id, actor)
      return actor
    },
    calls: () => calls,
    on: {
      serving: () => undefined,
      missed: () => undefined,
      gone: (instance, count) => void said.push(`${instance} gone with ${count}`),
      beat: () => undefined,
    },
    fatal: ({ message }) => void fatal.push(message),
    flush: async () => void said.push('flushed'),
    ...change,
  })
  onTestFinished(() => journal.close())
  return {
    ...{ holder, said, actors, fatal, others, calls, queue, stopping },
    offered: () => offered as PresenceOptions,
    /** A first frame of the session, for whoever takes it. */
    async offer(session: string) {
      const { seq: prev, hash } = emptyHead(session)
      const of = { id: session, n: 1, prev, at: 0, by: 'test', role: 'g', needs: protocolVersion } as const
      await journal.sessions.append(
        session,
        { ...of, status: 'idle', pool: 'default', events: [] },
        toExec('default'),
        hash,
      )
      await vi.advanceTimersByTimeAsync(0)
    },
    /** The actor works, or works no more. */
    works(session: string, slots: number) {
      const actor = actors.get(session)
      if (!actor) throw new Error(`nothing was delivered of ${session}`)
      actor.working_ = slots
      holder.changed(actor)
    },
  }
}

test('what is delivered goes to the actor of its session, one for each', async () => {
  const { holder, offer, actors } = world()
  await holder.start()
  await offer('a')
  await offer('b')
  expect([...actors.keys()]).toEqual(['a', 'b'])
  expect(actors.get('a')?.triggers).toHaveLength(1)
})

test('while all work slots are taken nothing is pulled; when one is free it goes on', async () => {
  const { holder, offer, actors, works } = world()
  await holder.start()
  await offer('a')
  works('a', 1)
  await offer('b')
  works('b', 1)
  await offer('c')
  expect(actors.has('c')).toBe(false)
  works('a', 0)
  await vi.advanceTimersByTimeAsync(0)
  expect(actors.has('c')).toBe(true)
})

test('what is held and does no work takes no work slot: more is pulled', async () => {
  const { holder, offer, actors, works } = world()
  await holder.start()
  for (const session of ['a', 'b', 'c', 'd']) {
    await offer(session)
    works(session, 0)
  }
  expect(actors.size).toBe(4)
  expect(holder.busy).toBe(4)
})

test('while no call can begin here it is left to another instance that has room to pull; where none has, this one does', async () => {
  const { holder, offer, actors, queue, others } = world()
  queue.take()
  others.room = 3
  await holder.start()
  await offer('a')
  expect(actors.has('a')).toBe(false)
  others.room = 0
  holder.wake()
  await vi.advanceTimersByTimeAsync(0)
  expect(actors.has('a')).toBe(true)
})

test('sessions that wait here are handed to instances that have room, the longest first, and no more than they have room for', async () => {
  const { holder, offer, queue, others, said } = world()
  await holder.start()
  queue.take()
  for (const session of ['a', 'b', 'c']) {
    await offer(session)
    queue.wait({ session, principal: '', group: 'agent', pool: 'default' }, () => undefined)
    await vi.advanceTimersByTimeAsync(1)
  }
  await vi.advanceTimersByTimeAsync(300)
  expect(said).toEqual([])
  others.room = 2
  await vi.advanceTimersByTimeAsync(250)
  expect(said).toEqual(['a handed over', 'b handed over'])
})

test('each third of ack_wait everything that is held is kept, but not while the instance is suspect', async () => {
  const { holder, offer, works, said, others } = world()
  await holder.start()
  await offer('a')
  works('a', 0)
  await vi.advanceTimersByTimeAsync(1000)
  expect(said).toEqual(['a working'])
  others.suspect = true
  await vi.advanceTimersByTimeAsync(5000)
  expect(said).toEqual(['a working'])
  others.suspect = false
  await vi.advanceTimersByTimeAsync(1000)
  expect(said).toEqual(['a working', 'a working'])
})

test('what an instance that is gone held is looked after by its sessions; not while this one is ending', async () => {
  const { holder, offered, said } = world()
  await holder.start()
  offered().onGone('other', [{ session: 's', call: 'c', attempt: 1 }])
  expect(said).toEqual(['other gone with 1', 's lost c'])
  await holder.close()
  said.length = 0
  offered().onGone('third', [{ session: 's', call: 'c', attempt: 1 }])
  expect(said).toEqual([])
})

test('it answers for what its actors answer for, and makes none to be asked', async () => {
  const { holder, offer, offered, actors } = world()
  await holder.start()
  await offer('a')
  expect(offered().runs({ session: 'a', call: 'mine', attempt: 1 })).toBe(true)
  expect(offered().runs({ session: 'unknown', call: 'mine', attempt: 1 })).toBe(false)
  expect(actors.size).toBe(1)
})

test('a trigger that another instance gives is taken where its session is known and there is room to work', async () => {
  const { holder, offer, offered, actors, works } = world({ takes: true })
  await holder.start()
  await offer('a')
  const [trigger] = actors.get('a')?.triggers ?? []
  const given = { session: 'a', pool: 'default', seq: trigger?.frame.seq ?? 0, handle: trigger?.handle ?? '' }
  const take = (change: Partial<typeof given> = {}) => offered().take?.({ ...given, ...change })
  expect(await take({ session: 'unknown' })).toBe(false)
  expect(await take({ pool: 'other' })).toBe(false)
  expect(await take({ handle: 'forged' })).toBe(false)
  expect(actors.get('a')?.triggers).toHaveLength(1)
  expect(await take()).toBe(true)
  expect(actors.get('a')?.triggers).toHaveLength(2)
  await offer('b')
  works('a', 1)
  works('b', 1)
  expect(await take()).toBe(false)
  works('a', 0)
  works('b', 0)
  const closed = holder.close()
  await vi.advanceTimersByTimeAsync(3000)
  await closed
  expect(await take()).toBe(false)
})

test('who takes no triggers does not say that it does', async () => {
  const { holder, offered } = world()
  await holder.start()
  expect(offered().take).toBeUndefined()
})

test('a consumer that ends by itself is fatal', async () => {
  let end: ((error: Error) => void) | undefined
  const { holder, fatal } = world({
    work: {
      ensurePool: async () => undefined,
      pools: async () => [{ kind: 'exec', key: 'default', labels: {} }],
      given: async () => undefined,
      consume: async (_kind, _pool, { failed }): Promise<Consumption> => {
        end = failed
        return { wake: () => undefined, close: async () => undefined }
      },
    },
  })
  await holder.start()
  end?.(new Error('the consumer is gone'))
  expect(fatal).toEqual(['the consumer is gone'])
})

test('at the end it says so, waits for calls, gives back what is held, and is silent last', async () => {
  const { holder, offer, works, said, calls } = world()
  await holder.start()
  await offer('a')
  works('a', 0)
  calls.busy = 1
  const closed = holder.close()
  await vi.advanceTimersByTimeAsync(500)
  expect(said).toEqual(['leaving'])
  calls.busy = 0
  await vi.advanceTimersByTimeAsync(20)
  await closed
  expect(said).toEqual(['leaving', 'a released', 'a disposed', 'flushed', 'presence closed'])
})

test('calls that do not end are waited for until the deadline; what waits for a broker that is away gives up later', async () => {
  const { holder, offer, works, said, calls, actors, stopping } = world()
  await holder.start()
  await offer('a')
  works('a', 0)
  calls.busy = 1
  const actor = actors.get('a')
  if (actor)
    actor.release = () => new Promise((resolve) => stopping.signal.addEventListener('abort', () => resolve(undefined)))
  const closed = holder.close()
  await vi.advanceTimersByTimeAsync(990)
  expect(stopping.signal.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(2100)
  expect(stopping.signal.aborted).toBe(true)
  await closed
  expect(said.at(-1)).toBe('presence closed')
})
