import { expect, it } from 'vitest'
import { unreadCall } from './unread-calls.ts'

const tools = [{ name: 'read_file' }, { name: 'list' }]

it.each([
  '<tool_call>{"name": "read_file", "arguments": {}}</tool_call>',
  'Let me see.\n<tool_call>\n<function=read_file>\n<parameter=path>a</parameter>\n</function>\n</tool_call>\n',
  '<tool_call>read_file\n<arg_key>path</arg_key>\n<arg_value>a</arg_value>\n</tool_call>',
  '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>read_file\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
  '<function_calls>\n<invoke name="read_file">\n</invoke>\n</function_calls>',
  '[TOOL_CALLS]read_file{"path": "a"}',
  '[TOOL_CALLS] [{"name": "read_file", "arguments": {}}]',
  '<|channel|>commentary to=functions.read_file <|constrain|>json<|message|>{"path": "a"}<|call|>',
  '{"name": "read_file", "parameters": {"path": "a"}}',
  '<|python_tag|>{"name": "read_file", "parameters": {}}',
])('%s is a call that nobody read', (text) => {
  expect(unreadCall(text, tools)).toBe('read_file')
})

it.each([
  'It is done.',
  'A call looks like <tool_call>{"name": "read_file"}</tool_call>, and ends there.',
  '```xml\n<tool_call>{"name": "read_file"}</tool_call>',
  'The form is\n```\n<tool_call>\n{"name": "read_file"}\n</tool_call>\n```',
  '<tool_call>{"name": "other"}</tool_call>',
  '{"name": "read_file", "size": 7}',
  '{"name": "someone", "parameters": {}}',
  'The file read_file.md ends with </function>',
  'I fixed `<invoke name=` in read_file.ts',
])('%s is an answer', (text) => {
  expect(unreadCall(text, tools)).toBeUndefined()
  expect(unreadCall('<tool_call>{"name": "read_file"}</tool_call>', [])).toBeUndefined()
})
