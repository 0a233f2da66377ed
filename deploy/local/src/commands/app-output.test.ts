import { expect, test } from 'vitest'
import { appOutput } from './app-output.ts'

const line = (fields: object) => `${JSON.stringify({ level: 30, time: '2026-11-28T10:00:00Z', ...fields })}\n`

test.each([
  ['what it prints', { msg: 'the app printed', printed: 'one\ntwo\n' }, ['app: one', 'app: two']],
  ['what it logs', { msg: 'the app logged', said: 'ready' }, ['app: ready']],
  [
    'a request without an answer',
    { msg: 'the app did not answer a request', method: 'POST', message: 'it ended' },
    ['app: POST: it ended'],
  ],
  ['nothing that drives a terminal', { msg: 'the app printed', printed: 'a\u001b[2Jb\u202e' }, ['app: a␛[2Jb']],
  ['no other line', { msg: 'a session begins', said: 'the app printed' }, []],
  ['no line that only speaks of it', { msg: 'x', printed: '"the app printed"' }, []],
])('of the log is shown %s', (_, fields, lines) => expect(appOutput(line(fields))).toEqual(lines))

test('a text of many lines is cut, and the rest is counted', () => {
  const lines = appOutput(line({ msg: 'the app printed', printed: 'x\n'.repeat(50) }))
  expect([lines.length, lines.at(-1)]).toEqual([41, 'app: … 10 more lines, in logs/reins.log'])
})

test('what is no line of a log is no output', () => expect(appOutput('"the app printed" {')).toEqual([]))
