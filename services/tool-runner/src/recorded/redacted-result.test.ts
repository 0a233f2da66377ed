import { createRedactor } from '@reins/secrets'
import { expect, test } from 'vitest'
import { redactedResult } from './redacted-result.ts'

const secret = 'sk-very-secret-1'
const redactor = createRedactor([secret])
const encoded = (text: string) => Buffer.from(text).toString('base64')

test('whatever a source puts into an outcome is masked: its output, and blocks of each kind', () => {
  const result = redactedResult(
    {
      status: 'ok',
      output: JSON.stringify({ status: 'ok', stdout: `key ${secret}`, again: encoded(secret) }),
      content: [
        { type: 'text', text: `a ${secret}` },
        { type: 'json', value: { [secret]: [secret] } },
        { type: 'link', uri: `https://example.com/?key=${secret}`, name: secret },
        { type: 'image', mimeType: 'image/png', data: encoded(`PNG ${secret} END`) },
        { type: 'image', mimeType: 'image/png', data: encoded('PNG') },
      ],
      ref: 'kept',
    },
    redactor,
  )
  expect(JSON.stringify(result)).not.toMatch(/very-secret|c2stdmVye/)
  expect(JSON.parse(result.output)).toMatchObject({ status: 'ok', stdout: 'key [redacted]' })
  expect(result.content).toEqual([
    { type: 'text', text: 'a [redacted]' },
    { type: 'json', value: { '[redacted]': ['[redacted]'] } },
    { type: 'link', uri: 'https://example.com/?key=[redacted]', name: '[redacted]' },
    { type: 'text', text: '[withheld: the image held a secret]' },
    { type: 'image', mimeType: 'image/png', data: encoded('PNG') },
  ])
  expect(result.ref).toBe('kept')
})
