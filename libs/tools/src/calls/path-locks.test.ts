import { expect, it } from 'vitest'
import { PathLocks } from './path-locks.ts'

const never = new AbortController().signal

it('lets one holder at a time in, in the order of asking, and forgets keys', async () => {
  const locks = new PathLocks()
  const seen: string[] = []
  const hold = (name: string, key = 'k') =>
    locks.hold(key, never, async () => {
      seen.push(`${name}+`)
      await new Promise(setImmediate)
      seen.push(`${name}-`)
      return name
    })
  expect(await Promise.all([hold('a'), hold('b'), hold('other', 'z'), hold('c')])).toEqual(['a', 'b', 'other', 'c'])
  expect(seen.filter((step) => !step.startsWith('other'))).toEqual(['a+', 'a-', 'b+', 'b-', 'c+', 'c-'])
  expect(seen.indexOf('other+')).toBeLessThan(seen.indexOf('a-'))
  await new Promise(setImmediate)
  expect(locks.size).toBe(0)
})

it('passes on after a holder that throws and one that gives up waiting', async () => {
  const locks = new PathLocks()
  const gate = Promise.withResolvers<void>()
  const first = locks.hold('k', never, async () => {
    await gate.promise
    throw new Error('failed')
  })
  const controller = new AbortController()
  const second = locks.hold('k', controller.signal, () => 'ran')
  const third = locks.hold('k', never, () => 'third')
  controller.abort(new Error('gave up'))
  await expect(second).rejects.toThrow('gave up')
  gate.resolve()
  await expect(first).rejects.toThrow('failed')
  expect(await third).toBe('third')
})

it('does not let in who is behind one that gave up while the first still holds', async () => {
  const locks = new PathLocks()
  const gate = Promise.withResolvers<void>()
  const seen: string[] = []
  const first = locks.hold('k', never, async () => {
    await gate.promise
    seen.push('first done')
  })
  const controller = new AbortController()
  const second = locks.hold('k', controller.signal, () => {}).catch(() => {})
  const third = locks.hold('k', never, () => seen.push('third'))
  controller.abort()
  await second
  gate.resolve()
  await Promise.all([first, third])
  expect(seen).toEqual(['first done', 'third'])
})
