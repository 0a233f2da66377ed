import { closeSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fake-context.ts'
import { Pace } from '../calls/pace.ts'
import { detectEncoding } from './encoding.ts'
import { HeadTail } from './head-tail.ts'
import { type Line, openText } from './lines.ts'
import { compileGlob } from './glob.ts'
import { compilePattern, expandedSize } from './pattern.ts'
import { Spool } from './spool.ts'

describe('HeadTail', () => {
  const note = (omitted: number) => `<${omitted}>`
  const of = (text: string, maxChars: number, piece: number) => {
    const kept = new HeadTail(maxChars)
    for (let at = 0; at < text.length; at += piece) kept.push(text.slice(at, at + piece))
    return kept
  }

  it.each([1, 2, 3, 7, 100])('keeps what is short whole and of the rest both ends, in pieces of %i', (piece) => {
    const text = '0123456789abcdefghij'
    expect(of(text, 20, piece).take(20, note)).toEqual({ text, total: 20, omitted: 0 })
    expect(of(text, 10, piece).take(10, note)).toEqual({ text: '01234<10>fghij', total: 20, omitted: 10 })
    expect(of(text, 20, piece).take(6, note)).toEqual({ text: '012<14>hij', total: 20, omitted: 14 })
    expect(of(text, 30, piece).take(6, note)).toEqual({ text: '012<14>hij', total: 20, omitted: 14 })
    expect(of(text, 11, piece).take(5, note)).toEqual({ text: '012<15>ij', total: 20, omitted: 15 })
    expect(of(text, 20, piece).take(0, note)).toEqual({ text: '<20>', total: 20, omitted: 20 })
  })

  it('accounts for each character, whatever the sizes', () => {
    for (let length = 0; length < 30; length += 1) {
      for (let max = 0; max < 12; max += 1) {
        for (let asked = 0; asked <= max; asked += 1) {
          const text = 'abcdefghijklmnopqrstuvwxyz0123456789'.slice(0, length)
          const taken = of(text, max, 4).take(asked, () => '|')
          const [head = '', tail] = taken.text.split('|')
          expect(text.startsWith(head)).toBe(true)
          expect(tail === undefined ? head === text : text.endsWith(tail)).toBe(true)
          expect(head.length + (tail ?? '').length + taken.omitted).toBe(length)
        }
      }
    }
  })

  it('splits no pair', () => {
    const taken = of('😀'.repeat(10), 9, 3).take(9, () => '|')
    expect(taken.text.isWellFormed()).toBe(true)
    expect(taken.text).toBe('😀😀|😀😀')
  })
})

describe('lines', () => {
  const linesOf = async (content: string | Uint8Array, maxLineChars = 1_000) => {
    const fd = openSync(join(temporaryFolder({ f: content }), 'f'), 'r')
    try {
      const text = openText(fd)
      const lines: Line[] = []
      if (text !== undefined)
        for await (const line of text.lines(maxLineChars, new Pace(new AbortController().signal))) lines.push(line)
      return lines.map(
        ({ text, cut, crlf, ended }) => `${text}${cut > 0 ? `+${cut}` : ''}${crlf ? 'CRLF' : ended ? 'LF' : ''}`,
      )
    } finally {
      closeSync(fd)
    }
  }

  it.each([
    ['', []],
    ['\n', ['LF']],
    ['a', ['a']],
    ['a\n\nb', ['aLF', 'LF', 'b']],
    ['a\r\nb\r', ['aCRLF', 'b\r']],
    ['a\r\n', ['aCRLF']],
  ])('%j', async (content, lines) => {
    expect(await linesOf(content)).toEqual(lines)
  })

  it('cuts long lines, and takes characters that straddle its pieces whole', async () => {
    expect(await linesOf('abcdef\r\nab\nabcd', 3)).toEqual(['abc+3CRLF', 'abLF', 'abc+1'])
    const long = `${'x'.repeat(65_535)}ü${'y'.repeat(70_000)}\r\n`
    expect(await linesOf(`${long}end`, 200_000)).toEqual([`${long.slice(0, -2)}CRLF`, 'end'])
  })
})

describe('detectEncoding', () => {
  it.each([
    [Buffer.from('plain'), 'utf-8'],
    [Buffer.from('grün'), 'utf-8'],
    [Buffer.from('grün', 'latin1'), 'latin1'],
    [Buffer.concat([Buffer.from('ü'), Buffer.of(0xff)]), 'utf-8'],
    [Buffer.of(0xff, 0xfe, 0x61, 0), 'utf-16le'],
    [Buffer.of(0xfe, 0xff, 0, 0x61), 'utf-16be'],
    [Buffer.of(0xef, 0xbb, 0xbf, 0x61), 'utf-8-bom'],
    [Buffer.of(0x61, 0, 0x62), undefined],
    [Buffer.of(), 'utf-8'],
  ])('%j', (bytes, encoding) => {
    expect(detectEncoding(bytes, true)).toBe(encoding)
  })

  it('takes a character that the sample cuts for no fault', () => {
    expect(detectEncoding(Buffer.from('grü').subarray(0, 3), false)).toBe('utf-8')
    expect(detectEncoding(Buffer.from('grü').subarray(0, 3), true)).toBe('latin1')
  })
})

describe('globs', () => {
  it.each([
    ['*.ts', ['a.ts', '.ts'], ['a/b.ts', 'a.tsx', 'ats']],
    ['**/*.ts', ['a.ts', 'a/b.ts', 'a/b/c.ts'], ['a.js']],
    ['a/**', ['a/b', 'a/b/c'], ['a', 'ab/c']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['az', 'a/bz']],
    ['?.[ch]', ['a.c', 'b.h'], ['ab.c', 'a.x']],
    ['[!a-c]x', ['dx'], ['ax', '/x']],
    ['{a,b/c}.txt', ['a.txt', 'b/c.txt'], ['b.txt']],
    ['a+(b).$^|', ['a+(b).$^|'], ['aab']],
    ['[', ['['], ['']],
    ['{a', ['{a'], ['a']],
    ['**/a{b}.ts', ['x/a{b}.ts'], ['x/ab.ts']],
    ['{a,{b}}', ['a', '{b}'], ['b']],
    ['naïve-*', ['naïve-😀'], []],
    ['app/[id]/*.tsx', ['app/[id]/page.tsx', 'app/i/a.tsx'], ['app/id/page.tsx']],
    ['app/[[...slug]]/page.tsx', ['app/[[...slug]]/page.tsx'], ['app/x/page.tsx']],
    [String.raw`a\[b\]\*`, ['a[b]*'], ['ab*', 'a[b]c']],
    ['a{b}[z-a]', ['a{b}[z-a]'], ['abz']],
    ['{a{b,c}', ['{ab', '{ac'], ['a']],
    ['[]x]y', [']y', 'xy', '[]x]y'], ['ay']],
    ['[!x/]', ['[!x/]'], ['a']],
  ])('%s', (glob, yes, no) => {
    const { matches } = compileGlob(glob)
    expect(yes.filter((path) => !matches(path))).toEqual([])
    expect(no.filter((path) => matches(path))).toEqual([])
  })
})

describe('what takes long is known before', () => {
  it('globs of any form up to their length, in one pass', () => {
    for (const part of ['[', ']', '[]', '[!', '{', '}', '{,', '**/', '*', '\\\\', '[a-z]', '?*', '{[', '/'])
      for (const path of ['a'.repeat(4_000), 'a/'.repeat(2_000), '[]{}'.repeat(1_000)])
        expect(typeof compileGlob(part.repeat(Math.floor(1_000 / part.length))).matches(path)).toBe('boolean')
    expect(() => compileGlob('['.repeat(300_000))).toThrow('has 300000 characters; at most 1000 are allowed')
  })

  it.each([
    ['abc', 3],
    ['a{10}', 10],
    ['(ab){10}', 30],
    ['((a{10}){10}){10}', 1_110],
    ['[^x]{1000}'.repeat(90), 90_000],
    ['[]{5}]{7}', 7],
    [String.raw`\{5}`, 3],
    ['a{,5}', 5],
    ['a{2', 3],
    ['(((', 0],
  ])('the size of %s', (source, size) => {
    expect(expandedSize(source)).toBe(size)
  })

  it('a pattern whose repeats multiply is refused before it is compiled', () => {
    expect(compilePattern('[^x]{1000}'.repeat(90))).toMatchObject({ message: expect.stringContaining('too large') })
    expect(compilePattern('[^x]{1000}')).toMatchObject({ kind: 'ok', pattern: { size: 1_002, textWithin: 19_960 } })
  })
})

describe('patterns', () => {
  it('tell where the match begins', () => {
    const compiled = compilePattern('b+')
    if (compiled.kind !== 'ok') throw new Error(compiled.message)
    expect([
      compiled.pattern.indexIn('aabb'),
      compiled.pattern.indexIn('aa'),
      compiled.pattern.test('ab'),
      compiled.pattern.test('a'),
    ]).toEqual([2, -1, true, false])
  })
})

describe('Spool', () => {
  const contentOf = async (spool: Spool) => {
    const content = spool.content()
    const chunks: Uint8Array[] = []
    if (content instanceof Uint8Array) chunks.push(content)
    else for await (const chunk of content) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }

  it('keeps all in order, in memory or on disk, up to its limit', async () => {
    for (const memory of [0, 4, 100]) {
      using spool = new Spool(memory, 10)
      for (const piece of ['abc', 'def', 'ghi', 'jkl', 'm']) spool.push(Buffer.from(piece))
      expect(await contentOf(spool)).toBe('abcdefghij')
      expect(spool.dropped).toBe(3)
    }
  })

  const place = (folder: string) => ({
    folder,
    mask: () => {
      let held = ''
      return {
        push: (piece: string) => {
          const [...parts] = (held + piece).split('secret')
          held = parts.at(-1)!.slice(-5)
          return parts.join('[masked]').slice(0, -held.length || undefined)
        },
        end: () => held,
      }
    },
  })

  it('has a file without a name, of which nothing is left, and minds not that nobody read it', () => {
    const folder = temporaryFolder()
    const spool = new Spool(0, 10, place(folder))
    spool.push(Buffer.from('abc'))
    expect(readdirSync(folder)).toEqual([])
    spool.content()
    spool[Symbol.dispose]()
    expect(readdirSync(folder)).toEqual([])
  })

  it('masks what goes to the file, also what comes in pieces', async () => {
    using spool = new Spool(4, 100, place(temporaryFolder()))
    for (const piece of ['a se', 'cret and a sec', 'ret\xff']) spool.push(Buffer.from(piece, 'latin1'))
    const content = spool.content()
    const chunks: Uint8Array[] = []
    if (!(content instanceof Uint8Array)) for await (const chunk of content) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString('latin1')).toBe('a [masked] and a [masked]\xff')
  })
})
