import { afterEach, expect, test } from 'vitest'
import { dispatch } from './dispatch.ts'
import { keepModules } from './door.ts'

const host = Symbol.for('reins.host')
const receipt = { dispatchId: 'm1', acceptedAt: '2026-01-01T00:00:00.000Z' }

/** As the code finds it where Reins runs it. */
function hosted() {
  const asked: { readonly what: string; readonly value: unknown }[] = []
  const request = async (what: string, value: unknown) => {
    asked.push({ what, value })
    return receipt
  }
  Object.defineProperty(globalThis, host, { value: { request }, configurable: true })
  return asked
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, host)
})

test('an agent is named, or is what a module of agents/ exports by default', async () => {
  const asked = hosted()
  const exported = { an: 'agent' }
  keepModules({ agents: { ticket: { module: { default: exported }, file: 'a.ts' } }, workflows: {}, channels: {} })
  expect(await dispatch(exported, { id: 't-7', session: 's', input: { a: [1, null] }, idempotencyKey: 'k' })).toBe(
    receipt,
  )
  await dispatch({ agent: 'other', id: 't-7', input: null })
  expect(asked).toEqual([
    {
      what: 'dispatch',
      value: { agent: 'ticket', id: 't-7', session: 's', input: { a: [1, null] }, idempotencyKey: 'k' },
    },
    {
      what: 'dispatch',
      value: { agent: 'other', id: 't-7', session: undefined, input: null, idempotencyKey: undefined },
    },
  ])
  await expect(dispatch({}, { id: 't-7', input: 1 })).rejects.toThrow('no module of agents/ exports by default')
})

const circle: Record<string, unknown> = {}
circle.of = { itself: circle }

test.each([
  ['undefined', undefined, 'input is undefined: use null'],
  ['a function', { run: () => 1 }, 'holds a function'],
  ['a bigint', [1n], 'holds a bigint'],
  ['no finite number', { n: Number.NaN }, 'holds NaN'],
  ['a circle', circle, 'is circular'],
  ['an object of a class', { at: new Date(0) }, 'holds a Date, which is no plain object'],
  ['undefined inside', { a: undefined }, 'is undefined'],
])('input that holds %s is refused, and nothing is sent', async (_, input, why) => {
  const asked = hosted()
  await expect(dispatch({ agent: 'a', id: 'x', input })).rejects.toThrow(why)
  expect(asked).toEqual([])
})

test.each([
  [{ agent: '', id: 'x', input: 1 }, 'needs an agent'],
  [{ agent: 'a', id: ' ', input: 1 }, 'needs id as a text that is not blank'],
  [{ agent: 'a', id: 'x', session: '', input: 1 }, 'needs session as a text that is not blank'],
])('%o is refused', async (request, why) => {
  hosted()
  await expect(dispatch(request)).rejects.toThrow(why)
})

test('outside of a project it says what does the same', async () => {
  await expect(dispatch({ agent: 'a', id: 'x', input: 1 })).rejects.toThrow('createClient(…).dispatch')
})
