import { silentLog } from '@reins/telemetry'
import { afterEach, describe, expect, it } from 'vitest'
import { inProcessStore } from '../in-process.ts'
import type { EntryStore } from '../store.ts'
import type { Embedder } from './embedder.ts'
import { Meaning } from './meaning.ts'
import { nearest } from './nearness.ts'
import { Vectors } from './vectors.ts'

const by = { principal: 'ann' }
let operations = 0
const remember = (store: EntryStore, key: string, value: string) => {
  operations += 1
  return store.apply({ kind: 'store', scope: 's', key, value, op: `op-${operations}`, by, at: operations })
}

/** Knows what a text is about by the words in it. */
class Subjects implements Embedder {
  readonly model = 'fake/subjects'
  readonly least = 0.3
  readonly asked: string[][] = []
  failure: Error | undefined
  held: Promise<void> | undefined

  async embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    this.asked.push([...texts])
    await this.held
    if (this.failure) throw this.failure
    return texts.map((text) => {
      const subjects = [/car|automobile/, /dog|puppy/, /paid|salary/].map((words) => (words.test(text) ? 1 : 0))
      const length = Math.hypot(...subjects)
      return Float32Array.from(length === 0 ? [0, 0, 0, 1] : [...subjects.map((one) => one / length), 0])
    })
  }
}

const made: Meaning[] = []
afterEach(async () => {
  for (const meaning of made.splice(0)) await meaning.close()
})

function searched(options: { embedder?: Subjects; waitMs?: number; now?: () => number } = {}) {
  const { embedder = new Subjects(), waitMs = 60_000, now = () => 1000 } = options
  const vectors = new Vectors({ model: embedder.model, db: undefined, bytes: 1e6, onAway: () => undefined })
  const meaning = new Meaning({ embedder, vectors, now, log: silentLog, waitMs })
  made.push(meaning)
  const store = meaning.over(inProcessStore(), 'memory')
  const search = async (query: string, limit = 10) => {
    const { found, how } = await store.search('s', query, limit, 1000)
    return { keys: found.map(({ entry }) => entry.key), how }
  }
  return { store, search, embedder }
}

describe('search by meaning', () => {
  it('finds what has no word in common with the query, beside what words find', async () => {
    const { store, search } = searched()
    await remember(store, 'travel', 'Ann drives an automobile')
    await remember(store, 'pet', 'a puppy')
    await remember(store, 'carpet', 'the carpet in the hall')
    expect(await search('which cars are there')).toEqual({
      keys: ['carpet', 'travel'],
      how: 'words, trigrams and meaning',
    })
    expect((await search('what is she paid')).keys).toEqual([])
    expect((await search('dog', 1)).keys).toEqual(['pet'])
  })

  it('puts first what words and meaning both find', async () => {
    const { store, search } = searched()
    await remember(store, 'a', 'an automobile')
    await remember(store, 'b', 'the car is blue')
    expect((await search('car')).keys).toEqual(['b', 'a'])
  })

  it('sends each version of an entry once, and knows the latest', async () => {
    const { store, search, embedder } = searched()
    await remember(store, 'it', 'a puppy')
    expect((await search('dog')).keys).toEqual(['it'])
    expect((await search('dog')).keys).toEqual(['it'])
    expect(embedder.asked.flat().filter((text) => text === 'it a puppy')).toHaveLength(1)
    await remember(store, 'it', 'an automobile')
    expect((await search('dog')).keys).toEqual([])
    expect((await search('car')).keys).toEqual(['it'])
  })

  it('knows nothing of what was forgotten, and of another scope', async () => {
    const { store, search } = searched()
    await remember(store, 'it', 'a puppy')
    await store.apply({ kind: 'store', scope: 'other', key: 'theirs', value: 'a dog', op: 'other', by, at: 1 })
    expect((await search('puppy or dog')).keys).toEqual(['it'])
    await store.apply({ kind: 'forget', scope: 's', key: 'it', op: 'gone', by, at: 900 })
    expect((await search('puppy or dog')).keys).toEqual([])
    await remember(store, 'it', 'nothing of that kind')
    expect((await search('dog')).keys).toEqual([])
  })

  it('is left out while the model is away, and says why; it is asked again later', async () => {
    const embedder = new Subjects()
    let now = 1000
    const { store, search } = searched({ embedder, now: () => now })
    embedder.failure = new Error('the model is away')
    await remember(store, 'travel', 'an automobile, a car')
    expect(await search('car')).toEqual({ keys: ['travel'], how: 'words and trigrams; not meaning: the model is away' })
    const asked = embedder.asked.length
    await search('car')
    expect(embedder.asked).toHaveLength(asked)
    embedder.failure = undefined
    now += 60_000
    expect(await search('cars')).toEqual({ keys: ['travel'], how: 'words, trigrams and meaning' })
  })

  it('leaves out an entry that the model refuses, and finds the others', async () => {
    const embedder = new Subjects()
    const takes = embedder.embed.bind(embedder)
    embedder.embed = async (texts) => {
      if (texts.some((text) => text.startsWith('long'))) throw Object.assign(new Error('too long'), { refused: true })
      return takes(texts)
    }
    const plain = inProcessStore()
    await remember(plain, 'long', 'a puppy')
    await remember(plain, 'short', 'a puppy')
    const vectors = new Vectors({ model: embedder.model, db: undefined, bytes: 1e6, onAway: () => undefined })
    const meaning = new Meaning({ embedder, vectors, now: () => 1000, log: silentLog, waitMs: 60_000 })
    made.push(meaning)
    const { found, how } = await meaning.over(plain, 'memory').search('s', 'dog', 10, 1000)
    expect(found.map(({ entry }) => entry.key)).toEqual(['short'])
    expect(how).toBe('words, trigrams and meaning (of 1 of 2 entries)')
  })

  it('does not wait for a model that is slow', async () => {
    const embedder = new Subjects()
    const { promise, resolve } = Promise.withResolvers<void>()
    const { store, search } = searched({ embedder, waitMs: 1 })
    embedder.embed = async (_texts, signal?: AbortSignal) => {
      await Promise.race([promise, new Promise((go) => signal?.addEventListener('abort', go))])
      throw new Error('it did not answer in time')
    }
    await remember(store, 'travel', 'a car')
    expect(await search('car')).toEqual({
      keys: ['travel'],
      how: 'words and trigrams; not meaning: it did not answer in time',
    })
    resolve()
  })
})

describe('nearest', () => {
  it('passes over vectors of another model, and keeps to the least and the most', () => {
    const vectors = new Map([
      ['same', Float32Array.of(1, 0)],
      ['near', Float32Array.of(0.8, 0.6)],
      ['far', Float32Array.of(0, 1)],
      ['other', Float32Array.of(1, 0, 0)],
    ])
    const query = Float32Array.of(1, 0)
    expect(nearest(vectors, query, { least: 0.3, most: 5 }).map(({ key }) => key)).toEqual(['same', 'near'])
    expect(nearest(vectors, query, { least: 0.3, most: 1 }).map(({ key }) => key)).toEqual(['same'])
  })
})
