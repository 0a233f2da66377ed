// Bytes from a terminal in raw mode → keys. Pure, one chunk at a time.
//   K1. A sequence cut between two chunks is put together; a lone ESC at the end of a chunk waits, and is the Escape key if no
//       sequence follows.
//   K2. What stands between the marks of a bracketed paste is one `paste`, however many lines and chunks it has.
//   K3. Unknown sequences are swallowed whole, never typed.
//   K4. An Enter with text behind it in the same chunk was not pressed: it is a line end of a paste by a terminal that marks none.
export type Key =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'paste'; readonly text: string }
  | { readonly kind: 'key'; readonly name: KeyName }

export type KeyName =
  | 'enter'
  | 'newline'
  | 'tab'
  | 'backspace'
  | 'delete'
  | 'left'
  | 'right'
  | 'up'
  | 'down'
  | 'home'
  | 'end'
  | 'word-left'
  | 'word-right'
  | 'delete-word'
  | 'delete-word-right'
  | 'delete-to-start'
  | 'delete-to-end'
  | 'yank'
  | 'clear-screen'
  | 'interrupt'
  | 'end-of-input'
  | 'escape'
  | 'fold'

export interface KeyDecoder {
  readonly rest: string
  /** Set while inside a bracketed paste: what was pasted so far. */
  readonly pasted?: string
}

export const newKeyDecoder: KeyDecoder = { rest: '' }

const pasteStart = '\x1b[200~'
const pasteEnd = '\x1b[201~'

const controls: Readonly<Record<string, KeyName>> = {
  '\n': 'newline',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x01': 'home',
  '\x02': 'left',
  '\x03': 'interrupt',
  '\x04': 'end-of-input',
  '\x05': 'end',
  '\x06': 'right',
  '\x0b': 'delete-to-end',
  '\x0c': 'clear-screen',
  '\x0e': 'down',
  '\x0f': 'fold',
  '\x10': 'up',
  '\x15': 'delete-to-start',
  '\x17': 'delete-word',
  '\x19': 'yank',
}

const sequences: Readonly<Record<string, KeyName>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  '[H': 'home',
  '[F': 'end',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[7~': 'home',
  '[4~': 'end',
  '[8~': 'end',
  '[3~': 'delete',
  '[1;5C': 'word-right',
  '[1;5D': 'word-left',
  '[1;3C': 'word-right',
  '[1;3D': 'word-left',
  '[3;5~': 'delete-word-right',
  // Shift-Enter and its kin, from terminals that tell them apart (CSI u, modifyOtherKeys).
  '[13;2u': 'newline',
  '[13;3u': 'newline',
  '[13;5u': 'newline',
  '[27;2;13~': 'newline',
  '[27;3;13~': 'newline',
  '[27;5;13~': 'newline',
  '[99;5u': 'interrupt',
  '[100;5u': 'end-of-input',
}

const alted: Readonly<Record<string, KeyName>> = {
  '\r': 'newline',
  '\n': 'newline',
  '\x7f': 'delete-word',
  b: 'word-left',
  f: 'word-right',
  d: 'delete-word-right',
}

export interface Decoded {
  readonly decoder: KeyDecoder
  readonly keys: readonly Key[]
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is not text
const pastedLineEnd = /\r\n?(?=[\r\n\t]*[^\x00-\x1f\x7f])/y

export function decodeKeys(decoder: KeyDecoder, chunk: string): Decoded {
  const keys: Key[] = []
  const text = decoder.rest + chunk
  const escapeHeld = decoder.rest === '\x1b'
  let pasted = decoder.pasted
  let at = 0
  const held = (from: number): Decoded => ({
    decoder: { rest: text.slice(from), ...(pasted === undefined ? {} : { pasted }) },
    keys,
  })
  while (at < text.length) {
    if (pasted !== undefined) {
      const end = text.indexOf(pasteEnd, at)
      if (end < 0) {
        // The end mark itself may be cut.
        const keep = cutMark(text, at)
        pasted += text.slice(at, keep)
        return held(keep)
      }
      keys.push({ kind: 'paste', text: (pasted + text.slice(at, end)).replace(/\r\n?/g, '\n') })
      pasted = undefined
      at = end + pasteEnd.length
      continue
    }
    const character = text[at]!
    if (character !== '\x1b') {
      if (character === '\r') {
        pastedLineEnd.lastIndex = at
        const end = pastedLineEnd.exec(text)?.[0]
        keys.push({ kind: 'key', name: end === undefined ? 'enter' : 'newline' }) // K4
        at += end?.length ?? 1
        continue
      }
      const name = controls[character]
      const run = name === undefined && character >= ' ' ? printable(text, at) : 1
      if (name !== undefined) keys.push({ kind: 'key', name })
      else if (character >= ' ') keys.push({ kind: 'text', text: text.slice(at, at + run) })
      at += run
      continue
    }
    const next = text[at + 1]
    if (next === undefined) return held(at)
    if (next !== '[' && next !== 'O') {
      const name = alted[next]
      if (escapeHeld && at === 0) {
        // The ESC came by itself, in a chunk of its own: it was the Escape key (K1).
        keys.push({ kind: 'key', name: 'escape' })
        at += 1
        continue
      }
      if (name !== undefined) keys.push({ kind: 'key', name })
      at += next === '\x1b' ? 1 : 2
      continue
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the parts of a CSI sequence are named by their codes
    const match = (next === '[' ? /\x1b\[[0-?]*[ -/]*[@-~]/y : /\x1bO[ -~]/y) as RegExp
    match.lastIndex = at
    const sequence = match.exec(text)?.[0]
    if (sequence === undefined) {
      if (text.length - at > 32) {
        at += 2
        continue
      }
      return held(at)
    }
    at += sequence.length
    if (sequence === pasteStart) pasted = ''
    else {
      const name = sequences[sequence.slice(1)]
      if (name !== undefined) keys.push({ kind: 'key', name })
    }
  }
  return { decoder: { rest: '', ...(pasted === undefined ? {} : { pasted }) }, keys }
}

function printable(text: string, from: number): number {
  let end = from
  while (end < text.length && text[end]! >= ' ' && text[end] !== '\x7f') end++
  return end - from
}

/** Where the text ends without what may be the beginning of an end mark. */
function cutMark(text: string, from: number): number {
  for (let size = Math.min(pasteEnd.length - 1, text.length - from); size > 0; size--)
    if (text.endsWith(pasteEnd.slice(0, size))) return text.length - size
  return text.length
}
