import { expect, test } from 'vitest'
import { type Foreign, StreamDecoder } from './stream-decoder.ts'

function read(type: string, ...parts: readonly string[]): readonly Foreign[] {
  const decoder = new StreamDecoder(type)
  const found = parts.flatMap((part) => decoder.push(new TextEncoder().encode(part)))
  return [...found, ...decoder.end()]
}
const json = (value: unknown, name?: string) => ({ kind: 'json', name, value })
const stray = (text: string, idle = false) => ({ kind: 'text', name: undefined, text, idle })

test.each(['[DONE]', '[done]', ' [DONE] ', '"[DONE]"', 'DONE', '["DONE"]'])('data: %s is the end', (data) => {
  expect(read('', `data: ${data}\n\n`)).toEqual([{ kind: 'done' }])
})

test.each(['', ' ', 'ping', '"keep-alive"', ': processing', 'heartbeat', 'null', '7', '[]'])(
  'data: %s says nothing',
  (data) => {
    expect(read('', `data: ${data}\n\ndata: {}\n\n`)).toEqual([json({})])
  },
)

test('events keep their names, and an error that stands in the stream as it is, is found', () => {
  expect(read('', 'event: error\ndata: {"a":1}\n\n{"error":"x"}\n\nwhat is this\n\n')).toEqual([
    json({ a: 1 }, 'error'),
    json({ error: 'x' }),
    stray('what is this', true),
  ])
})

test('a text among the events is handed on; a JSON that was cut is a text', () => {
  expect(read('text/event-stream', 'data: lost\n\ndata: {"a":')).toEqual([stray('lost'), stray('{"a":')])
  expect(read('application/json', '{"a":')).toEqual([stray('{"a":')])
})

test('events without empty lines between them are told apart', () => {
  expect(read('', 'data: {"a":1}\ndata: {"a":2}\ndata: [DONE]\n')).toEqual([
    json({ a: 1 }),
    json({ a: 2 }),
    { kind: 'done' },
  ])
  expect(read('', 'data: {"a":1}\ndata: {"a":\n\n')).toEqual([stray('{"a":1}\n{"a":')])
})

test('its beginning says what it is, not its type', () => {
  expect(read('text/event-stream', ' \n{"a":1}')).toEqual([json({ a: 1 })])
  expect(read('application/json', 'data: {"a":1}\n\n')).toEqual([json({ a: 1 })])
  expect(read('application/json', '[{"a":1},\n {"b":"}"}]')).toEqual([json({ a: 1 }), json({ b: '}' })])
  expect(read('application/json', '{"a":1}\n{"b":2}{"c":3}')).toEqual([json({ a: 1 }), json({ b: 2 }), json({ c: 3 })])
  expect(read('text/event-stream', '<html>no</html>')).toEqual([stray('<html>no</html>')])
  expect(read('text/plain', 'dat')).toEqual([stray('dat')])
})

test('a line of eight megabytes that comes in small pieces is read once', () => {
  const text = 'x'.repeat(8_000_000)
  const decoder = new StreamDecoder('text/event-stream')
  decoder.push(new TextEncoder().encode('data: {"a":"'))
  const piece = new TextEncoder().encode(text.slice(0, 1_000))
  for (let at = 0; at < 8_000; at++) decoder.push(piece)
  expect(decoder.push(new TextEncoder().encode('"}\n\n'))).toEqual([json({ a: text })])
})
