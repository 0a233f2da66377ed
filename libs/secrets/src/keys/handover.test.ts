import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { handOver, makeRecipient } from './handover.ts'

test('what is handed over is read by the one for whom it is, and by nobody else', () => {
  const recipient = makeRecipient()
  const handover = handOver('ghp_secret', recipient.key, randomBytes)
  if (!handover) throw new Error('nothing was handed over')
  expect(JSON.stringify(handover)).not.toContain('ghp_secret')
  expect(recipient.open(handover)).toBe('ghp_secret')
  expect(makeRecipient().open(handover)).toBeUndefined()
})

test('what was changed on the way, or comes from another sender, is not read', () => {
  const recipient = makeRecipient()
  const handover = handOver('ghp_secret', recipient.key, randomBytes)
  if (!handover) throw new Error('nothing was handed over')
  expect(
    recipient.open({ ...handover, box: handover.box.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }),
  ).toBeUndefined()
  expect(recipient.open({ ...handover, from: makeRecipient().key })).toBeUndefined()
  expect(recipient.open({ ...handover, from: 'nonsense' })).toBeUndefined()
})

test('for a key that is none, or one that would make the agreed key known, nothing is handed over', () => {
  for (const key of ['', 'x', 'A'.repeat(43), '!'.repeat(43)]) expect(handOver('v', key, randomBytes)).toBeUndefined()
})
