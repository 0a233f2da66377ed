import { allRegistryFilter, type Seals } from '@reins/contracts'
import { expect, it } from 'vitest'
import { believedOf, isForged, sealOfRecord, standingOf } from './registry-seals.ts'

const subject = 'reg.token.a'
/** Signs with the text itself. */
const seals: Seals = {
  sign: (_, text) => `key.${text.length}`,
  signAll: () => undefined,
  check: (_, text, seal) => (seal === '' ? 'none' : seal === `key.${text.length}` ? 'sound' : 'wrong'),
  isNewest: () => true,
  sealedFrom: 1,
}

/** As it lies at `seq`. */
function record(seq: number, { after, end = true }: { readonly after: number; readonly end?: boolean }) {
  const headers = new Map([
    ['Reins-Id', 'i'],
    ['Nats-Expected-Last-Subject-Sequence', String(after)],
    ['Nats-Expected-Last-Subject-Sequence-Subject', end ? allRegistryFilter : ''],
    ['Reins-Seal', sealOfRecord(seals, { subject, id: 'i', after, end, body: '{}' }) ?? ''],
  ])
  return { seq, subject, body: '{}', header: (name: string) => headers.get(name) ?? '' }
}

it('a record that was sealed for the end of the log counts right behind that end, and nowhere else', () => {
  const believed = (seq: number, before?: number) => standingOf(seals, record(seq, { after: 7 }), before).believed
  expect([believed(8), believed(8, 3), believed(7), believed(9), believed(20, 0)]).toEqual([
    ...[true, true, false, false, false],
  ])
  const putBack = record(20, { after: 7 })
  expect(isForged(seals, standingOf(seals, putBack), 20)).toBe(true)
})

it('one of an older version counts where it is the first of its entity behind its condition', () => {
  const older = (seq: number, after: number) => record(seq, { after, end: false })
  expect(standingOf(seals, older(9, 5), 5).believed).toBe(true)
  expect(standingOf(seals, older(9, 5), 6).believed).toBe(false)
  expect(standingOf(seals, older(9, 5))).toMatchObject({ believed: undefined, after: 5 })
  // Made, revoked, and made once more by somebody who has the bytes of the first.
  const all = [older(2, 0), older(4, 2), older(9, 0), record(12, { after: 11 })]
  expect(believedOf(seals, all).map(({ seq }) => seq)).toEqual([2, 4, 12])
})
