import { expect, test } from 'vitest'
import { cutAfter, plainText } from './plain.ts'

test('escape sequences of a terminal are left out, and nothing else', () => {
  expect(plainText('\x1b[31mred\x1b[0m and \x1b]0;title\x07plain')).toBe('red and plain')
  expect(plainText('\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\')).toBe('click')
})

test('a progress bar shows its last state', () => {
  expect(plainText('10 %\r50 %\r100 %\ndone\r\n')).toBe('100 %\ndone\n')
})

test('what cannot be seen is shown', () => {
  expect(plainText('a\u202eb\u0007')).toBe('a\\u202eb␇')
  const hidden =
    '\u00ad\u034f\u115f\u1160\u180e\u200b\u206a\u206f\u3164\ufe00\ufe0f\uffa0\ufff9\ufffb\u{1d173}\u{1d17a}\u{e0001}\u{e0041}\u{e0100}\u{e01ef}'
  expect(plainText([...hidden].map((one) => `a${one}`).join(''))).toMatch(/^(?:a\\u[0-9a-f]{4,5}){20}$/)
})

test('writing and emoji stay as they are', () => {
  for (const text of ['naïve café', '日本語', '한국어', 'فارسی\u200cها', 'हिन्दी', '👩‍👩‍👧 🇩🇪 ❤️ 1️⃣', 'a𝅘𝅥b'])
    expect(plainText(text)).toBe(text)
})

test('a long text is cut, and says by how many lines', () => {
  expect(cutAfter('1\n2\n3\n4', 2, 100)).toEqual({ text: '1\n2', lines: 2 })
  expect(cutAfter('1\n2', 2, 100)).toEqual({ text: '1\n2', lines: 0 })
  expect(cutAfter('abcdef', 2, 3)).toEqual({ text: 'abc', lines: 1 })
})
