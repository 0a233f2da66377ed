import { expect, test, vi } from 'vitest'
import { createRedactor, type Redactor, redactJsonText, SecretsRedactor, withheld } from './redactor.ts'

const secret = 'sk-abcdef-123456'

test('a secret with quotes and backslashes is found in JSON that stands in JSON', () => {
  const secret = 'pa"ss\\wo"rd-0\\1'
  const nested = (levels: number): string => {
    let text = secret
    for (let level = 0; level < levels; level++) text = JSON.stringify({ said: text })
    return text
  }
  for (const levels of [0, 1, 2, 3, 4]) {
    const masked = createRedactor([secret]).text(nested(levels))
    expect([levels, /pa|ss|wo|rd-0/.test(masked)]).toEqual([levels, false])
  }
  for (const levels of [0, 1, 2])
    expect(createRedactor([secret], 'literal').text(nested(levels))).not.toMatch(/pa|rd-0/)
})

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
  expect(createRedactor([secret]).stream().push('hello !')).toBe('hello !')
})

test('a secret inside a JSON value is masked, also as a name and as a number, and an innocent value stays the same', () => {
  const redactor = createRedactor(['pass"word\n1', '31415926'])
  expect(redactor.json({ a: ['xpass"word\n1y'], 'pass"word\n1': 31415926 })).toEqual({
    a: ['x[redacted]y'],
    '[redacted]': '[redacted]',
  })
  const innocent = { a: 1, b: [{ c: null }] }
  expect(redactor.json(innocent)).toBe(innocent)
})

test('a JSON text stays one', () => {
  const redactor = createRedactor(['31415926', 'pass"word'])
  expect(redactJsonText(redactor, '{"n":31415926,"t":"x pass\\"word","o":"as it is"}')).toBe(
    '{"n":"[redacted]","t":"x [redacted]","o":"as it is"}',
  )
  expect(redactJsonText(redactor, '{ "n": 1 }')).toBe('{ "n": 1 }')
  expect(redactJsonText(redactor, 'no JSON: pass"word')).toBe('no JSON: [redacted]')
})

test('a short secret is masked only where it stands alone, and one of three characters nowhere', () => {
  const redactor = createRedactor(['4711', 'abc'])
  expect(redactor.text('PIN 4711, order 47110, 14711; 4711')).toBe('PIN [redacted], order 47110, 14711; [redacted]')
  expect(redactor.text('4711')).toBe('[redacted]')
  expect(redactor.text('{"pin":4711}')).toBe('{"pin":[redacted]}')
  expect(redactor.text('abc')).toBe('abc')
  const stream = redactor.stream()
  expect([stream.push('47'), stream.push('11'), stream.push('0 47'), stream.push('11'), stream.end()].join('')).toBe(
    '47110 [redacted]',
  )
})

test('a key in a file is masked line by line', () => {
  const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7'
  const key = `-----BEGIN PRIVATE KEY-----\n${line}\n${line.split('').reverse().join('')}\n-----END PRIVATE KEY-----\n`
  const redactor = createRedactor([key])
  expect(redactor.text(key)).toBe('[redacted]')
  expect(redactor.text(`2: ${line}\r\n`)).toBe('2: [redacted]\r\n')
  expect(redactor.text('-----BEGIN PRIVATE KEY-----')).toBe('-----BEGIN PRIVATE KEY-----')
})

test('base64 in a JSON text that writes its slash with a backslash, and in a URL, is masked', () => {
  const value = 'key\u{3ff}?>?>?>?>end'
  const encoded = Buffer.from(value).toString('base64')
  expect(encoded).toMatch(/[+/]/)
  const redactor = createRedactor([value])
  expect(redactor.text(encoded.replaceAll('/', '\\/'))).toMatch(/^\[redacted\]=*$/)
  expect(redactor.text(encodeURIComponent(encoded))).toMatch(/^\[redacted\](%3D)*$/)
})

test('a secret that is learnt while a stream goes on is masked from what is held back on', () => {
  const redactor = new SecretsRedactor([secret])
  const stream = redactor.stream()
  expect(stream.push('one s')).toBe('one ')
  redactor.learn(['another-secret'])
  expect(stream.push('k-abcdef-123456 another-')).toBe('[redacted] ')
  expect(stream.push('secret.') + stream.end()).toBe('[redacted].')
})

test('base64 is found however often it is broken into lines, and wherever it is cut', () => {
  const value = 'a-secret-of-some-length-0123456789'
  const encoded = Buffer.from(value).toString('base64').replaceAll('=', '')
  const redactor = createRedactor([value])
  for (const between of ['\n', '\r\n', '\\n', '\n'.repeat(500)]) {
    const text = `before ${[...encoded].join(between)} after`
    expect(redactor.text(text).replaceAll(between, '')).toMatch(/^before \[redacted\].? after$/)
    const stream = redactor.stream()
    const shown = [...text].map((one) => stream.push(one)).join('') + stream.end()
    expect(shown).toBe(redactor.text(text))
  }
})

test('what cannot be searched is withheld, as a whole and in a stream for good', () => {
  const redactor = new SecretsRedactor([secret])
  const broken = vi.spyOn(redactor, 'search').mockImplementation(() => {
    throw new Error('no memory')
  })
  expect(redactor.text('anything')).toBe(withheld)
  expect(redactor.json({ a: ['anything'] })).toEqual({ [withheld]: [withheld] })
  expect(redactJsonText(redactor, '{"a":1}')).toBe(withheld)
  broken.mockRestore()
  const stream = redactor.stream()
  redactor.learn(['another-secret'])
  vi.spyOn(redactor, 'search').mockImplementation(() => {
    throw new Error('no memory')
  })
  expect([stream.push('a'), stream.push('b'), stream.end()]).toEqual([withheld, '', ''])
})

test('one pass, however many secrets there are: a megabyte that almost matches everywhere is done', () => {
  const secrets = Array.from({ length: 200 }, (_, i) => `${'a'.repeat(40)}${i}`)
  const redactor: Redactor = createRedactor(secrets)
  const text = 'a'.repeat(1_000_000)
  expect(redactor.text(text)).toBe(text)
})
