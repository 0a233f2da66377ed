import type { Elicitation } from '@reins/tools'
import { expect, test } from 'vitest'
import { AskedPeople } from './asked-people.ts'

const form = (message: string): Elicitation => ({ mode: 'form', server: 'bank', message, schema: { properties: {} } })
const asks = (message: string, sent = 1) => ({ nothingRan: false as const, asked: form(message), sent })

/** The questions of a call that no person has answered before; ids are 1, 2, 3. */
function begun() {
  let made = 0
  const people = new AskedPeople(undefined)
  return { people, next: (message: string, sent = 1) => people.next(asks(message, sent), () => String(++made)) }
}

test('a question that is asked anew while it waits, over another connection, is the same question', () => {
  const { next } = begun()
  expect(next('Who are you?')).toMatchObject({ kind: 'ask', elicitation: '1' })
  expect(next('Who are you?', 2)).toMatchObject({ kind: 'ask', elicitation: '1' })
})

test('what is asked else while a question waits is cancelled: people are asked one thing at a time', () => {
  const { next } = begun()
  next('Who are you?')
  expect(next('How old are you?', 2)).toEqual({ kind: 'answered', answer: { action: 'cancel' } })
})

test('a call that was sent again is given the answers that it had, in their order, and then asks', () => {
  const { people, next } = begun()
  for (const name of ['Ada', 'Bea']) {
    next('A name?')
    people.answered({ action: 'accept', content: { name } })
  }
  // Asked the same a second time, a person was asked a second time.
  expect(next('A name?', 2)).toEqual({ kind: 'answered', answer: { action: 'accept', content: { name: 'Ada' } } })
  expect(next('A name?', 2)).toEqual({ kind: 'answered', answer: { action: 'accept', content: { name: 'Bea' } } })
  expect(next('A name?', 2)).toMatchObject({ kind: 'ask', elicitation: '3' })
})

test('a server that is never content asks eight times', () => {
  const { people, next } = begun()
  for (let asked = 0; asked < 8; asked++) {
    expect(next('A name?').kind).toBe('ask')
    people.answered({ action: 'decline' })
  }
  expect(next('A name?')).toEqual({ kind: 'enough' })
})
