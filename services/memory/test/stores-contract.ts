// What every provider of long-term memory must do, said against the port alone. Run over all four.
//   SC1. Scopes are new in each test: providers may share one database.
//   SC2. Time is an argument: nothing here waits for it to pass.
import { makeShortId, memoryLimits } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import type { Applied, Change, EntryStore } from '../src/entries/store.ts'

const ann = { principal: 'ann', agent: 'keeper', session: 's1', call: 'k1' }
const id = (): string => makeShortId(Math.random, 12)
const newScope = (): string => `user:${id()}`

type Store = Extract<Change, { kind: 'store' }>
const storing = (scope: string, key: string, value: unknown, more: Partial<Store> = {}): Store => ({
  ...{ kind: 'store', scope, key, value, op: id(), by: ann, at: 1000 },
  ...more,
})
const forgetting = (scope: string, key: string, at = 2000): Change => ({
  ...{ kind: 'forget', scope, key, op: id(), by: ann, at },
})
const clearing = (scope: string, at = 3000): Change => ({ kind: 'clear', scope, op: id(), by: ann, at })

/** `again`: closes what is open and opens it anew, where what was stored outlives that. */
export interface StoreSubject {
  readonly store: EntryStore
  readonly again?: () => Promise<EntryStore>
}

export function storesContract(name: string, open: () => StoreSubject): void {
  const store = (): EntryStore => open().store
  const keysOf = async (scope: string, now = 5000): Promise<readonly string[]> =>
    (await store().list(scope, { limit: 100 }, now)).entries.map(({ key }) => key)
  const recorded = (applied: Applied) => {
    if (applied.kind !== 'recorded') throw new Error(JSON.stringify(applied))
    return applied.record
  }

  describe(`long-term memory: ${name}`, () => {
    it('keeps a value under a key, with its version and who stored it', async () => {
      const scope = newScope()
      await store().apply(storing(scope, 'language', 'TypeScript'))
      expect(await store().recall(scope, 'language', 5000)).toEqual({
        ...{ scope, key: 'language', value: 'TypeScript', version: 1, createdAt: 1000, updatedAt: 1000, by: ann },
      })
      const bob = { principal: 'bob' }
      await store().apply(storing(scope, 'language', { name: 'Rust', since: [2020] }, { at: 1500, by: bob }))
      expect(await store().recall(scope, 'language', 5000)).toEqual({
        ...{ scope, key: 'language', value: { name: 'Rust', since: [2020] }, version: 2 },
        ...{ createdAt: 1000, updatedAt: 1500, by: bob },
      })
    })

    it.each([
      ['null', null],
      ['a number', 0.1],
      ['a text with a NUL and half a pair', 'a\u0000b\ud800c'],
      ['an order of keys', { b: 1, a: 2 }],
      ['the longest', 'x'.repeat(memoryLimits.valueBytes - 2)],
    ])('gives back what was stored: %s', async (_, value) => {
      const scope = newScope()
      await store().apply(storing(scope, 'it', value))
      const got = (await store().recall(scope, 'it', 5000))?.value
      expect(JSON.stringify(got)).toBe(JSON.stringify(value))
    })

    it('keeps scopes apart, whatever their names have in common', async () => {
      const scope = newScope()
      const others = [`${scope}/x`, scope.toUpperCase(), `${scope} `, `${scope}%`, `${scope}.*`]
      await store().apply(storing(scope, 'mine', 1))
      for (const other of others) {
        expect(await store().recall(other, 'mine', 5000)).toBeUndefined()
        expect(await keysOf(other)).toEqual([])
        expect((await store().search(other, 'mine', 10, 5000)).found).toEqual([])
        await store().apply(clearing(other))
      }
      expect(await keysOf(scope)).toEqual(['mine'])
    })

    it('an operation that comes again changes nothing, and is answered as at first', async () => {
      const scope = newScope()
      const first = storing(scope, 'count', 1)
      const applied = await store().apply(first)
      await store().apply(storing(scope, 'count', 2))
      expect(await store().apply({ ...first, at: 9000 })).toEqual(applied)
      expect(await store().recall(scope, 'count', 5000)).toMatchObject({ value: 2, version: 2 })
      const forget = forgetting(scope, 'count')
      const forgotten = await store().apply(forget)
      await store().apply(storing(scope, 'count', 3))
      expect(await store().apply(forget)).toEqual(forgotten)
      const clear = clearing(scope)
      const cleared = await store().apply(clear)
      await store().apply(storing(scope, 'count', 4))
      expect(await store().apply(clear)).toEqual(cleared)
      expect(await store().recall(scope, 'count', 5000)).toMatchObject({ value: 4, version: 4 })
    })

    it('the same operation twice at once is one', async () => {
      const scope = newScope()
      const change = storing(scope, 'once', 'x')
      const both = await Promise.all([store().apply(change), store().apply(change), store().apply(change)])
      expect(both.map((applied) => recorded(applied))).toEqual(Array(3).fill(recorded(both[0] as Applied)))
      expect(await store().history(scope, 'once', 10)).toHaveLength(1)
    })

    it('changes of one entry at once follow one another, and each has its version', async () => {
      const scope = newScope()
      const all = await Promise.all(Array.from({ length: 8 }, (_, n) => store().apply(storing(scope, 'busy', n))))
      const versions = all.map((applied) => recorded(applied)).map((one) => (one.kind === 'stored' ? one.version : 0))
      expect(versions.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    })

    it('forgets softly: the entry is gone, its history stays, and its versions count on', async () => {
      const scope = newScope()
      await store().apply(storing(scope, 'a', 1))
      await store().apply(storing(scope, 'b', 2))
      expect(recorded(await store().apply(forgetting(scope, 'a')))).toMatchObject({ kind: 'forgotten', version: 1 })
      expect(await store().apply(forgetting(scope, 'a'))).toEqual({ kind: 'nothing' })
      expect(await store().recall(scope, 'a', 5000)).toBeUndefined()
      expect(await keysOf(scope)).toEqual(['b'])
      const again = recorded(await store().apply(storing(scope, 'a', 3)))
      expect(again).toMatchObject({ kind: 'stored', version: 2, created: true })
      const history = await store().history(scope, 'a', 10)
      expect(history.map(({ kind }) => kind)).toEqual(['stored', 'forgotten', 'stored'])
      expect(history.at(-1)).toMatchObject({ value: 1, by: ann })
    })

    it('forgets a whole scope in one record', async () => {
      const scope = newScope()
      expect(await store().apply(clearing(scope))).toEqual({ kind: 'nothing' })
      for (const key of ['a', 'b', 'c']) await store().apply(storing(scope, key, key))
      expect(recorded(await store().apply(clearing(scope)))).toMatchObject({ kind: 'scope-forgotten', entries: 3 })
      expect(await keysOf(scope)).toEqual([])
      expect(await store().recall(scope, 'a', 5000)).toBeUndefined()
      expect((await store().history(scope, 'a', 10)).map(({ kind }) => kind)).toEqual(['scope-forgotten', 'stored'])
      expect(recorded(await store().apply(storing(scope, 'a', 2)))).toMatchObject({ version: 2, created: true })
      expect(await keysOf(scope)).toEqual(['a'])
    })

    it('stores only over the version that was asked for', async () => {
      const scope = newScope()
      expect(await store().apply(storing(scope, 'k', 1, { ifVersion: 1 }))).toEqual({
        kind: 'other-version',
        version: 0,
      })
      await store().apply(storing(scope, 'k', 1, { ifVersion: 0 }))
      expect(await store().apply(storing(scope, 'k', 2, { ifVersion: 0 }))).toEqual({
        kind: 'other-version',
        version: 1,
      })
      expect(recorded(await store().apply(storing(scope, 'k', 2, { ifVersion: 1 })))).toMatchObject({ version: 2 })
    })

    it('what has had its time is gone, from lists and searches too', async () => {
      const scope = newScope()
      await store().apply(storing(scope, 'short', 'soon over', { life: 500 }))
      expect(await store().recall(scope, 'short', 1499)).toMatchObject({ expiresAt: 1500 })
      expect(await keysOf(scope, 1499)).toEqual(['short'])
      expect(await store().recall(scope, 'short', 1500)).toBeUndefined()
      expect(await keysOf(scope, 1500)).toEqual([])
      expect((await store().search(scope, 'soon', 10, 1500)).found).toEqual([])
      expect(await store().apply(forgetting(scope, 'short'))).toEqual({ kind: 'nothing' })
      expect(recorded(await store().apply(storing(scope, 'short', 1, { at: 2000 })))).toMatchObject({
        ...{ version: 2, created: true, createdAt: 2000 },
      })
      expect(await store().recall(scope, 'short', 9_000_000)).toMatchObject({ version: 2 })
    })

    it('lists by key in pages, with the number of all, and by a prefix', async () => {
      const scope = newScope()
      const keys = ['Zebra', 'a%b', 'a', 'a_b', 'ab', 'é', 'z', '😀', '\uffee']
      for (const key of keys) await store().apply(storing(scope, key, key))
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      const found: string[] = []
      let after: string | undefined
      do {
        const page = await store().list(scope, { limit: 2, after }, 5000)
        expect(page.total).toBe(keys.length)
        found.push(...page.entries.map(({ key }) => key))
        after = page.next
      } while (after !== undefined)
      expect(found).toEqual(sorted)
      expect((await store().list(scope, { limit: 10, prefix: 'a' }, 5000)).entries.map(({ key }) => key)).toEqual(
        sorted.filter((key) => key.startsWith('a')),
      )
      expect((await store().list(scope, { limit: 10, prefix: 'a%' }, 5000)).total).toBe(1)
    })

    it('finds entries by words, their forms, and with a spelling mistake; the nearest first', async () => {
      const scope = newScope()
      await store().apply(storing(scope, 'deploy', 'The team deploys the payment service on Fridays.'))
      await store().apply(storing(scope, 'coffee', { order: 'A double espresso without sugar' }))
      await store().apply(storing(scope, 'favourite_language', 'TypeScript'))
      const found = async (query: string) =>
        (await store().search(scope, query, 10, 5000)).found.map(({ entry }) => entry.key)
      expect(await found('espresso')).toEqual(['coffee'])
      expect((await found('deployment of the payment service'))[0]).toBe('deploy')
      expect(await found('expresso')).toContain('coffee')
      expect(await found('typescript')).toEqual(['favourite_language'])
      expect(await found('language')).toEqual(['favourite_language'])
      expect(await found('zeppelin')).toEqual([])
      expect(await found('it\'s 100% \\ "quoted" & (odd) | !')).toEqual([])
      expect((await store().search(scope, 'the payment espresso', 1, 5000)).found).toHaveLength(1)
    })

    it('tells which version of each entry is there', async () => {
      const scope = newScope()
      await store().apply(storing(scope, 'a', 1))
      await store().apply(storing(scope, 'b', 1))
      await store().apply(storing(scope, 'b', 2, { at: 1500 }))
      await store().apply(storing(scope, 'over', 1, { life: 10 }))
      await store().apply(storing(scope, 'gone', 1))
      await store().apply(forgetting(scope, 'gone'))
      const versions = (await store().versions(scope, 5000)).toSorted((a, b) => (a.key < b.key ? -1 : 1))
      expect(versions).toEqual([
        { key: 'a', version: 1, updatedAt: 1000 },
        { key: 'b', version: 2, updatedAt: 1500 },
      ])
    })

    it('tells what scopes there are', async () => {
      const prefix = id()
      const [one, two] = [`${prefix} one`, `${prefix} two`]
      await store().apply(storing(two, 'k', 'abc', { at: 1200 }))
      await store().apply(storing(one, 'k', 'abc'))
      await store().apply(storing(one, 'l', 1))
      const all = await store().scopes({ limit: 500 }, 5000)
      expect(all.scopes.filter(({ scope }) => scope.startsWith(prefix))).toEqual([
        { scope: one, entries: 2, bytes: 6, updatedAt: 1000 },
        { scope: two, entries: 1, bytes: 5, updatedAt: 1200 },
      ])
      await store().apply(clearing(one))
      const after = await store().scopes({ limit: 1, after: prefix }, 5000)
      expect(after.scopes.map(({ scope }) => scope)).toEqual([two])
    })

    it('what was answered outlives the process', async (context) => {
      const { again } = open()
      if (!again) return context.skip()
      const scope = newScope()
      const change = storing(scope, 'kept', 'still here')
      await store().apply(change)
      const reopened = await again()
      expect(await reopened.recall(scope, 'kept', 5000)).toMatchObject({ value: 'still here', version: 1 })
      expect(await reopened.apply(change)).toMatchObject({ kind: 'recorded', record: { version: 1 } })
      expect(await reopened.history(scope, 'kept', 10)).toHaveLength(1)
    })
  })
}
