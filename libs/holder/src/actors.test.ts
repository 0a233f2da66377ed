import { expect, test } from 'vitest'
import { Actors, type Cacheable } from './actors.ts'

/** Actors of ten bytes that are at rest unless the test says otherwise. */
function world(mostBytes: number) {
  const disposed: string[] = []
  const evicted: string[] = []
  const busy = new Set<string>()
  const actors = new Actors<Cacheable>(mostBytes, (id) => ({
    id,
    busy: () => busy.has(id),
    bytes: () => 10,
    evicted: () => void evicted.push(id),
    dispose: () => void disposed.push(id),
  }))
  const use = (...ids: readonly string[]) => {
    for (const id of ids) actors.rested(actors.of(id))
  }
  return { actors, disposed, evicted, busy, use }
}

test('over the limit those that were used longest ago are evicted, until a tenth is free', () => {
  const { use, disposed, evicted, actors } = world(50)
  use('a', 'b', 'c', 'd', 'e')
  expect(disposed).toEqual([])
  use('a', 'f')
  expect(disposed).toEqual(['b', 'c'])
  expect(evicted).toEqual(['b', 'c'])
  expect(actors.bytes).toBe(40)
  expect(actors.size).toBe(4)
})

test('an actor that holds or does something is never evicted; once it rests it may be', () => {
  const { use, disposed, busy, actors } = world(20)
  busy.add('a').add('b').add('c')
  use('a', 'b', 'c')
  expect(disposed).toEqual([])
  busy.delete('b')
  const known = actors.known('b')
  if (known) actors.rested(known)
  expect(disposed).toEqual(['b'])
})

test('at the end all are disposed of, and none is evicted for it', () => {
  const { use, disposed, evicted, actors } = world(100)
  use('a', 'b')
  actors.dispose()
  expect(disposed).toEqual(['a', 'b'])
  expect(evicted).toEqual([])
})

test('an evicted session gets a new actor', () => {
  const { use, actors } = world(10)
  use('a')
  const first = actors.of('a')
  use('b')
  expect(actors.known('a')).toBeUndefined()
  expect(actors.of('a')).not.toBe(first)
})

test('what an actor grows by is counted when it rests, once', () => {
  let bytes = 10
  const actors = new Actors<Cacheable>(1000, (id) => ({
    id,
    busy: () => false,
    bytes: () => bytes,
    evicted: () => undefined,
    dispose: () => undefined,
  }))
  actors.rested(actors.of('a'))
  bytes = 300
  actors.rested(actors.of('a'))
  actors.rested(actors.of('a'))
  expect(actors.bytes).toBe(300)
})
