// What the watch makes of what Postgres answers.
import { silentLog } from '@reins/telemetry'
import { expect, test } from 'vitest'
import { watchPostgres } from './postgres-watch.ts'

/** As a client rejects. */
const refusal = (message: string, code?: string): Error => Object.assign(new Error(message), code ? { code } : {})
const noSpace = refusal('could not extend file "base/1/2": No space left on device', '53100')
const inputOutput = refusal('could not write to file "pg_wal/xlogtemp.9": Input/output error', '58030')
const readOnly = refusal('cannot execute pg_logical_emit_message() in a read-only transaction', '25006')
const recovering = refusal('the database system is in recovery mode', '57P03')
const silence = refusal('Query read timeout')
const gone = refusal('connect ECONNREFUSED 127.0.0.1:5', 'ECONNREFUSED')
const cut = refusal('Connection terminated unexpectedly')

/** What is said after each answer. */
async function said(...answers: readonly (Error | 'taken')[]): Promise<string[]> {
  const heard: string[] = []
  const left = [...answers]
  const { promise, resolve } = Promise.withResolvers<void>()
  const watch = watchPostgres({
    ...{ url: 'postgres://unused', folder: '/data/postgres', log: silentLog, everyMs: 1 },
    async write() {
      if (left.length < answers.length) heard.push(watch.health())
      const answer = left.shift()
      if (answer === undefined) return resolve()
      if (answer !== 'taken') throw answer
    },
  })
  await promise
  await watch.close()
  return heard
}

test.each([noSpace, inputOutput, readOnly])(
  'one that cannot write is sick at once, in its own words: $message',
  async (error) => {
    const words = `Postgres cannot write in /data/postgres: ${error.message}`
    expect(await said('taken', error, error, 'taken')).toEqual(['ok', words, words, 'ok'])
  },
)

test('one that does not answer, or recovers, is sick from the second time on', async () => {
  expect(await said(silence, silence, 'taken')).toEqual(['ok', 'Postgres does not answer', 'ok'])
  const words = 'Postgres takes no connection yet: the database system is in recovery mode'
  expect(await said(recovering, recovering, 'taken', silence)).toEqual(['ok', words, 'ok', 'ok'])
})

test('one that is away is not sick: whoever watches its process says so', async () => {
  expect(await said(gone, cut, gone)).toEqual(['ok', 'ok', 'ok'])
  // What was known of it before stays said until it is heard again.
  expect((await said(noSpace, gone, 'taken')).slice(1)).toEqual([expect.stringContaining('No space left'), 'ok'])
})
