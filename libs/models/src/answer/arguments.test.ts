import { expect, test } from 'vitest'
import { parseArguments } from './arguments.ts'

const search = {
  name: 'search',
  description: '',
  parameters: {
    type: 'object',
    properties: {
      deep: { type: 'boolean' },
      count: { type: 'integer' },
      share: { type: 'number' },
      text: { type: 'string' },
      either: { type: ['string', 'integer'] },
      list: { type: 'array' },
      where: { type: 'object', properties: { line: { type: 'integer' } } },
      note: { type: ['string', 'null'] },
    },
    required: ['text'],
  },
}

test.each([
  ['{"a":1}', { a: 1 }],
  [' {"a":1}\n', { a: 1 }],
  ['"{\\"a\\":1}"', { a: 1 }],
  ['', {}],
  ['null', {}],
  ['"null"', {}],
  ['""', {}],
  ['[]', {}],
  ['```json\n{"a":1}\n```', { a: 1 }],
  ['{"a":"one\ntwo\t\\"3\\"\r\n"}', { a: 'one\ntwo\t"3"\r\n' }],
])('%s is taken as it was meant', (text, args) => {
  expect(parseArguments(text)).toEqual({ arguments: args })
})

test.each([
  '{"a":',
  '{"a":1}{"b":2}',
  '[1]',
  '7',
  '"text"',
  '{a:1}',
  '{"a":"one\n',
  '```\n{"a":',
  '{"a":"b\\\n"}',
  '"\\"\\\\\\"{}\\\\\\"\\""',
])('%s can be read in no one way', (text) => {
  expect(parseArguments(text)).toEqual({ arguments: {}, malformed: text })
})

test('values are of the type that the schema wants, where they say the same', () => {
  const given = {
    deep: 'TRUE',
    count: '2',
    share: '0.5',
    text: '3',
    either: '4',
    list: '["x"]',
    where: '{"line":"7"}',
    extra: '1',
  }
  expect(parseArguments(JSON.stringify(given), search).arguments).toEqual({
    ...{ deep: true, count: 2, share: 0.5, text: '3', either: '4', list: ['x'], where: { line: 7 }, extra: '1' },
  })
})

test('null is left out where a value need not be there, and kept where it means something', () => {
  expect(parseArguments('{"count":null,"text":null,"note":null}', search).arguments).toEqual({ text: null, note: null })
})

test('what says something else stays as it is', () => {
  const given = { deep: 'yes', count: '2.5', share: '1e400', list: '[', where: 'x' }
  expect(parseArguments(JSON.stringify(given), search).arguments).toEqual(given)
  const odd = JSON.parse('{"__proto__":{"x":1},"constructor":"y"}')
  expect(JSON.stringify(parseArguments(JSON.stringify(odd), search).arguments)).toBe(
    '{"__proto__":{"x":1},"constructor":"y"}',
  )
})
