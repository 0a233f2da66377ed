import { expect, test } from 'vitest'
import { chatProblems, messagesProblems, responsesProblems } from './wire-checks.ts'

const mark = { cache_control: { type: 'ephemeral' } }
const text = { type: 'text', text: 'hi', ...mark }
const use = { type: 'tool_use', id: 'c1' }
const result = { type: 'tool_result', tool_use_id: 'c1' }

test('of Messages: a call has its result right behind it, turns alternate, and there are few breakpoints', () => {
  const user = { role: 'user', content: [text] }
  const good = [user, { role: 'assistant', content: [use] }, { role: 'user', content: [result, text] }]
  expect(messagesProblems({ messages: good })).toEqual([])
  expect(messagesProblems({ messages: good.slice(1) })).toContain('the first message is not the user’s')
  expect(messagesProblems({ messages: good.slice(0, 2) })).toEqual([expect.stringContaining('the results []')])
  expect(messagesProblems({ messages: [user, user] })).toEqual(['messages 0 and 1 are both of user'])
  expect(messagesProblems({ messages: [user], tools: [text, text, text, text] })).toEqual(['it has 5 breakpoints'])
  const late = [good[0]!, good[1]!, { role: 'user', content: [text, result] }]
  expect(messagesProblems({ messages: late })).toEqual(['in message 2 something stands before a result'])
})

test('of Responses: calls and results are the same, in order, and reasoning is followed by its answer', () => {
  const user = { role: 'user', content: 'hi' }
  const call = { type: 'function_call', call_id: 'c1', arguments: '{}' }
  const output = { type: 'function_call_output', call_id: 'c1' }
  const reasoning = { type: 'reasoning' }
  expect(responsesProblems({ store: false, input: [user, reasoning, call, output] })).toEqual([])
  expect(responsesProblems({ store: false, input: [user, output] })).toHaveLength(2)
  expect(responsesProblems({ store: false, input: [reasoning, user] })).toEqual(['nothing follows the reasoning at 0'])
  expect(responsesProblems({ input: [user] })).toEqual(['it is stored there'])
})

test('of chat completions: results follow their calls', () => {
  const calls = { role: 'assistant', tool_calls: [{ id: 'c1', function: { arguments: '{}' } }] }
  const tool = { role: 'tool', tool_call_id: 'c1' }
  const user = { role: 'user', content: 'hi' }
  expect(chatProblems({ messages: [user, calls, tool, user] })).toEqual([])
  expect(chatProblems({ messages: [user, calls, user] })).toEqual(['message 2 stands before the results of [c1]'])
  expect(chatProblems({ messages: [user, tool] })).toEqual(['the result of c1 has no call before it'])
  expect(chatProblems({ messages: [user, calls] })).toEqual(['[c1] have no results'])
})
