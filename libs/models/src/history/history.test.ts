import type { ModelMessage } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { user } from '../../test/contract.ts'
import { type Encoder, History } from './history.ts'
import { pairCalls } from './pairing.ts'

const calls = (...ids: readonly string[]): ModelMessage => ({
  role: 'assistant',
  model: 'lab/m',
  content: ids.map((call) => ({ type: 'tool-call', call, providerCall: 'call_0', name: 'shell', arguments: {} })),
})
const result = (call: string): ModelMessage => ({
  role: 'tool',
  call,
  name: 'shell',
  output: `out ${call}`,
  error: false,
})
const lost = (call: string): ModelMessage => ({
  role: 'tool',
  call,
  name: 'shell',
  output: 'The call was interrupted: no result is known.',
  error: true,
})

describe('every call has one result, right behind it', () => {
  test('a conversation in order is the same object', () => {
    const messages = [user('a'), calls('1', '2'), result('1'), result('2'), user('b')]
    expect(pairCalls(messages)).toBe(messages)
    expect(pairCalls([user('a'), calls('1', '2'), result('2'), result('1'), user('b')])).toEqual(messages)
  })
  test('a message that came between a call and its result goes behind the result', () => {
    expect(pairCalls([user('a'), calls('1'), user('b'), result('1')])).toEqual([
      user('a'),
      calls('1'),
      result('1'),
      user('b'),
    ])
  })
  test('a call without a result gets one that says so, before the next answer and at the end', () => {
    expect(pairCalls([calls('1'), user('b'), calls('2')])).toEqual([
      calls('1'),
      lost('1'),
      user('b'),
      calls('2'),
      lost('2'),
    ])
  })
  test('a result without a call, or a second one, is left out', () => {
    expect(pairCalls([result('0'), calls('1'), result('1'), result('1')])).toEqual([calls('1'), result('1')])
  })
})

function counting() {
  const encoded: string[] = []
  const count = (text: string): readonly string[] => {
    encoded.push(text)
    return [text]
  }
  const encoder: Encoder = {
    user: (message) => count(message.content.map((part) => part.text).join('')),
    assistant: (message, reasoning, idOf) =>
      count(
        `${reasoning ? 'own ' : ''}${message.content.map((block) => (block.type === 'tool-call' ? idOf(block) : block.type)).join(' ')}`,
      ),
    tool: (_message, id) => count(id),
  }
  return { encoded, history: new History('lab', encoder) }
}

test('a message is serialised once, however often it is sent', () => {
  const { encoded, history } = counting()
  const messages = [user('a'), calls('1'), result('1')]
  history.encode(messages, 'm')
  history.encode([...messages, user('b')], 'm')
  expect(encoded).toEqual(['a', 'own call_0', 'call_0', 'b'])
})

test('ids that a provider repeats are replaced by the ids of the session, the same at every time', () => {
  const { history } = counting()
  const messages = [calls('one'), result('one'), calls('two:2'), result('two:2')]
  const texts = (sent: readonly ModelMessage[]) => history.encode(sent, 'm').flatMap((piece) => piece.parts)
  expect(texts(messages)).toEqual(['own call_0', 'call_0', 'own two_2', 'two_2'])
  expect(texts(messages.slice(2))).toEqual(['own two_2', 'two_2'])
})

test('an id of a provider’s that is one of the session’s own takes none away', () => {
  const { history } = counting()
  const call = (id: string, providerCall: string) => ({
    ...{ type: 'tool-call', call: id, providerCall, name: 'shell', arguments: {} },
  })
  const answer = (...content: object[]) => ({ role: 'assistant', model: 'lab/m', content }) as unknown as ModelMessage
  const sent = [answer(call('one', 'two'), call('two', 'two')), result('one'), result('two')]
  const parts = history.encode(sent, 'm').flatMap((piece) => piece.parts)
  expect(parts).toEqual(['own two two_2', 'two', 'two_2'])
})

test('calls of another provider go under the ids of the session, and its reasoning is not own', () => {
  const { history } = counting()
  const foreign: ModelMessage = {
    role: 'assistant',
    model: 'other/m2',
    content: [{ type: 'tool-call', call: 'c1', providerCall: 'x', name: 'shell', arguments: {} }],
  }
  expect(history.encode([foreign, result('c1')], 'm').flatMap((piece) => piece.parts)).toEqual(['c1', 'c1'])
})

test('a conversation that goes on is what it would be as a whole, also where it forks', () => {
  const { history } = counting()
  const texts = (used: History, sent: readonly ModelMessage[]) => used.encode(sent, 'm').flatMap((piece) => piece.parts)
  const begun = [user('a'), calls('1'), result('1')]
  texts(history, begun)
  for (const continued of [
    [...begun, user('b'), calls('2'), result('2')],
    [...begun, user('c'), calls('3')],
    [...begun, user('b')],
    [user('a'), calls('4')],
    begun.slice(0, 2),
  ]) {
    expect(texts(history, continued)).toHaveLength(texts(counting().history, continued).length)
    expect(texts(history, continued)).toEqual(texts(history, [...continued]))
  }
  expect(texts(history, [...begun, user('b')])).toEqual(['a', 'own call_0', 'call_0', 'b'])
})
