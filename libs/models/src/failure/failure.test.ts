import { expect, test } from 'vitest'
import { codeOf, failed, faultOf, faultOfReply, redact } from './failure.ts'
import { retryAfter, waitIn } from './retry-after.ts'

test.each([
  [{ status: 401, message: '' }, 'auth'],
  [{ status: 402, message: '' }, 'auth'],
  [{ status: 403, message: '' }, 'auth'],
  [{ status: 400, message: 'Your credit balance is too low to access the API' }, 'auth'],
  [{ status: 429, words: ['insufficient_quota'], message: '' }, 'auth'],
  [{ status: 404, message: '' }, 'not-found'],
  [{ status: 429, message: '' }, 'rate-limited'],
  [{ status: 503, message: '' }, 'overloaded'],
  [{ status: 529, message: '' }, 'overloaded'],
  [{ status: 500, message: '' }, 'network'],
  [{ status: 500, words: ['api_error'], message: '' }, 'network'],
  [{ status: 502, message: '' }, 'network'],
  [{ status: 504, message: '' }, 'network'],
  [{ status: 503, words: ['server_error'], message: '' }, 'overloaded'],
  [{ status: 408, message: '' }, 'network'],
  [{ status: 400, message: 'Too many tokens, please wait before trying again.' }, 'rate-limited'],
  [{ status: 413, words: ['request_too_large'], message: '' }, 'context-overflow'],
  [{ status: 400, words: ['context_length_exceeded'], message: '' }, 'context-overflow'],
  [{ status: 400, message: "This model's maximum context length is 8192 tokens" }, 'context-overflow'],
  [{ status: 400, message: 'prompt is too long: 200001 tokens > 200000 maximum' }, 'context-overflow'],
  [
    { status: 400, message: 'input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000' },
    'context-overflow',
  ],
  [{ status: 400, message: 'the request exceeds the available context size, try increasing it' }, 'context-overflow'],
  [{ status: 400, words: ['content_policy_violation'], message: '' }, 'refused'],
  [{ status: 400, words: ['invalid_request_error'], message: 'max_tokens: 0' }, 'bad-request'],
  [{ status: 301, message: '' }, 'not-found'],
  [{ message: 'socket hang up' }, 'network'],
  [{ words: ['overloaded_error'], message: '' }, 'overloaded'],
] as const)('%j is %s', (fault, code) => {
  expect(codeOf(fault)).toBe(code)
})

test('any thrown value has a fault', () => {
  expect(faultOf('boom')).toEqual({ message: 'boom' })
  expect(faultOf(undefined)).toEqual({ message: 'undefined' })
  expect(
    faultOf(new Error('Connection error.', { cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) })),
  ).toEqual({ kind: 'unreachable', message: 'Connection error: connect (ECONNREFUSED)', unsent: true })
  expect(faultOf(Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }))).toEqual(
    {
      kind: 'untrusted',
      message: 'self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)',
    },
  )
})

test('a message holds what to do and no secret', () => {
  const subject = {
    provider: 'openai',
    model: 'gpt-5',
    baseUrl: 'https://me:pass@api.test/v1',
    keyEnv: 'OPENAI_API_KEY',
    secrets: ['topsecretkey'],
  }
  expect(
    failed({ status: 401, message: 'Incorrect API key provided: sk-abc***wxyz and topsecretkey' }, subject),
  ).toEqual({
    type: 'failed',
    code: 'auth',
    message:
      'openai/gpt-5 answered 401: Incorrect API key provided: [key] and [key]. Check OPENAI_API_KEY, its permissions and its credit.',
  })
  expect(failed({ message: 'socket hang up' }, subject).message).toBe(
    'openai/gpt-5: socket hang up. If it goes on, look at the logs or the status page of https://api.test/v1.',
  )
  expect(redact('Authorization: Basic c2stc2VjcmV0LWtleQ== of a basic plan', [])).toBe(
    'Authorization: Basic [key] of a basic plan',
  )
  expect(redact('Authorization: Bearer abc.def https://u:p@h/', [])).toBe('Authorization: Bearer [key] https://h/')
})

test('Retry-After in seconds, as a date, in milliseconds; nothing where it makes no sense', () => {
  const of = (headers: Record<string, string>) => retryAfter(headers)
  expect(of({ 'retry-after': '1.5' })).toBe(1_500)
  expect(of({ 'retry-after': '-3' })).toBe(0)
  expect(of({ 'retry-after-ms': '20', 'retry-after': '9' })).toBe(20)
  expect(of({ date: 'Fri, 20 Nov 2026 06:00:00 GMT', 'retry-after': 'Fri, 20 Nov 2026 06:01:00 GMT' })).toBe(60_000)
  expect(of({ 'retry-after': 'Fri, 20 Nov 2026 06:01:00 GMT' })).toBeUndefined()
  expect(of({ 'retry-after': 'soon' })).toBeUndefined()
  expect(retryAfter(undefined)).toBeUndefined()
  expect(of({ 'retry-after': '20s' })).toBe(20_000)
  expect(of({ 'retry-after': 'Sat, 05 Dec 2026 06:01:00 GMT' })).toBeUndefined()
  expect(waitIn('Rate limit reached. Please try again in 1m23.5s. Visit')).toBe(83_500)
  expect(waitIn('Please retry in 38.25s')).toBe(38_250)
  expect(waitIn('try again in 20ms')).toBe(20)
  expect(waitIn('Retry after 2 hours and 1 minute')).toBe(7_260_000)
  expect(waitIn('please try again in a while')).toBeUndefined()
})

test.each([
  '<a ',
  '<html ',
  '<title>',
  '<script>',
  'prompt (',
  'retry in 5',
  'image ',
  'failed to parse ',
  '<!doctype html>',
])('an error that is %j on and on is read at once', (word) => {
  const body = word.repeat(300_000)
  for (const said of [body, JSON.stringify({ error: { message: body } })])
    expect(
      failed(faultOfReply(400, {}, said), { provider: 'lab', model: 'm', baseUrl: 'http://lab.test/v1', secrets: [] }),
    ).toMatchObject({ type: 'failed' })
})
