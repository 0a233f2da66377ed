import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { isAway, openDatabase } from './database.ts'

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

test('nobody connects before the server is ready, and the end of the database ends the waiting', async () => {
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const nobodyThere = 'postgres://nobody@127.0.0.1:1/none'
  const waiting = openDatabase(nobodyThere, { ready })
  const asked = sql`select 1`.execute(waiting).catch((error: unknown) => error)
  await setImmediate() // it waits for the server by then
  await waiting.destroy()
  expect([isAway(await asked), String(await asked)]).toEqual([true, expect.stringContaining('is closed')])

  const db = openDatabase(nobodyThere, { ready })
  const first = sql`select 1`.execute(db).catch((error: unknown) => error)
  resolve()
  expect(String(await first)).toContain('ECONNREFUSED')
  await db.destroy()
})
