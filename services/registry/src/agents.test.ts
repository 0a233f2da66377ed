import type { AgentEntry } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { decide } from './agents.ts'

const entry: AgentEntry = {
  name: 'coder',
  digest: 'd1',
  version: 3,
  deleted: false,
  createdAt: 10,
  updatedAt: 20,
  by: 'ann',
}
const deleted: AgentEntry = { ...entry, deleted: true }
const next = (digest: string) => ({ name: 'coder', digest, by: 'bob', at: 30 })
const written = (version: number, createdAt: number) => ({
  name: 'coder',
  digest: 'd2',
  version,
  deleted: false,
  createdAt,
  updatedAt: 30,
  by: 'bob',
})

describe('a put on an agent that is there', () => {
  test('with the same content keeps it, by apply and by update', () => {
    expect(decide(entry, next('d1'), { kind: 'apply' })).toEqual({ kind: 'keep', entry })
    expect(decide(entry, next('d1'), { kind: 'update', digest: 'd1' })).toEqual({ kind: 'keep', entry })
  })
  test('with other content is its next version', () => {
    expect(decide(entry, next('d2'), { kind: 'apply' })).toEqual({
      kind: 'write',
      outcome: 'updated',
      entry: written(4, 10),
    })
  })
  test('to create it is refused, also with the same content', () => {
    for (const digest of ['d1', 'd2'])
      expect(() => decide(entry, next(digest), { kind: 'create' })).toThrow('There is an agent coder already')
  })
  test('at another digest is refused', () => {
    expect(() => decide(entry, next('d2'), { kind: 'update', digest: 'd0' })).toThrow('is at the digest d1, not at d0')
  })
})

describe('a put on a name that is free', () => {
  test('creates version 1, and goes on counting after a deletion', () => {
    expect(decide(undefined, next('d2'), { kind: 'create' })).toMatchObject({
      outcome: 'created',
      entry: written(1, 30),
    })
    expect(decide(deleted, next('d2'), { kind: 'apply' })).toMatchObject({ outcome: 'created', entry: written(4, 30) })
    expect(decide(deleted, next('d1'), { kind: 'create' })).toMatchObject({ outcome: 'created', entry: { version: 4 } })
  })
  test('to update it is refused', () => {
    for (const none of [undefined, deleted])
      expect(() => decide(none, next('d2'), { kind: 'update', digest: 'd1' })).toThrow('There is no agent "coder"')
  })
})
