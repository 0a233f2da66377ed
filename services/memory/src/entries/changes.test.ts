import { memoryLimits } from '@reins/contracts'
import { expect, it } from 'vitest'
import { changed } from './changes.ts'
import type { Change } from './store.ts'

const by = { principal: 'ann' }
const storing: Change = { kind: 'store', scope: 's', key: 'k', value: 'new', op: 'o', by, at: 1000 }
const entry = { scope: 's', key: 'k', value: 'x'.repeat(100), version: 3, createdAt: 1, updatedAt: 2, by }

it('a scope takes no further entry when it is full, but a value that replaces one', () => {
  const usage = { entries: memoryLimits.entriesOfScope, bytes: 500 }
  expect(changed(storing, undefined, usage)).toEqual({
    ...{ kind: 'full', why: 'it has 10000 entries, and may have 10000' },
  })
  expect(changed(storing, { version: 3, entry }, usage)).toMatchObject({ kind: 'write', record: { version: 4 } })
})

it('a scope takes no more bytes than it may have, and always fewer', () => {
  const usage = { entries: 5, bytes: memoryLimits.bytesOfScope }
  expect(changed(storing, undefined, usage)).toMatchObject({ kind: 'full', why: expect.stringContaining('bytes') })
  expect(changed(storing, { version: 3, entry }, usage)).toMatchObject({ kind: 'write' })
})

it('nothing is forgotten that is not there, and an empty scope is not forgotten', () => {
  const usage = { entries: 0, bytes: 0 }
  expect(changed({ ...storing, kind: 'forget' }, { version: 3, entry: undefined }, usage)).toEqual({ kind: 'nothing' })
  expect(changed({ ...storing, kind: 'clear' }, undefined, usage)).toEqual({ kind: 'nothing' })
})
