import { type BundleEntry, bundleDigest, keptBuilds } from '@reins/contracts'
import { createMemoryJournal, parseBundle } from '@reins/journal'
import { expect, onTestFinished, test } from 'vitest'
import { type MemoryLog, memoryLog } from '../../test/memory-log.ts'
import { emptyManifest } from '../../test/project-builds.ts'
import { Bundles } from '../code/bundles.ts'
import { Projects } from '../projects/projects.ts'
import { DevelopmentBuilds } from './development-builds.ts'

const clock = { now: () => 1, random: () => 0.5 }
const digestOf = (text: string): string => bundleDigest(Buffer.from(text))
const died = new Error('the process died')

function world(log: MemoryLog = memoryLog()) {
  const journal = createMemoryJournal({ clock })
  onTestFinished(() => journal.close())
  const store = { ...journal.bundles }
  const used = new Set<string>()
  const state = { known: true, versions: new Map<string, readonly string[]>() }
  /** One process. `stopsAt`: where it dies. */
  const start = (stopsAt?: string) => {
    const pauseAt = (point: string) => (point === stopsAt ? Promise.reject(died) : undefined)
    const describe = async () => ({ kind: 'tools' as const, tools: [], project: emptyManifest })
    const bundles = new Bundles({ log, store, describe, pauseAt })
    const builds = new DevelopmentBuilds({
      ...{ log, store, pauseAt, failed: (error) => expect(error).toBe(died) },
      needed: async () => ({
        bySessions: state.known ? new Set([...used].map(digestOf)) : undefined,
        byVersion: (digest) => state.versions.get(digest) ?? [],
      }),
    })
    const projects = new Projects({ log, clock, bundles })
    const put = (text: string, development = true) => projects.put('desk', text, { by: 'user:ada', development })
    return { builds, bundles, projects, put }
  }
  const kept = async () => {
    const found = new Map<string, BundleEntry['development']>()
    for (const { value } of (await log.all('bundle')).values()) {
      const entry = parseBundle(value)
      if (entry) found.set(entry.digest, entry.development)
    }
    return found
  }
  /** Whose bytes are there; and what is named and not there. */
  const left = async (texts: readonly string[]) => {
    const records = await kept()
    const there: string[] = []
    for (const text of texts) {
      const [bytes, record] = [await store.get(digestOf(text)), records.get(digestOf(text))]
      if (bytes) there.push(text)
      expect([text, bytes !== undefined]).toEqual([text, record !== 'removed'])
    }
    return there
  }
  return { log, store, used, state, start, kept, left }
}

const texts = Array.from({ length: 30 }, (_, at) => `build ${at}`)
/** Each save has its clean-up. */
async function saves({ put, builds }: ReturnType<ReturnType<typeof world>['start']>, which: readonly string[]) {
  for (const text of which) {
    await put(text)
    await builds.clean()
  }
}

test('of many builds those stay that can be rolled back to, that a session goes by, and that an agent names', async () => {
  const { start, used, state, left, log } = world()
  const one = start()
  used.add('build 3')
  state.versions.set('v', [digestOf('build 5')])
  const agent = { name: 'other', digest: 'v', version: 1, deleted: false, createdAt: 1, updatedAt: 1, by: 'user:ada' }
  await log.write('agent', 'other', agent, 0)
  await saves(one, texts)
  // The last one that was retired goes with the next save.
  expect(await left(texts)).toEqual(['build 3', 'build 5', ...texts.slice(-keptBuilds - 2)])
  used.clear()
  await saves(one, ['a', 'b'])
  expect(await left(texts)).not.toContain('build 3')
})

test('a build that was deployed without reins dev, or as well, stays', async () => {
  const { start, left } = world()
  const one = start()
  await one.put('build 0', false)
  await one.put('build 1')
  await one.put('build 1', false)
  await one.put('build 2')
  await saves(one, texts.slice(3))
  expect(await left(texts)).toEqual(['build 0', 'build 1', ...texts.slice(-keptBuilds - 2)])
})

test('where it is not known what sessions go by, nothing goes', async () => {
  const { start, state, left } = world()
  state.known = false
  await saves(start(), texts)
  expect(await left(texts)).toEqual(texts)
})

test('a retired build that somebody goes by, or that is saved again, is kept again', async () => {
  const { start, used, kept, left } = world()
  const one = start()
  await saves(one, texts.slice(0, 13))
  expect([(await kept()).get(digestOf('build 1')), (await kept()).get(digestOf('build 0'))]).toEqual([
    'retired',
    'removed',
  ])
  used.add('build 1')
  await saves(one, ['build 2'])
  expect((await kept()).get(digestOf('build 1'))).toBe('kept')
  await saves(one, texts.slice(13))
  expect(await left(texts)).toContain('build 1')
})

test('a removed build that is saved again is there again', async () => {
  const { start, left } = world()
  const one = start()
  await saves(one, texts)
  expect(await left(['build 0'])).toEqual([])
  await saves(one, ['build 0'])
  expect(await left(['build 0'])).toEqual(['build 0'])
})

test.each(['bundle', 'project'] as const)('a %s that is written while a build goes is first', async (kind) => {
  const { start, log, left, kept } = world()
  const one = start()
  await saves(one, texts.slice(0, 12))
  expect((await kept()).get(digestOf('build 0'))).toBe('retired')
  await one.put('build 12')
  let once = true
  log.beforeWrite = async (of, name) => {
    if (!once || of !== 'bundle' || name !== digestOf('build 0')) return
    once = false
    // Another process: the same build is deployed, or something else is.
    await start().put(kind === 'bundle' ? 'build 0' : 'beside')
  }
  await one.builds.clean()
  expect(once).toBe(false)
  expect(await left(['build 0'])).toEqual(['build 0'])
})

test('a process that dies before the bytes go leaves them to the next one, which takes them', async () => {
  const { start, left, store, kept } = world()
  const one = start('registry.build-removed')
  await saves(one, texts.slice(0, 12))
  await one.put('build 12')
  await expect(one.builds.clean()).rejects.toBe(died)
  expect([(await kept()).get(digestOf('build 0')), await store.get(digestOf('build 0'))]).toEqual([
    'removed',
    expect.anything(),
  ])
  // It is saved again before anybody cleans up.
  const next = start()
  await next.builds.clean()
  expect(await left(texts.slice(0, 13))).toEqual(texts.slice(1, 13))
})

test('a build that is saved again while its bytes are on their way out is whole, whoever is last', async () => {
  const { start, left, store } = world()
  const one = start()
  await saves(one, texts.slice(0, 12))
  await one.put('build 12')
  const { remove } = store
  let late: (() => Promise<void>) | undefined
  store.remove = async (digest, removal) => {
    late = () => remove(digest, removal)
  }
  await one.builds.clean()
  await start().put('build 0')
  await late?.()
  expect(await left(['build 0'])).toEqual(['build 0'])
})

test('a process that dies while a removed build is kept again names nothing that is not there', async () => {
  const { start, left } = world()
  await saves(start(), texts)
  await expect(start('registry.bytes-kept').put('build 0')).rejects.toBe(died)
  const next = start()
  await next.builds.clean()
  await next.put('build 0')
  expect(await left(['build 0'])).toEqual(['build 0'])
})
