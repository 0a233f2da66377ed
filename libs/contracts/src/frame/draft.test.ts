import { expect, test } from 'vitest'
import { toLog } from '../broker/subjects.ts'
import type { SessionEvent } from '../events/catalogue.ts'
import { draftOn } from './draft.ts'
import { emptyHead } from './frame.ts'

const session = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const renamed: SessionEvent = { type: 'session.renamed', data: { title: 'a title' } }
const writer = { frame: 'f1', by: 'gateway', role: 'g' } as const
const order = { events: [renamed], to: toLog, status: 'idle', at: 1000 } as const

test('a frame follows on its head, in the time and trace of what was decided', () => {
  const head = { ...emptyHead(session), seq: 7, n: 3, pool: 'default' }
  expect(draftOn(head, writer, { ...order, trace: 't' })).toEqual({
    ...{ id: 'f1', n: 4, prev: 7, at: 1000, by: 'gateway', role: 'g', trace: 't' },
    ...{ needs: 1, status: 'idle', pool: 'default', events: [renamed] },
  })
})

test('a frame needs what its events need, and never less than its head', () => {
  const old = emptyHead(session)
  expect(draftOn(old, writer, order).needs).toBe(1)
  expect(draftOn({ ...old, needs: 7 }, writer, order).needs).toBe(7)
})
