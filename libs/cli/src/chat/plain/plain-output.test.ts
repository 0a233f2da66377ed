import type { AgentEvent } from '@reins/client'
import { expect, test } from 'vitest'
import { PlainOutput } from './plain-output.ts'

function shown(...events: readonly AgentEvent[]): string {
  let text = ''
  const out = new PlainOutput((more) => {
    text += more
  })
  for (const event of events) out.show(event)
  return text
}
const start = (name: string): AgentEvent => ({ kind: 'tool_start', name, args: { cmd: 'ls', all: true } })
const done = (name: string, status: 'success' | 'error' = 'success'): AgentEvent => ({
  kind: 'tool_done',
  name,
  status,
})
const answer = (content: string): AgentEvent => ({ kind: 'chat_response', content, turn: 1 })

test('a call is one line, and the answer stands below an empty one', () => {
  expect(
    shown(
      start('shell'),
      done('shell'),
      { kind: 'token', text: 'Fo' },
      { kind: 'token', text: 'und' },
      answer('Found'),
    ),
  ).toBe('Calling shell(cmd="ls", all=true)... Done.\n\nFound\n\n')
})

test('calls side by side end on lines of their own', () => {
  expect(shown(start('a'), start('b'), done('a', 'error'), done('b'))).toBe(
    'Calling a(cmd="ls", all=true)...\nCalling b(cmd="ls", all=true)...\na... Failed.\nb... Done.\n',
  )
})

test('an answer that no token told is printed whole', () => {
  expect(shown(answer('All of it'))).toBe('All of it\n\n')
})

test('nothing that a model says drives the terminal', () => {
  expect(shown({ kind: 'token', text: '\u001b[2Jx' }, { kind: 'error', message: 'no\u0007' })).toBe(
    '␛[2Jx\nError: no␇\n\n',
  )
})
