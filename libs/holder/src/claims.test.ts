import { expect, test } from 'vitest'
import { Claims } from './claims.ts'

function world() {
  const said: string[] = []
  const presence = {
    begin: ({ call, attempt }: { call: string; attempt: number }) => void said.push(`begin ${call}/${attempt}`),
    end: ({ call, attempt }: { call: string; attempt: number }) => void said.push(`end ${call}/${attempt}`),
  }
  return { claims: new Claims('s', { presence: () => presence }), said }
}

test('an attempt is held from its claim until the claim is disposed of', () => {
  const { claims, said } = world()
  {
    using _claim = claims.claim('c', 1)
    expect(claims.holds('c', 1)).toBe(true)
    expect(said).toEqual(['begin c/1'])
  }
  expect(claims.holds('c', 1)).toBe(false)
  expect(said).toEqual(['begin c/1', 'end c/1'])
})

test('also when what it was claimed for throws', () => {
  const { claims } = world()
  expect(() => {
    using _claim = claims.claim('c', 1)
    throw new Error('not appended')
  }).toThrow('not appended')
  expect(claims.holds('c', 1)).toBe(false)
})

test('an attempt that is claimed twice is let go with the second of its claims, and once', () => {
  const { claims, said } = world()
  const first = claims.claim('c', 1)
  const second = claims.claim('c', 1)
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  expect(claims.holds('c', 1)).toBe(true)
  second[Symbol.dispose]()
  expect(said).toEqual(['begin c/1', 'end c/1'])
})

test('what was started is remembered after it was let go', () => {
  const { claims } = world()
  claims.start('c', 1)
  claims.claim('c', 1)[Symbol.dispose]()
  expect(claims.started('c', 1)).toBe(true)
  expect(claims.started('c', 2)).toBe(false)
})
