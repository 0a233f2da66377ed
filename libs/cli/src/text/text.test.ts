import { describe, expect, test } from 'vitest'
import { amount } from './amount.ts'
import { cells, cut, withoutStyle, wrap } from './cells.ts'
import { neutralise, oneLine, plainJson } from './neutralise.ts'
import { makeStyle } from './style.ts'
import { table } from './table.ts'
import { ago, span } from './when.ts'

const { bold, red } = makeStyle(true)

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1000, '1.0 KB'],
  [9_960, '10 KB'],
  [999_499, '999 KB'],
  [999_600, '1.0 MB'],
  [34_600_000, '35 MB'],
  [5e15, '5000 TB'],
])('%i bytes are shown as %s', (bytes, shown) => expect(amount(bytes)).toBe(shown))

describe('cells', () => {
  test.each([
    ['abc', 3],
    ['日本', 4],
    ['é', 1],
    ['👩‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['☑️', 2],
    [bold('ab'), 2],
    ['', 0],
  ])('%j takes %i', (text, width) => expect(cells(text)).toBe(width))

  test('cut never cuts a wide character in two, and closes styles', () => {
    expect(cut('日本語', 5)).toBe('日本…')
    expect(cut('日本語', 4)).toBe('日…')
    expect(cut(red('abcdef'), 4)).toBe('\x1b[31mabc…\x1b[0m')
    expect(cut('abc', 3)).toBe('abc')
  })
})

describe('wrap', () => {
  test('breaks at spaces, and hangs the lines that follow', () => {
    expect(wrap('• one two three four', 10, '  ')).toEqual(['• one two', '  three', '  four'])
  })
  test('a word that is too long is broken where the line ends', () => {
    expect(wrap('abcdefghij xy', 4)).toEqual(['abcd', 'efgh', 'ij', 'xy'])
  })
  test('a style goes on on the next line', () => {
    expect(wrap(bold('aaa bbb'), 4)).toEqual(['\x1b[1maaa\x1b[0m', '\x1b[1mbbb\x1b[22m'])
  })
  test('no line is wider than asked', () => {
    for (const width of [1, 2, 3, 7, 20])
      for (const line of wrap('日本語 and some words, of-which-one-is-rather-long 👩‍👩‍👧', width, '  '))
        expect(cells(line)).toBeLessThanOrEqual(Math.max(2, width))
  })
})

describe('neutralise', () => {
  test('takes from escape sequences what drives the terminal', () => {
    expect(neutralise('\x1b[2J\x1b]0;title\x07a\x9bb\rc\x00')).toBe('␛[2J␛]0;title␇abc␀')
  })
  test('takes direction overrides and invisible characters away, and keeps joined emoji', () => {
    expect(neutralise('a\u202eb\u200bc\ufeff👩‍👩‍👧\n\tx')).toBe('abc👩‍👩‍👧\n\tx')
  })
  test('takes away what shows as nothing, and leaves writing as it is', () => {
    const hidden =
      '\u00ad\u034f\u115f\u1160\u180e\u206a\u206f\u3164\ufe00\ufe0f\uffa0\ufff9\ufffb\u{1d173}\u{1d17a}\u{e0001}\u{e0041}\u{e0100}\u{e01ef}'
    expect(neutralise([...hidden].map((one) => `a${one}`).join(''))).toBe('a'.repeat([...hidden].length))
    for (const text of ['naïve café', '日本語', '한국어', 'فارسی\u200cها', 'हिन्दी', '👩‍👩‍👧 🇩🇪', 'a𝅘𝅥b'])
      expect(neutralise(text)).toBe(text)
  })
  test('JSON says the same, and hides nothing', () => {
    const value = { 'a\u202e': 'x\x9b\x7f\u{e0041}\ufe0f', plain: ['é日', 1, '👩‍👩‍👧'] }
    const text = plainJson(JSON.stringify(value, null, 2))
    expect(JSON.parse(text)).toEqual(value)
    expect(text).toContain('x\\u009b\\u007f\\udb40\\udc41\\ufe0f')
    expect(neutralise(text)).toBe(text)
  })
  test('twice is once', () => {
    const once = neutralise('\x1b[31mred\r\n')
    expect(neutralise(once)).toBe(once)
  })
  test('one line', () => expect(oneLine('a\n  b\tc ')).toBe('a b c'))
})

describe('table', () => {
  const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' as const }, { title: 'ABOUT', gives: true }]
  const rows = [
    ['first', '1', 'a long description of it'],
    ['日本', '22', 'short'],
  ]
  test('aligns by cells', () => {
    expect(table(columns, rows)).toEqual([
      'NAME    N  ABOUT',
      'first   1  a long description of it',
      '日本   22  short',
    ])
  })
  test('gives way where the terminal is narrow', () => {
    expect(table(columns, rows, { width: 22 })).toEqual([
      'NAME    N  ABOUT',
      'first   1  a long des…',
      '日本   22  short',
    ])
    for (const line of table(columns, rows, { width: 8 })) expect(cells(line)).toBeLessThanOrEqual(8)
  })
  test('keeps an id whole where the terminal is narrow, and drops the column that gives way', () => {
    const narrow = [{ title: 'ID', whole: true }, { title: 'AGENT' }, { title: 'TITLE', gives: true }]
    expect(table(narrow, [['0123456789', 'researcher', 'a long title']], { width: 24 })).toEqual([
      'ID          AGENT',
      '0123456789  researcher',
    ])
    expect(table(narrow, [['0123456789', 'researcher', 'a long title']], { width: 20 })[1]).toMatch(/^0123456789 /)
  })
})

test('times', () => {
  expect([0, 12_000, 180_000, 7_200_000, 6 * 86_400_000].map((age) => ago(0, age))).toEqual([
    'just now',
    '12s ago',
    '3m ago',
    '2h ago',
    '6d ago',
  ])
  expect([100, 9_900, 9_960, 59_600, 125_000, 3_720_000, 172_799_000, 2_592_000_000, 273_600_000].map(span)).toEqual([
    '0.1s',
    '9.9s',
    '10s',
    '1m 00s',
    '2m 05s',
    '1h 02m',
    '47h 59m',
    '30d 00h',
    '3d 04h',
  ])
  expect(withoutStyle(red('x'))).toBe('x')
})
