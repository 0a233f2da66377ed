import { spanIdOf, traceIdOf } from '@reins/contracts'
import { expect, test } from 'vitest'
import type { Session, Turn } from '../session.ts'
import { contextOfCall, traceIdNow, traceOfCall, traceTo } from './trace.ts'

const id = '01JD0000000000000000000000'
const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const session = (of: { readonly turn?: Partial<Turn>; readonly run?: object }) => ({ id, turn: null, ...of }) as Session

test('what a turn asks for belongs to the trace that came with its message', () => {
  const traced = session({ turn: { id: 't3', trace: given } })
  expect(traceTo(traced, 'chat', 'c4', 1)).toBe(
    `00-0af7651916cd43dd8448eb211c80319c-${spanIdOf(id, 'chat', 'c4', 1)}-01`,
  )
  expect(traceIdNow(traced)).toBe('0af7651916cd43dd8448eb211c80319c')
})

test('without one the ids of session and turn make it, the same in every process', () => {
  const untraced = session({ turn: { id: 't3' } })
  expect(traceOfCall(untraced, 'c4-0')).toBe(`00-${traceIdOf(id, 'turn', 't3')}-${spanIdOf(id, 'call', 'c4-0')}-01`)
  const { traceId, spanId } = contextOfCall(id, { turn: 't3', call: 'c4-0', trace: undefined })
  expect(traceOfCall(untraced, 'c4-0')).toBe(`00-${traceId}-${spanId}-01`)
})

test('a run is one trace, and nothing is asked for where nothing is open', () => {
  expect(traceIdNow(session({ run: {} }))).toBe(traceIdOf(id, 'run'))
  expect(traceTo(session({}), 'chat', 'c4', 1)).toBeUndefined()
})
