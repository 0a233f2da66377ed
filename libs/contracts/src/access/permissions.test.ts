import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { covers, coversGrant, meet, nameOfSegment, permissionProblem, segmentOf } from './permissions.ts'
import { builtinRoles, formerPermissions, withFormer } from './roles.ts'

const word = fc.constantFrom('agent', 'coder', 'start', 'a', '*')
const grant = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(':'))
const needed = fc
  .array(fc.constantFrom('agent', 'coder', 'start', 'a'), { minLength: 1, maxLength: 6 })
  .map((words) => words.join(':'))

/** The grammar once more, as its words say it: by a regular expression. */
const said = (granted: string, wanted: string): boolean => {
  const words = granted.split(':')
  const pattern = words.map((one, at) => (one !== '*' ? one : at === words.length - 1 ? '[^:]+(:[^:]+)*' : '[^:]+'))
  return new RegExp(`^${pattern.join(':')}$`).test(wanted)
}

describe('a permission', () => {
  test('is covered as the grammar says: * in the middle is one word, at the end one or more', () => {
    fc.assert(fc.property(grant, needed, (granted, wanted) => covers(granted, wanted) === said(granted, wanted)))
  })

  test('that covers another grant covers all that the other covers', () => {
    fc.assert(
      fc.property(grant, grant, needed, (one, other, wanted) => {
        if (coversGrant(one, other) && covers(other, wanted)) expect(covers(one, wanted)).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  test('meets another in just what both cover', () => {
    fc.assert(
      fc.property(grant, grant, needed, (one, other, wanted) => {
        const both = meet(one, other)
        expect(both !== undefined && covers(both, wanted)).toBe(covers(one, wanted) && covers(other, wanted))
      }),
      { numRuns: 5000 },
    )
  })

  test('holds any name as one word, and gives it back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (name) => {
        const segment = segmentOf(name)
        expect(segment).toMatch(/^[A-Za-z0-9_.@~%-]+$/)
        expect(nameOfSegment(segment)).toBe(name.toWellFormed())
        expect(permissionProblem(`memory:${segment}:read`)).toBeUndefined()
      }),
    )
  })

  test.each([
    ['', 'it is empty'],
    ['agent::start', 'empty word'],
    ['agent:cod*:start', 'whole words only'],
    ['agent:coder start', 'no word of a permission'],
    ['agent:ｃoder:start', 'no word of a permission'],
    ['memory:user%3aann:read', 'no word of a permission'],
    ['memory:%61nn:read', 'is written as ann'],
    [`agent:${'x'.repeat(1000)}`, 'more than 1000'],
    [Array(13).fill('a').join(':'), 'more than 12 words'],
  ])('%j is none', (text, why) => {
    expect(permissionProblem(text)).toContain(why)
  })

  test('in upper case, or with letters that look alike, is another one', () => {
    for (const other of ['agent:Coder:start', `agent:${segmentOf('cоder')}:start`, 'AGENT:coder:start'])
      expect(covers('agent:coder:start', other)).toBe(false)
  })
})

describe('roles', () => {
  test('hold permissions that can be granted', () => {
    for (const { permissions } of builtinRoles)
      for (const permission of permissions) expect(permissionProblem(permission)).toBeUndefined()
    for (const permission of Object.values(formerPermissions).flat())
      expect(permissionProblem(permission)).toBeUndefined()
  })

  test('permissions of older tokens mean what they meant, and no more', () => {
    expect(withFormer(['agents:read'])).toEqual(['agents:read', 'agent:*:read'])
    expect(withFormer(['agents:*'])).toEqual([
      'agents:*',
      ...['agent:*:read', 'agent:*:create', 'agent:*:update', 'agent:*:delete', 'secret:use:*'],
    ])
    for (const former of ['agents:write', 'agents:*', 'sessions:*', 'approvals:*'])
      expect(withFormer([former]).some((one) => covers(one, 'workflow:*:*:register'))).toBe(false)
    expect(withFormer(['*'])).toEqual(['*'])
  })
})
