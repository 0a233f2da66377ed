import { emptyHead, type Labels, poolKey, protocolVersion, toExec, toTool } from '@reins/contracts'
import { createMemoryJournal, type WorkQueue } from '@reins/journal'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { ServedPools } from './served-pools.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const gpu: Labels = { gpu: 'true' }
const big: Labels = { gpu: 'true', region: 'eu' }

/** One process with the label gpu, in front of a journal that the test fills. */
function world({ labels = gpu, change = (work: WorkQueue) => work } = {}) {
  const journal = createMemoryJournal({ clock: { now: () => 0 }, schedule: () => () => undefined })
  const pools = new ServedPools(change(journal.work), 'exec', labels)
  const taken: string[] = []
  const served: string[] = []
  const missed: unknown[] = []
  const slots = { free: 10 }
  onTestFinished(async () => {
    await pools.close()
    journal.close()
  })
  return {
    work: journal.work,
    pools,
    taken,
    served,
    missed,
    slots,
    start: () =>
      pools.start({
        free: () => slots.free,
        on: ({ session }) => taken.push(session),
        failed: (error) => expect.unreachable(error.message),
        serving: (pool) => served.push(pool),
        missed: (error) => missed.push(error),
        lookEveryMs: 1000,
      }),
    /** A first frame of a session that is addressed to the pool; resolves when whoever serves it has had it. */
    async offer(session: string, asked: Labels, kind: 'exec' | 'tool' = 'exec') {
      const pool = poolKey(asked)
      const { seq: prev, hash } = emptyHead(session)
      const of = { id: session, n: 1, prev, at: 0, by: 'test', role: 'e', needs: protocolVersion } as const
      const draft = { ...of, status: 'idle', pool, events: [] } as const
      await journal.sessions.append(session, draft, kind === 'exec' ? toExec(pool) : toTool(pool), hash)
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

test('makes the default pool and its own, and serves both', async () => {
  const { start, work, pools, served, offer, taken } = world()
  await start()
  expect((await work.pools()).map(({ key, labels }) => ({ key, labels }))).toEqual([
    { key: 'default', labels: {} },
    { key: poolKey(gpu), labels: gpu },
  ])
  expect(pools.keys()).toEqual(['default', poolKey(gpu)])
  expect(served).toEqual(['default', poolKey(gpu)])
  await offer('plain', {})
  await offer('on-gpu', gpu)
  expect(taken).toEqual(['plain', 'on-gpu'])
})

test('without labels makes the default pool alone', async () => {
  const { start, work, pools } = world({ labels: {} })
  await start()
  expect((await work.pools()).map(({ key }) => key)).toEqual(['default'])
  expect(pools.keys()).toEqual(['default'])
})

test('serves neither a pool that asks for labels which it has not, nor one of the other kind', async () => {
  const { start, work, pools, offer, taken } = world()
  await work.ensurePool('exec', poolKey(big), big)
  await work.ensurePool('tool', poolKey({}), {})
  await start()
  expect(pools.has(poolKey(big))).toBe(false)
  await offer('too-big', big)
  await offer('a-tool', {}, 'tool')
  await offer('fits', gpu)
  expect(taken).toEqual(['fits'])
})

test('P2: a pool that is made later is served from the next look on', async () => {
  const { start, work, pools, offer, taken } = world({ labels: big })
  await start()
  await work.ensurePool('exec', poolKey(gpu), gpu)
  await offer('early', gpu)
  expect(pools.has(poolKey(gpu))).toBe(false)
  await vi.advanceTimersByTimeAsync(1000)
  expect(pools.has(poolKey(gpu))).toBe(true)
  expect(taken).toEqual(['early'])
})

test('P1: looks that overlap make one consumption a pool', async () => {
  const consumed: string[] = []
  let slow = Promise.resolve()
  let answer = () => {}
  const { start, work, pools } = world({
    labels: big,
    change: (queue) => ({
      ...queue,
      consume: async (kind, pool, options) => {
        consumed.push(pool)
        await slow
        return queue.consume(kind, pool, options)
      },
    }),
  })
  await start()
  slow = new Promise((resolve) => {
    answer = resolve
  })
  await work.ensurePool('exec', poolKey(gpu), gpu)
  await vi.advanceTimersByTimeAsync(3000)
  answer()
  await vi.advanceTimersByTimeAsync(1000)
  expect(consumed).toEqual(['default', poolKey(big), poolKey(gpu)])
  expect(pools.keys()).toEqual(consumed)
})

test('a look that fails is told of, and made again', async () => {
  let away = false
  const { start, work, pools, missed } = world({
    labels: big,
    change: (queue) => ({
      ...queue,
      pools: async () => {
        if (away) throw new Error('away')
        return queue.pools()
      },
    }),
  })
  await start()
  await work.ensurePool('exec', poolKey(gpu), gpu)
  away = true
  await vi.advanceTimersByTimeAsync(1000)
  expect(missed).toEqual([new Error('away')])
  away = false
  await vi.advanceTimersByTimeAsync(1000)
  expect(pools.has(poolKey(gpu))).toBe(true)
})

test('a pool whose consumption could not begin is begun again at the next look', async () => {
  const down = { yes: false }
  const { start, work, served, missed } = world({
    change: (queue) => ({
      ...queue,
      consume: (...of) => (down.yes ? Promise.reject(new Error('the broker is away')) : queue.consume(...of)),
    }),
  })
  await start()
  down.yes = true
  await work.ensurePool('exec', 'later', gpu)
  await vi.advanceTimersByTimeAsync(1000)
  expect([missed.length > 0, served.includes('later')]).toEqual([true, false])
  down.yes = false
  await vi.advanceTimersByTimeAsync(1000)
  expect(served).toContain('later')
})

test('takes no more than is free, and looks again when it is woken', async () => {
  const { start, pools, slots, offer, taken } = world()
  await start()
  slots.free = 0
  await offer('waits', {})
  expect(taken).toEqual([])
  slots.free = 1
  pools.wake()
  await vi.advanceTimersByTimeAsync(0)
  expect(taken).toEqual(['waits'])
})

test('P3: once closed it takes nothing and serves no pool more', async () => {
  const { start, work, pools, offer, taken, served } = world({ labels: big })
  await start()
  const before = [...served]
  await pools.close()
  await work.ensurePool('exec', poolKey(gpu), gpu)
  await vi.advanceTimersByTimeAsync(5000)
  await offer('late', {})
  await offer('later', gpu)
  expect({ taken, served }).toEqual({ taken: [], served: before })
})
