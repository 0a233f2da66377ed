import { expect, test } from 'vitest'
import { AppendWatch, type CanaryOutcome, type Obstacle } from './append-watch.ts'

class Scene {
  now = 0
  canaries = 0
  answer: CanaryOutcome = { kind: 'taken' }
  outside: Obstacle | undefined
  readonly changes: (string | undefined)[] = []
  readonly watch = new AppendWatch({
    canary: async () => {
      this.canaries++
      return this.answer
    },
    outside: () => this.outside,
    now: () => this.now,
    changed: (obstacle) => this.changes.push(obstacle?.why),
  })
}

test('it is not ready before an append was taken, and ready from then on for ten seconds', async () => {
  const scene = new Scene()
  const { watch } = scene
  expect(watch.notReady()?.why).toBe('the broker has taken no append since the start')
  await watch.look()
  expect([watch.notReady(), scene.canaries]).toEqual([undefined, 1])
})

test('a canary goes out only while nothing else is appended', async () => {
  const scene = new Scene()
  await scene.watch.look()
  for (let second = 1; second <= 20; second++) {
    scene.now = second * 1000
    scene.watch.taken()
    await scene.watch.look()
  }
  expect(scene.canaries).toBe(1)
  scene.now += 6000
  await scene.watch.look()
  expect(scene.canaries).toBe(2)
})

test('silence becomes an obstacle after ten seconds, and one append ends it', async () => {
  const scene = new Scene()
  await scene.watch.look()
  scene.answer = { kind: 'silent' }
  scene.now = 9000
  await scene.watch.look()
  expect(scene.watch.obstacle()).toBeUndefined()
  let told = 0
  scene.watch.onObstacle(() => told++)
  scene.now = 11_000
  await scene.watch.look()
  expect(scene.watch.obstacle()).toEqual({ cause: 'silent', why: 'the broker has taken no append for 11 s' })
  scene.watch.taken()
  await scene.watch.look()
  expect([scene.watch.obstacle(), told]).toEqual([undefined, 1])
  expect(scene.changes).toEqual(['the broker has taken no append for 11 s', undefined])
})

test('a refusal in the words of the broker is an obstacle at once', async () => {
  const scene = new Scene()
  scene.answer = { kind: 'refused', why: 'no space left on device', full: true }
  await scene.watch.look()
  expect(scene.watch.obstacle()).toEqual({ cause: 'disk-full', why: 'no space left on device' })
  scene.answer = { kind: 'taken' }
  await scene.watch.look()
  expect(scene.watch.obstacle()).toBeUndefined()
})

test('what others know of is an obstacle also while appends are taken', async () => {
  const scene = new Scene()
  await scene.watch.look()
  scene.outside = { cause: 'disk-full', why: '98 % full' }
  expect([scene.watch.obstacle(), scene.watch.notReady()]).toEqual([scene.outside, scene.outside])
})

test('a canary that was never heard makes the process not ready, and stops no write', async () => {
  const scene = new Scene()
  scene.answer = { kind: 'silent' }
  await scene.watch.look()
  scene.now = 60_000
  await scene.watch.look()
  expect(scene.watch.obstacle()).toBeUndefined()
  expect(scene.watch.notReady()?.cause).toBe('silent')
})

test('after a reconnect the next canary goes out at once, although one that was lost is not answered yet', async () => {
  const asked: PromiseWithResolvers<CanaryOutcome>[] = []
  const asks = async (count: number) => {
    await expect.poll(() => asked.length, { timeout: 60_000 }).toBe(count)
    return asked[count - 1]
  }
  const watch = new AppendWatch({
    canary: () => {
      const canary = Promise.withResolvers<CanaryOutcome>()
      asked.push(canary)
      return canary.promise
    },
    now: () => 0,
  })
  const started = watch.start()
  ;(await asks(1))?.resolve({ kind: 'silent' })
  await started
  await asks(2)
  expect(watch.notReady()?.cause).toBe('silent')
  watch.soon() // the second is never answered
  ;(await asks(3))?.resolve({ kind: 'taken' })
  await expect.poll(() => watch.notReady(), { timeout: 60_000 }).toBeUndefined()
  await watch.close()
})
