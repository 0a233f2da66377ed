// How wide text is on a terminal, and how it is cut and wrapped there. Pure.
//   W1. Only SGR sequences (colours and weights) made by style.ts are inside the texts that these functions take: what comes
//       from models, tools and people went through `neutralise` first.
//   W2. No line that they return is wider than asked, except where one character alone is.
//   W3. What knows of other texts than plain ASCII is loaded for the first of them: its patterns take a sixth of the start of a process.
// string-width says how wide a character is. Wrapping is our own: the lines of a list hang below its first word, and each line must
// close its styles and open them again, since the painter paints any line by itself; wrap-ansi does neither.
import { createRequire } from 'node:module'

interface Wide {
  readonly segmenter: Intl.Segmenter
  readonly width: typeof import('string-width')['default']
}

let loaded: Wide | undefined
/** W3. */
function wide(): Wide {
  loaded ??= {
    segmenter: new Intl.Segmenter('en', { granularity: 'grapheme' }),
    width: (createRequire(import.meta.url)('string-width') as typeof import('string-width')).default,
  }
  return loaded
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: SGR sequences begin with ESC
const sgr = /\x1b\[([0-9;]*)m/g
// Styles are taken out before (W1); an ESC that is left would be none.
const widthOptions = { countAnsiEscapeCodes: true } as const
const plainAscii = /^[\x20-\x7e]*$/

export const graphemes = (text: string): string[] =>
  plainAscii.test(text) ? [...text] : Array.from(wide().segmenter.segment(text), (part) => part.segment)

const graphemeWidth = (grapheme: string): number =>
  plainAscii.test(grapheme) ? grapheme.length : wide().width(grapheme, widthOptions)

export const withoutStyle = (text: string): string => text.replace(sgr, '')

/** Cells that the text takes; SGR sequences take none. */
export function cells(text: string): number {
  if (plainAscii.test(text)) return text.length
  const plain = withoutStyle(text)
  if (plainAscii.test(plain)) return plain.length
  let width = 0
  for (const grapheme of graphemes(plain)) width += graphemeWidth(grapheme)
  return width
}

type Piece = { readonly style: string } | { readonly text: string; readonly width: number }

function pieces(text: string): Piece[] {
  const out: Piece[] = []
  let at = 0
  const add = (plain: string) => {
    for (const grapheme of graphemes(plain)) out.push({ text: grapheme, width: graphemeWidth(grapheme) })
  }
  for (const match of text.matchAll(sgr)) {
    add(text.slice(at, match.index))
    out.push({ style: match[0] })
    at = match.index + match[0].length
  }
  add(text.slice(at))
  return out
}

/** At most `width` cells; what does not fit gives way to `…`. Styles that were opened are closed. */
export function cut(text: string, width: number): string {
  if (width <= 0) return ''
  if (cells(text) <= width) return text
  let out = ''
  let used = 0
  let styled = false
  for (const piece of pieces(text)) {
    if ('style' in piece) {
      out += piece.style
      styled = true
    } else if (used + piece.width > width - 1) break
    else {
      out += piece.text
      used += piece.width
    }
  }
  return `${out}…${styled ? '\x1b[0m' : ''}`
}

export const pad = (text: string, width: number, align: 'left' | 'right' = 'left'): string => {
  const space = ' '.repeat(Math.max(0, width - cells(text)))
  return align === 'left' ? text + space : space + text
}

const closers: Readonly<Record<string, readonly string[]>> = {
  '22': ['1', '2'],
  '23': ['3'],
  '24': ['4'],
  '29': ['9'],
  '39': ['30', '31', '32', '33', '34', '35', '36', '37', '90'],
}

/** The styles that are open after `sequence`, given those open before it. */
function openAfter(open: readonly string[], sequence: string): readonly string[] {
  const code = sequence.slice(2, -1)
  if (code === '' || code === '0') return []
  const closed = closers[code]
  return closed ? open.filter((one) => !closed.includes(one)) : [...open, code]
}

const reopen = (open: readonly string[]): string => open.map((code) => `\x1b[${code}m`).join('')

interface Word {
  readonly items: Piece[]
  width: number
}

/**
 * Lines of at most `width` cells, broken at spaces where there are some; each line closes its styles and the next opens them
 * again. `indent` stands before every line but the first.
 */
export function wrap(text: string, width: number, indent = ''): string[] {
  const limit = Math.max(1, width)
  if (cells(text) <= limit) return [text]
  // Room for a wide character has to stay (W2).
  const hang = cells(indent) + 2 <= limit ? indent : ''
  const lines: string[] = []
  let open: readonly string[] = []
  let line = ''
  let used = 0
  let fresh = true
  const newLine = () => {
    lines.push(open.length > 0 ? `${line}\x1b[0m` : line)
    line = hang + reopen(open)
    used = cells(hang)
    fresh = true
  }
  const put = (piece: Piece) => {
    if ('style' in piece) {
      open = openAfter(open, piece.style)
      line += piece.style
      return
    }
    if (used + piece.width > limit && !fresh) newLine()
    line += piece.text
    used += piece.width
    if (piece.width > 0) fresh = false
  }
  for (const word of words(text)) {
    const isSpace = word.items.every((item) => 'style' in item || item.text === ' ')
    if (isSpace && used + word.width > limit && !fresh) {
      // A line ends where the space stood.
      for (const item of word.items) if ('style' in item) put(item)
      newLine()
      continue
    }
    if (!isSpace && used + word.width > limit && !fresh && word.width <= limit - cells(hang)) {
      line = line.replace(/ +$/, '')
      newLine()
    }
    for (const item of word.items) put(item)
  }
  if (!fresh || lines.length === 0) lines.push(line)
  return lines
}

/** Runs of spaces, and what stands between them; styles go with what follows. */
function words(text: string): Word[] {
  const out: Word[] = []
  let current: Word | undefined
  let space: boolean | undefined
  for (const piece of pieces(text)) {
    const isSpace = 'style' in piece ? space : piece.text === ' '
    if (!current || isSpace !== space) {
      current = { items: [], width: 0 }
      out.push(current)
      space = isSpace
    }
    current.items.push(piece)
    if (!('style' in piece)) current.width += piece.width
  }
  return out
}
