import type { ServerAnswer } from '@reins/contracts'
import { expect, test } from 'vitest'
import { type Mask, maskedAnswer } from './masked-answer.ts'

const mask: Mask = (value) => {
  const text = JSON.stringify(value)
  return text.includes('sesame') ? JSON.parse(text.replaceAll('sesame', '[redacted]')) : value
}
const tool = (name: string, more: object = {}) => ({
  ...{ name, tool: name, description: 'd', parameters: { type: 'object' }, digest: 'd' },
  ...{ replay: 'never' as const, risk: 'external' as const, ...more },
})
const ready = (...tools: ReturnType<typeof tool>[]): ServerAnswer => ({
  ...{ server: 's', status: 'ready', digest: 'd', tools },
})

test('an answer without a secret is the very same', () => {
  const answer = ready(tool('go'))
  expect(maskedAnswer(answer, mask)).toBe(answer)
})

test('a secret in a description is masked, and the tool stays', () => {
  const answer = maskedAnswer(ready(tool('go', { description: 'Say sesame.' })), mask)
  expect(answer).toEqual(ready(tool('go', { description: 'Say [redacted].' })))
})

test('a tool whose name or parameters hold a secret is left out, and a note says how many', () => {
  const parameters = { type: 'object', properties: { sesame: {} } }
  const answer = maskedAnswer(ready(tool('go'), tool('open_sesame'), tool('take', { parameters })), mask)
  expect(answer).toEqual({
    ...ready(tool('go')),
    notes: ['2 of its tools were left out: a secret stands in the name or in the parameters.'],
  })
})

test('the reason of a server that is not there is masked', () => {
  const reason = 'It said: sesame.'
  expect(maskedAnswer({ server: 's', status: 'unavailable', reason }, mask)).toMatchObject({
    reason: 'It said: [redacted].',
  })
})
