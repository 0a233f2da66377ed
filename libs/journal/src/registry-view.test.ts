import { definitionDigest } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { parseAgent, parseToken, parseVersion } from './registry-view.ts'

const agent = { name: 'a', digest: 'd', version: 1, deleted: false, createdAt: 1, updatedAt: 2, by: 'me' }
const token = { hash: 'h', principal: 'p', permissions: ['*'], revoked: false, createdAt: 1 }
const definition = { name: 'a', model: 'scripted/demo', system_prompt: 'x' }
const version = { digest: definitionDigest(definition), at: 1, by: 'me', definition }

describe('a record of REG', () => {
  test('is read as what it is', () => {
    expect(parseAgent(agent)).toEqual(agent)
    expect(parseToken(token)).toEqual(token)
    expect(parseVersion(version)).toEqual(version)
  })

  test('without one of its fields, or with a wrong one, is none', () => {
    const faults = <T extends object>(whole: T, parse: (value: unknown) => unknown) =>
      Object.keys(whole).flatMap((field) => [parse({ ...whole, [field]: undefined }), parse({ ...whole, [field]: {} })])
    for (const fault of [...faults(agent, parseAgent), ...faults(token, parseToken), ...faults(version, parseVersion)])
      expect(fault).toBeUndefined()
    for (const none of [undefined, null, 3, 'x', []])
      expect(parseAgent(none) ?? parseToken(none) ?? parseVersion(none)).toBeUndefined()
    expect(parseToken({ ...token, permissions: ['*', 3] })).toBeUndefined()
  })

  test('with a definition that is not its digest is none', () => {
    expect(parseVersion({ ...version, definition: { ...definition, system_prompt: 'y' } })).toBeUndefined()
  })
})
