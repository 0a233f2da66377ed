import { describe, expect, test } from 'vitest'
import { decodeKeys, type Key, newKeyDecoder } from './keys.ts'
import { type Editor, edit, editorText, newEditor } from './line-editor.ts'

const keysOf = (...chunks: string[]): Key[] => {
  let decoder = newKeyDecoder
  return chunks.flatMap((chunk) => {
    const decoded = decodeKeys(decoder, chunk)
    decoder = decoded.decoder
    return decoded.keys
  })
}

/** The editor after what was typed, and the messages that were sent. */
function typed(
  text: string | readonly string[],
  editor: Editor = newEditor(),
): { editor: Editor; sent: string[]; keys: string[] } {
  const sent: string[] = []
  const keys: string[] = []
  let now = editor
  for (const key of keysOf(...(typeof text === 'string' ? [text] : text))) {
    const edited = edit(now, key)
    now = edited.editor
    if (edited.kind === 'submitted') sent.push(edited.message)
    if (edited.kind === 'key') keys.push(edited.name)
  }
  return { editor: now, sent, keys }
}

/** `|` stands where the cursor is. */
const shown = (editor: Editor): string =>
  `${editor.text.slice(0, editor.cursor).join('')}|${editor.text.slice(editor.cursor).join('')}`

describe('keys', () => {
  test('text, controls and arrows', () => {
    expect(keysOf('hé\x1b[D\x03')).toEqual([
      { kind: 'text', text: 'hé' },
      { kind: 'key', name: 'left' },
      { kind: 'key', name: 'interrupt' },
    ])
  })
  test('a sequence that is cut anywhere is put together', () => {
    const whole = 'a\x1b[1;5Cb\x1b[200~x\ry\x1b[201~c'
    for (let at = 1; at < whole.length; at++) {
      const keys = keysOf(whole.slice(0, at), whole.slice(at))
      expect(keys.filter((key) => key.kind !== 'text')).toEqual([
        { kind: 'key', name: 'word-right' },
        { kind: 'paste', text: 'x\ny' },
      ])
    }
  })
  test('Escape by itself is a key, and the next letter is typed', () => {
    expect(keysOf('\x1b', 'a')).toEqual([
      { kind: 'key', name: 'escape' },
      { kind: 'text', text: 'a' },
    ])
  })
  test('Alt-Enter and Shift-Enter are new lines', () => {
    expect(keysOf('\x1b\r', '\x1b[13;2u', '\x1b[27;2;13~')).toEqual(Array(3).fill({ kind: 'key', name: 'newline' }))
  })
  test('unknown sequences are swallowed', () => {
    expect(keysOf('\x1b[99;99Za\x1b[?1;2cb')).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'text', text: 'b' },
    ])
  })
})

describe('the line editor', () => {
  test.each([
    ['hello\x1b[D\x1b[D\x7f', 'he|lo'],
    ['one two\x17', 'one |'],
    ['one two\x01\x1bf\x0b', 'one|'],
    ['one two\x15\x19\x19', 'one twoone two|'],
    ['ab\x01\x1b[3~', '|b'],
    ['日本\x7f', '日|'],
    ['e\u0301x\x1b[D\x7f', '|x'],
    ['one\x1b\rtwo\x1b[A', 'one|\ntwo'],
    ['one\x1b\rtwelve\x1b[A\x1b[B', 'one\ntwe|lve'],
  ])('%j gives %s', (keys, expected) => expect(shown(typed(keys).editor)).toBe(expected))

  test('Enter sends', () => expect(typed('hi\r').sent).toEqual(['hi']))
  test('a backslash at the end goes on', () => expect(typed(['one\\', '\r', 'two', '\r']).sent).toEqual(['one\ntwo']))
  test('an empty line sends nothing', () => expect(typed('  \r\r').sent).toEqual([]))
  test('what is pasted is one message, sent by Enter only', () => {
    const { editor, sent } = typed('\x1b[200~one\r\ntwo\r\n\x1b[201~')
    expect([editorText(editor), sent]).toEqual(['one\ntwo\n', []])
    expect(typed('\r', editor).sent).toEqual(['one\ntwo'])
  })
  test('what is pasted where the terminal marks no paste is one message too', () => {
    expect(typed('one\rtwo\r\r\tthree\r').sent).toEqual(['one\ntwo\n\n  three'])
    expect(typed(['one\r\ntwo', '\rthree']).sent).toEqual([])
    expect(editorText(typed(['one\r\ntwo', '\rthree']).editor)).toBe('one\ntwo\nthree')
  })
  test('keys behind an Enter do not make it a paste', () => {
    expect(typed('hi\r\x04')).toMatchObject({ sent: ['hi'], keys: ['end-of-input'] })
    expect(typed('hi\r\x1b[A')).toMatchObject({ sent: ['hi'] })
  })
  test('what is pasted cannot drive the terminal', () => {
    expect(editorText(typed('\x1b[200~a\x1b[2Jb\x1b[201~').editor)).toBe('a␛[2Jb')
  })
  test('history goes back and forth, and keeps what was being written', () => {
    const editor = newEditor(['first', 'second'])
    expect(shown(typed('dra\x1b[A', editor).editor)).toBe('second|')
    expect(shown(typed('dra\x1b[A\x1b[A\x1b[A', editor).editor)).toBe('first|')
    expect(shown(typed('dra\x1b[A\x1b[A\x1b[B\x1b[B', editor).editor)).toBe('dra|')
    expect(typed(['x\r', 'x\r', 'y\r'], editor).editor.history).toEqual(['first', 'second', 'x', 'y'])
  })
  test('Ctrl-D deletes, and leaves where there is nothing', () => {
    expect(typed('ab\x01\x04').keys).toEqual([])
    expect(typed('\x04').keys).toEqual(['end-of-input'])
  })
})
