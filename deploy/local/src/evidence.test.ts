import { expect, test } from 'vitest'
import { evidence } from './evidence.ts'

test('where everything can be read there is nothing to say', () => {
  expect(evidence({ records: [], pools: [], sessions: [] })).toEqual({})
})

test('what cannot be read is counted, and the first of it named, without what a terminal would obey', () => {
  const found = evidence({
    records: [
      { seq: 12, subject: 'agent\u001b[31mx', why: 'unreadable' },
      { seq: 13, subject: 'reg.token.x', why: 'unsealed' },
    ],
    pools: ['exec.a', 'exec.b', 'exec.c', 'exec.d'],
    sessions: ['one'],
  })
  expect(found.records).toContain('1 record of the stream REG cannot be read')
  expect(found.records).toContain('agent?[31mx (sequence 12)')
  expect(found.seals).toContain('has no sound seal of the registry')
  expect(found.seals).toContain('reg.token.x (sequence 13)')
  expect(found.sessions).toMatch(/^1 session cannot be read, .*: one$/)
  expect(found.pools).toContain('4 entries')
  expect(found.pools).toMatch(/exec\.a, exec\.b, exec\.c and others$/)
})
