// The table of failures: every kind has words for a person, and what cannot help is not tried again.
import { expect, test } from 'vitest'
import { failed } from './failure.ts'
import { type FaultKind, kinds } from './kinds.ts'

const subject = {
  provider: 'lab',
  model: 'm',
  baseUrl: 'https://me:pass@lab.test/v1?key=1',
  keyEnv: 'LAB_KEY',
  secrets: [],
}
const names = Object.keys(kinds) as FaultKind[]

test.each(names)('%s says what happened and what to do, in whole sentences and without a secret', (kind) => {
  const { message, retries } = failed({ kind, message: 'it broke' }, subject)
  expect(message).toMatch(/^lab\/m: it broke\. [A-Z].*\.$/)
  expect(message).not.toMatch(/pass|key=1/)
  expect(retries ?? 0).toBeLessThanOrEqual(2)
})

test('what only a person can mend is never tried again', () => {
  const mended: readonly FaultKind[] = [
    'wrong-key',
    'no-credit',
    'no-model',
    'wrong-address',
    'too-long',
    'refused',
    'request',
    'untrusted',
    'long-limit',
  ]
  const tried = new Set(['rate-limited', 'overloaded', 'network'])
  for (const kind of mended) {
    const { code, retries } = failed({ kind, message: '' }, subject)
    expect([kind, retries ?? (tried.has(code) ? 'often' : 0)]).toEqual([kind, 0])
  }
})
