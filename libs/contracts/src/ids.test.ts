import { describe, expect, it } from 'vitest'
import {
  childId,
  instanceSessionId,
  isAgentName,
  isChild,
  isSessionId,
  makeShortId,
  makeUlid,
  partitionOf,
  partitions,
  rootOf,
} from './ids.ts'

const zero = () => 0
const most = () => 1 - Number.EPSILON

describe('the id of a session', () => {
  const root = makeUlid(1_700_000_000_000, most)

  it('sorts by its time', () => {
    expect(root).toBe('01HF7YAT00ZZZZZZZZZZZZZZZZ')
    expect(makeUlid(1_700_000_000_001, zero) > root).toBe(true)
  })

  it('is known by its form, whether it is of a root, of an instance or of a child', () => {
    const instance = instanceSessionId('agent', 'instance', 'session')
    for (const id of [root, instance, childId(root, 'c1'), childId(instance, 'c1')]) expect(isSessionId(id)).toBe(true)
    for (const id of [
      '',
      root.slice(1),
      `${root}-`,
      `${root}x`,
      root.toLowerCase(),
      `${root}.a`,
      `${childId(root, 'c')}-x`,
    ])
      expect(isSessionId(id), id).toBe(false)
  })

  it('of a child or an instance is the same for the same, and another for anything else', () => {
    const ids = [childId(root, 'c1'), childId(root, 'c2'), childId(childId(root, 'c1'), 'c1')]
    expect(new Set([...ids, childId(root, 'c1')]).size).toBe(3)
    expect(instanceSessionId('a', 'bc', 'd')).not.toBe(instanceSessionId('ab', 'c', 'd'))
    expect(instanceSessionId('a', 'b', 'c')).toBe(instanceSessionId('a', 'b', 'c'))
  })

  it('tells its root at any depth, and its root tells the partition', () => {
    const deep = childId(childId(root, 'c1'), 'c2')
    expect([rootOf(root), rootOf(deep)]).toEqual([root, root])
    expect([isChild(root), isChild(deep)]).toEqual([false, true])
    expect(partitionOf(root)).toBe(partitionOf(rootOf(deep)))
    expect(partitionOf(root)).toBeLessThan(partitions)
    expect(partitionOf('01HZZZZZZZZZZZZZZZZZZZZZZZ')).toBe(160)
  })
})

describe('other names', () => {
  it('a short id has the length that is asked for, of characters that a subject takes', () => {
    expect(makeShortId(most, 5)).toBe('zzzzz')
    expect(makeShortId(zero)).toMatch(/^[0-9a-z]{14}$/)
  })

  it('an agent has lower-case letters, digits and single hyphens inside', () => {
    for (const name of ['a', 'my-agent-2', 'a'.repeat(64)]) expect(isAgentName(name), name).toBe(true)
    for (const name of ['', 'A', '-a', 'a-', 'a--b', 'a.b', 'a b', 'a'.repeat(65)])
      expect(isAgentName(name), name).toBe(false)
  })
})
