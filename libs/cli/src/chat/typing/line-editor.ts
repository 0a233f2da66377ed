// What a person is typing: one message of one or more lines, with a history. Pure.
//   E1. The cursor stands between graphemes, never inside one.
//   E2. A line that ends in a backslash goes on: Enter makes a new line there. What was pasted is never sent by itself.
//   E3. Going through the history loses nothing: what was being written is the newest entry.
import { graphemes } from '../../text/cells.ts'
import { neutralise } from '../../text/neutralise.ts'
import type { Key, KeyName } from './keys.ts'

export interface Editor {
  readonly text: readonly string[]
  readonly cursor: number
  /** Oldest first. */
  readonly history: readonly string[]
  /** Index into history; history.length is what is being written. */
  readonly place: number
  readonly draft: string
  readonly killed: string
}

export type EditResult =
  | { readonly kind: 'changed'; readonly editor: Editor }
  | { readonly kind: 'submitted'; readonly editor: Editor; readonly message: string }
  | {
      readonly kind: 'key'
      readonly editor: Editor
      readonly name: 'interrupt' | 'end-of-input' | 'clear-screen' | 'escape' | 'fold'
    }

const longestHistory = 1000

export const newEditor = (history: readonly string[] = []): Editor => ({
  text: [],
  cursor: 0,
  history: history.slice(-longestHistory),
  place: Math.min(history.length, longestHistory),
  draft: '',
  killed: '',
})

export const editorText = (editor: Editor): string => editor.text.join('')

export function edit(editor: Editor, key: Key): EditResult {
  switch (key.kind) {
    case 'text':
    case 'paste':
      return changed(insert(editor, neutralise(key.text)))
    case 'key':
      return press(editor, key.name)
    default:
      return key satisfies never
  }
}

/** Empty, with `text` as the newest entry of the history (once, where it is the newest already). */
export function remember(editor: Editor, text: string): Editor {
  const history =
    text === '' || editor.history.at(-1) === text ? editor.history : [...editor.history, text].slice(-longestHistory)
  return { ...editor, text: [], cursor: 0, history, place: history.length, draft: '' }
}

export const withText = (editor: Editor, text: string): Editor => {
  const parts = graphemes(text)
  return { ...editor, text: parts, cursor: parts.length }
}

const changed = (editor: Editor): EditResult => ({ kind: 'changed', editor })

function press(editor: Editor, name: KeyName): EditResult {
  const { text, cursor } = editor
  const move = (to: number) => changed({ ...editor, cursor: Math.max(0, Math.min(text.length, to)) })
  switch (name) {
    case 'enter':
      return enter(editor)
    case 'newline':
      return changed(insert(editor, '\n'))
    case 'tab':
      return changed(insert(editor, '  '))
    case 'left':
      return move(cursor - 1)
    case 'right':
      return move(cursor + 1)
    case 'home':
      return move(lineStart(text, cursor))
    case 'end':
      return move(lineEnd(text, cursor))
    case 'word-left':
      return move(wordLeft(text, cursor))
    case 'word-right':
      return move(wordRight(text, cursor))
    case 'up':
      return lineStart(text, cursor) > 0 ? move(lineAbove(text, cursor)) : changed(recall(editor, editor.place - 1))
    case 'down':
      return lineEnd(text, cursor) < text.length
        ? move(lineBelow(text, cursor))
        : changed(recall(editor, editor.place + 1))
    case 'backspace':
      return changed(remove(editor, cursor - 1, cursor))
    case 'delete':
      return changed(remove(editor, cursor, cursor + 1))
    case 'delete-word':
      return changed(kill(editor, wordLeft(text, cursor), cursor))
    case 'delete-word-right':
      return changed(kill(editor, cursor, wordRight(text, cursor)))
    case 'delete-to-start':
      return changed(kill(editor, lineStart(text, cursor), cursor))
    case 'delete-to-end':
      return changed(kill(editor, cursor, lineEnd(text, cursor)))
    case 'yank':
      return changed(insert(editor, editor.killed))
    case 'end-of-input':
      return text.length > 0 ? changed(remove(editor, cursor, cursor + 1)) : { kind: 'key', editor, name }
    case 'interrupt':
    case 'clear-screen':
    case 'escape':
    case 'fold':
      return { kind: 'key', editor, name }
    default:
      return name satisfies never
  }
}

function enter(editor: Editor): EditResult {
  const { text, cursor } = editor
  if (text[cursor - 1] === '\\' && cursor === lineEnd(text, cursor)) {
    return changed(insert(remove(editor, cursor - 1, cursor), '\n'))
  }
  const message = text.join('').trim()
  if (message === '') return changed({ ...editor, text: [], cursor: 0 })
  return { kind: 'submitted', editor: remember(editor, message), message }
}

function insert(editor: Editor, added: string): Editor {
  if (added === '') return editor
  // Joined again, since a combining mark belongs to what stands before it (E1).
  const before = graphemes(editor.text.slice(0, editor.cursor).join('') + added)
  return { ...editor, text: [...before, ...editor.text.slice(editor.cursor)], cursor: before.length }
}

function remove(editor: Editor, from: number, to: number): Editor {
  if (from < 0 || from >= to) return editor
  return { ...editor, text: [...editor.text.slice(0, from), ...editor.text.slice(to)], cursor: from }
}

const kill = (editor: Editor, from: number, to: number): Editor =>
  from >= to ? editor : { ...remove(editor, from, to), killed: editor.text.slice(from, to).join('') }

function recall(editor: Editor, place: number): Editor {
  if (place < 0 || place > editor.history.length || place === editor.place) return editor
  const draft = editor.place === editor.history.length ? editorText(editor) : editor.draft
  const text = place === editor.history.length ? draft : (editor.history[place] ?? '')
  return { ...withText(editor, text), place, draft }
}

const lineStart = (text: readonly string[], cursor: number): number =>
  cursor === 0 ? 0 : text.lastIndexOf('\n', cursor - 1) + 1
const lineEnd = (text: readonly string[], cursor: number): number => {
  const end = text.indexOf('\n', cursor)
  return end < 0 ? text.length : end
}

function lineAbove(text: readonly string[], cursor: number): number {
  const start = lineStart(text, cursor)
  const above = lineStart(text, start - 1)
  return Math.min(above + (cursor - start), start - 1)
}

function lineBelow(text: readonly string[], cursor: number): number {
  const column = cursor - lineStart(text, cursor)
  const below = lineEnd(text, cursor) + 1
  return Math.min(below + column, lineEnd(text, below))
}

const isSpace = (one: string | undefined): boolean => one !== undefined && /^\s$/.test(one)

function wordLeft(text: readonly string[], cursor: number): number {
  let at = cursor
  while (at > 0 && isSpace(text[at - 1])) at--
  while (at > 0 && !isSpace(text[at - 1])) at--
  return at
}

function wordRight(text: readonly string[], cursor: number): number {
  let at = cursor
  while (at < text.length && isSpace(text[at])) at++
  while (at < text.length && !isSpace(text[at])) at++
  return at
}
