import { expect, test } from 'vitest'
import { contentOf } from './message-content.ts'

test('half of a character is replaced at the door, in texts and in parts; whole ones stay', () => {
  expect(contentOf('a\ud83d', 1_000)).toEqual([{ type: 'text', text: 'a\ufffd' }])
  const parts = [{ type: 'text', text: '\ude00 😀' } as const]
  expect(contentOf(parts, 1_000)).toEqual([{ type: 'text', text: '\ufffd 😀' }])
})

test('a content without a text is refused', () => {
  expect(() => contentOf([{ type: 'text', text: '' }], 1_000)).toThrow('is empty')
})
