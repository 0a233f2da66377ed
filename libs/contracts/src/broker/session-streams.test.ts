import { describe, expect, test } from 'vitest'
import { childId, makeUlid, partitionOf, partitions, rootOf } from '../ids.ts'
import { sessionStreamsOf, splittableStreams, subjectsOfStream } from './session-streams.ts'
import { sessionFilter, treeFilter } from './subjects.ts'

const roots = Array.from({ length: 200 }, (_, i) => makeUlid(1_700_000_000_000 + i, Math.random))

test('one stream holds all sessions', () => {
  const streams = sessionStreamsOf(1)
  expect(new Set(roots.map(streams.of))).toEqual(new Set(['SES']))
  expect(subjectsOfStream(1, 0)).toEqual(['ses.>'])
})

describe('four streams', () => {
  const streams = sessionStreamsOf(4)
  const all = streams.names.map((_, index) => subjectsOfStream(4, index))

  test('take every partition, each in one of them', () => {
    expect(all.map((subjects) => subjects.length)).toEqual([64, 64, 64, 64])
    expect(new Set(all.flat()).size).toBe(partitions)
  })

  test('hold sessions where their subjects go', () => {
    for (const root of roots) {
      const own = all[streams.indexOf(root)] ?? []
      expect(own).toContain(`ses.${partitionOf(root)}.>`)
      expect(sessionFilter(root)).toContain(`ses.${partitionOf(root)}.`)
    }
    expect(new Set(roots.map(streams.of)).size).toBe(4)
  })

  test('hold a tree of sessions in one of them', () => {
    for (const root of roots) {
      const child = childId(root, 'call')
      expect(streams.of(child)).toBe(streams.of(root))
      expect(treeFilter(rootOf(child))).toBe(treeFilter(root))
    }
  })
})

test('the one stream that is split is four from then on, in the same object', () => {
  const streams = splittableStreams(1)
  const of = streams.of
  expect(new Set(roots.map(of))).toEqual(new Set(['SES']))
  streams.split()
  const four = sessionStreamsOf(4)
  expect(streams.names).toEqual(four.names)
  expect(roots.map(of)).toEqual(roots.map(four.of))
  expect(roots.map(streams.indexOf)).toEqual(roots.map(four.indexOf))
})
