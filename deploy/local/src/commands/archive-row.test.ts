import { expect, test } from 'vitest'
import { archiveRow } from './archive-row.ts'

const at = Date.parse('2026-01-02T03:04:05Z')

test('a look that could read everything is said to be well', () => {
  expect(archiveRow({ at, sessions: 7, unreadable: 0, named: [] })).toMatchObject({
    status: 'ok',
    found: 'each of 7 sessions in the archive could be read, at the look that ended 2026-01-02T03:04:05.000Z',
  })
})

test('what cannot be read is counted, the first ones are named, and the row says what to do', () => {
  const row = archiveRow({ at, sessions: 7, unreadable: 4, named: ['A', 'B', 'C', 'D'] })
  expect(row).toMatchObject({ status: 'warning', found: expect.stringContaining('4 of 7 sessions') })
  expect(row?.found).toContain('A, B, C and others')
  expect(row?.hint).toContain('reins session verify --all')
})

test('where nothing was looked at yet, or another version says something else, there is no row', () => {
  expect(archiveRow(undefined)).toBeUndefined()
  expect(archiveRow({ at })).toBeUndefined()
})
