import { expect, test } from 'vitest'
import { isAway } from './database.ts'

const withCode = (code: string) => Object.assign(new Error('x'), { code })

test('a server that is away, starting or too busy is told apart from a statement that is wrong', () => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P03', '08006', '53300'])
    expect(isAway(withCode(code))).toBe(true)
  expect(isAway(new AggregateError([new Error('x'), withCode('ECONNREFUSED')]))).toBe(true)
  expect(isAway(new Error('Connection terminated unexpectedly'))).toBe(true)
  for (const code of ['42P01', '23505', '22021']) expect(isAway(withCode(code))).toBe(false)
  expect(isAway(new Error('column "x" does not exist'))).toBe(false)
  expect(isAway('ECONNREFUSED')).toBe(false)
})
