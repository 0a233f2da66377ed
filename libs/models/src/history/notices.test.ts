import type { ModelMessage } from '@reins/contracts'
import { expect, it } from 'vitest'
import { withNotices } from './notices.ts'

const user: ModelMessage = { role: 'user', content: [{ type: 'text', text: 'Go on.' }] }
const result: ModelMessage = { role: 'tool', call: 'k1', name: 'grep', output: 'found', error: false }

it('a notice follows the newest message, and all above stays the very same', () => {
  const told = withNotices([user, result], ['[Plan: 1/2 done.]'])
  expect(told[0]).toBe(user)
  expect(told[1]).toEqual({ ...result, output: 'found\n\n[Plan: 1/2 done.]' })
  expect(withNotices([user], ['Now.'])).toEqual([
    { role: 'user', content: [...user.content, { type: 'text', text: 'Now.' }] },
  ])
})

it('without a notice the conversation is the very same', () => {
  const messages = [user]
  expect(withNotices(messages, [])).toBe(messages)
})
