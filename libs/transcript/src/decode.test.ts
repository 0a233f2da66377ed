import { eventCodec, eventSchemas } from '@reins/contracts'
import { expect, test } from 'vitest'
import { event } from '../test/fakes.ts'
import { knownEvent as checked } from './decode-checked.ts'
import { knownEvent as trusting } from './decode-trusting.ts'

test('a page knows an event as a process of Node does', () => {
  const fired = event(1, 0, 'timer.fired', { timer: 't1' })
  expect(checked(fired)).toMatchObject(trusting(fired) ?? {})
})

test('all types are written in version 1: where one is not, decode-trusting.ts has to learn its older versions', () => {
  expect(Object.keys(eventSchemas).filter((type) => eventCodec.versionOf(type) !== 1)).toEqual([])
  expect(trusting({ ...event(1, 0, 'timer.fired', { timer: 't1' }), v: 2 })).toBeUndefined()
})
