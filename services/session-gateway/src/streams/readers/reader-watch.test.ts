import type { ReinsError } from '@reins/contracts'
import { afterEach, expect, test } from 'vitest'
import { Batch } from '../batch.ts'
import { type Cut, type Reader, ReaderWatch, type ReaderWatchOptions } from './reader-watch.ts'
import { endsKey } from './send-queues.ts'
import type { Sink } from '../sink.ts'

/** A connection whose other end takes what the test says: what it does not take lies in the system, and above 100 bytes here. */
class Connection implements Sink {
  readonly ends
  closed = false
  #sent = 0
  #taken = 0
  constructor(remotePort: number) {
    this.ends = { localPort: 7420, remoteAddress: '127.0.0.1', remotePort }
  }
  write(): void {}
  put(bytes: number): void {
    this.#sent += bytes
  }
  take(bytes = Number.POSITIVE_INFINITY): void {
    this.#taken = Math.min(this.#sent, this.#taken + bytes)
  }
  sent = (): number => this.#sent
  queued = (): number => Math.min(100, this.#sent - this.#taken)
  buffered = (): number => this.#sent - this.#taken - this.queued()
  heartbeat(): void {}
  fail(_: ReinsError): void {}
  end(): void {}
  onClose(): void {}
}

let watch: ReaderWatch
afterEach(() => watch.close())

function world(options: Partial<ReaderWatchOptions> = {}) {
  const connections: Connection[] = []
  const cuts: string[] = []
  const totals: number[] = []
  const clock = { now: 0 }
  watch = new ReaderWatch({
    maxBytes: 1000,
    maxTotalBytes: 1_000_000,
    stalledMs: 30_000,
    lookEveryMs: 1_000_000,
    look: async () => new Map(connections.map((one) => [endsKey(one.ends), one.queued()])),
    looked: (total) => void totals.push(total),
    now: () => clock.now,
    ...options,
  })
  const join = (name: string): { connection: Connection; reader: Reader; put(bytes: number): void } => {
    const connection = new Connection(connections.length + 1)
    connections.push(connection)
    const reader = watch.watch(connection, (why: Cut) => cuts.push(`${name} ${why}`))
    return {
      connection,
      reader,
      put: (bytes) => {
        connection.put(bytes)
        reader.wrote()
      },
    }
  }
  return { clock, cuts, totals, join }
}

test('what waits counts what the system holds', async () => {
  const { join, totals } = world()
  const { put, connection, reader } = join('a')
  put(60)
  await watch.look()
  expect(reader.waiting()).toBe(60)
  connection.take()
  await watch.look()
  expect(reader.waiting()).toBe(0)
  expect(totals).toEqual([60, 0])
})

test('a reader for which more waits than may is cut, and others are not', async () => {
  const { join, cuts } = world()
  const [slow, quick] = [join('slow'), join('quick')]
  for (let i = 0; i < 12; i++) {
    slow.put(100)
    quick.put(100)
    quick.connection.take()
  }
  await watch.look()
  expect(cuts).toEqual(['slow behind'])
  slow.put(5000)
  await watch.look()
  expect(cuts).toEqual(['slow behind'])
})

test('what went out unseen is looked at before anybody is cut for it', async () => {
  const { join, cuts } = world()
  const { put, connection } = join('quick')
  for (let i = 0; i < 50; i++) {
    put(100)
    connection.take()
  }
  await watch.look()
  expect(cuts).toEqual([])
})

test('a reader that takes nothing for 30 s is cut, however little waits; one that takes a little is not', async () => {
  const { join, cuts, clock } = world()
  const [dead, slow] = [join('dead'), join('slow')]
  dead.put(10)
  slow.put(90)
  for (let second = 0; second < 35; second++) {
    clock.now += 1000
    slow.connection.take(1)
    await watch.look()
    expect(cuts).toEqual(second < 30 ? [] : ['dead stalled'])
  }
})

test('time in which nobody could look says nothing of a reader', async () => {
  const { join, cuts, clock } = world({ lookEveryMs: 1000 })
  const { put } = join('a')
  put(10)
  await watch.look()
  clock.now += 3_600_000
  await watch.look()
  expect(cuts).toEqual([])
})

test('a reader for which nothing waits is never cut', async () => {
  const { join, cuts, clock } = world()
  join('quiet')
  clock.now += 3_600_000
  await watch.look()
  expect(cuts).toEqual([])
})

test('where others spend the budget, one for which little waits stays, although the system still holds its last bytes', async () => {
  const { join, cuts, clock } = world({ maxTotalBytes: 1000 })
  const [quick, ...hoarders] = ['quick', 'a', 'b', 'c'].map(join)
  quick?.put(60) // taken, and not acknowledged yet
  for (let look = 0; look < 3; look++) {
    // Each time the system of a hoarder takes a little into a buffer that nobody reads.
    for (const { put, connection } of hoarders) {
      put(160)
      connection.take(10)
    }
    clock.now += 1000
    await watch.look()
  }
  expect(cuts).toEqual([])
  for (const { put } of hoarders) put(300)
  clock.now += 1000
  await watch.look()
  expect(cuts).toEqual(['a budget'])
})

test('where the budget for all is spent, who has taken nothing for the longest is cut first, until some of it is free', async () => {
  const { join, cuts, clock, totals } = world({ maxTotalBytes: 1000 })
  const readers = ['a', 'b', 'c', 'd'].map(join)
  for (const reader of readers) {
    reader.put(200)
    clock.now += 1000
    await watch.look()
  }
  expect(cuts).toEqual([])
  const late = join('late')
  late.put(250)
  await watch.look()
  expect(cuts).toEqual(['a budget'])
  expect(totals.at(-1)).toBe(850)
})

test('history waits for its reader: one that takes it goes on, one that does not is cut', async () => {
  const { join, cuts, clock } = world({ maxBytes: 1_000_000 })
  const [quick, dead] = [join('quick'), join('dead')]
  expect(await dead.reader.roomToWrite()).toBe(true)
  dead.put(70_000)
  quick.put(70_000)
  const [quickRoom, deadRoom] = [quick.reader.roomToWrite(), dead.reader.roomToWrite()]
  quick.connection.take()
  expect(await quickRoom).toBe(true)
  clock.now += 1000
  await watch.look()
  clock.now += 30_000
  await watch.look()
  expect(await deadRoom).toBe(false)
  expect(cuts).toEqual(['dead stalled'])
})

test('where the system says nothing, what this process holds is what counts', async () => {
  const { join, cuts, clock } = world({ look: async () => undefined })
  const { put, reader } = join('a')
  put(150)
  await watch.look()
  expect(reader.waiting()).toBe(50)
  await watch.look()
  clock.now += 30_000
  await watch.look()
  expect(cuts).toEqual(['a stalled'])
})

test('the bytes of a batch are made once for all readers of a form', () => {
  let made = 0
  const form = () => {
    made++
    return 'text'
  }
  const batch = new Batch([])
  expect(batch.as(form)).toBe(batch.as(form))
  expect(made).toBe(1)
})
