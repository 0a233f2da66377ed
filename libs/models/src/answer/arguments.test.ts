import { expect, test } from 'vitest'
import { parseArguments } from './arguments.ts'

test.each([
  ['{"a":1}', { a: 1 }],
  [' {"a":1}\n', { a: 1 }],
  ['"{\\"a\\":1}"', { a: 1 }],
  ['', {}],
  ['null', {}],
  ['"null"', {}],
  ['""', {}],
  ['[]', {}],
  ['{}{"a":1}', { a: 1 }],
  ['{{"a":1}', { a: 1 }],
  ['{"a":1}{"a":1}', { a: 1 }],
  ['```json\n{"a":1}\n```', { a: 1 }],
  ['{"a":"one\ntwo\t\\"3\\"\r\n"}', { a: 'one\ntwo\t"3"\r\n' }],
])('%s is taken as it was meant', (text, args) => {
  expect(parseArguments(text)).toEqual({ arguments: args })
})

test.each([
  '{"a":',
  '{"a":1}{"b":2}',
  '{"a":1{"a":1}',
  '{{"a":1}}',
  '[1]',
  '7',
  '"text"',
  '{a:1}',
  '{"a":"one\n',
  '```\n{"a":',
  '{"a":"b\\\n"}',
  '"\\"\\\\\\"{}\\\\\\"\\""',
  '{"a":1e999}',
  `{"a":${'['.repeat(200)}${']'.repeat(200)}}`,
])('%s can be read in no one way', (text) => {
  expect(parseArguments(text)).toEqual({ arguments: {}, malformed: text })
})

test('values stay as they were given, whatever they are', () => {
  const given = JSON.parse('{"count":"2","note":null,"__proto__":{"x":1},"constructor":"y"}')
  expect(JSON.stringify(parseArguments(JSON.stringify(given)).arguments)).toBe(JSON.stringify(given))
})

test.each(['```json\n', '{}', '{"path":"a', '"', ''])(
  'empty lines without an end behind %j are read at once',
  (begin) => {
    const blank = '\n'.repeat(400_000)
    for (const text of [begin + blank, `${begin}${blank}{`, `${begin}${blank}\`\`\`x`])
      expect(parseArguments(text).arguments).toEqual({})
  },
)
