import { expect, test } from 'vitest'
import { restartOnSplit } from './restart-on-split.ts'

function bench() {
  const listeners = new Set<() => void>()
  const said: string[] = []
  let made = 0
  return {
    said,
    split: () => {
      for (const on of listeners) on()
    },
    journal: {
      onSplit(on: () => void) {
        listeners.add(on)
        return { close: () => void listeners.delete(on) }
      },
    },
    start: async () => {
      const name = `part ${++made}`
      said.push(`${name} starts`)
      return {
        name,
        close: async () => {
          said.push(`${name} ends`)
          return { abandoned: [] }
        },
      }
    },
  }
}
const never = (error: Error): never => {
  throw error
}

test('a part ends and starts again when the stream is split', async () => {
  const { journal, start, said, split } = bench()
  const part = await restartOnSplit(journal, start, never)
  expect(part.now().name).toBe('part 1')
  split()
  await expect.poll(() => part.now().name).toBe('part 2')
  await part.close({ withinMs: 1000 })
  expect(said).toEqual(['part 1 starts', 'part 1 ends', 'part 2 starts', 'part 2 ends'])
})

test('a split while it starts is not missed, and one while it ends starts nothing', async () => {
  const { journal, start, said, split } = bench()
  const starting = restartOnSplit(journal, start, never)
  split()
  const part = await starting
  await expect.poll(() => part.now().name).toBe('part 2')
  const closing = part.close({ withinMs: 1000 })
  split()
  await closing
  expect(said).toEqual(['part 1 starts', 'part 1 ends', 'part 2 starts', 'part 2 ends'])
})

test('a part that cannot start again is told', async () => {
  const { journal, start, split } = bench()
  let fails = false
  const failed: Error[] = []
  const startOnce = async () => {
    if (fails) throw new Error('no')
    return start()
  }
  await restartOnSplit(journal, startOnce, (error) => failed.push(error))
  fails = true
  split()
  await expect.poll(() => failed.map(({ message }) => message)).toEqual(['no'])
})
