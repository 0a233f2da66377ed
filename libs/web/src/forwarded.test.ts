import { expect, test } from 'vitest'
import { isForwarded } from './forwarded.ts'

const session = '/v1/sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV'

test.each(['sha256-9f86', 'c2.0', 'call_1', 'run-3'])('the page reads the kept output %s', (named) => {
  expect(isForwarded('GET', `${session}/outputs/${named}`)).toBe(true)
})

test.each(['', '.', '..', '../frames', '%2e%2e', 'a/b', 'a%2fb'])('and nothing beside it: %s', (named) => {
  expect(isForwarded('GET', `${session}/outputs/${named}`)).toBe(false)
})

test('it writes to no output', () => {
  expect(isForwarded('POST', `${session}/outputs/c1`)).toBe(false)
})
