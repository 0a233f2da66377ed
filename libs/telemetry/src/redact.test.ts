import { expect, test } from 'vitest'
import { createRedactor } from './redact.ts'

const secret = 'sk-abcdef-123456'

test('a secret in a whole text is masked, wherever it stands', () => {
  expect(createRedactor([secret]).text(`a ${secret}${secret} b`)).toBe('a [redacted][redacted] b')
})

test('a secret that straddles pieces never passes, at any cut', () => {
  const text = `before ${secret} after`
  for (let cut = 0; cut <= text.length; cut++) {
    const stream = createRedactor([secret]).stream()
    const shown = stream.push(text.slice(0, cut)) + stream.push(text.slice(cut)) + stream.end()
    expect(shown).toBe('before [redacted] after')
  }
})

test('text that begins no secret passes at once', () => {
  expect(createRedactor([secret]).stream().push('hello s')).toBe('hello ')
  expect(createRedactor([secret]).stream().push('hello t')).toBe('hello t')
})

test('a secret inside a JSON value is masked, with its escapes, and an innocent value stays the same', () => {
  const quoted = 'pass"word\n1'
  const redactor = createRedactor([quoted])
  expect(redactor.json({ a: [`x${quoted}y`] })).toEqual({ a: ['x[redacted]y'] })
  const innocent = { a: 1 }
  expect(redactor.json(innocent)).toBe(innocent)
})
