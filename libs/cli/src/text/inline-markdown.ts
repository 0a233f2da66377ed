// Markdown inside one line: code, bold, italic, strike-through, links. Pure; the text is already neutral.
//   M1. Time grows with the length of the line, whatever it holds: a mark that has no closing one is looked for once.
import type { Style } from './style.ts'

const longest = 20_000
const deepest = 6

interface Scan {
  readonly style: Style
  /** Closing marks known to be missing from here on. */
  readonly missing: Set<string>
}

export function inlineMarkdown(text: string, style: Style): string {
  return text.length > longest ? text : render(text, { style, missing: new Set() }, 0)
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character)

function render(text: string, scan: Scan, depth: number): string {
  let out = ''
  let at = 0
  while (at < text.length) {
    const found = depth < deepest ? construct(text, at, scan, depth) : undefined
    if (found) {
      out += found.rendered
      at = found.end
    } else {
      out += text[at]
      at++
    }
  }
  return out
}

interface Found {
  readonly rendered: string
  readonly end: number
}

function construct(text: string, at: number, scan: Scan, depth: number): Found | undefined {
  const character = text[at]
  switch (character) {
    case '\\': {
      const next = text[at + 1]
      return next !== undefined && /[!-/:-@[-`{-~]/.test(next) ? { rendered: next, end: at + 2 } : undefined
    }
    case '`':
      return code(text, at, scan)
    case '*':
    case '_':
      return emphasis(text, at, character, scan, depth)
    case '~':
      return text[at + 1] === '~' ? between(text, at, '~~', scan, depth, scan.style.strike) : undefined
    case '!':
      return text[at + 1] === '[' ? link(text, at + 1, scan, depth) : undefined
    case '[':
      return link(text, at, scan, depth)
    default:
      return undefined
  }
}

/** Where `mark` closes, at or after `from`; `from` only grows while one text is rendered, so what is missing once stays so (M1). */
function closing(text: string, mark: string, from: number, scan: Scan): number {
  if (scan.missing.has(mark)) return -1
  const end = text.indexOf(mark, from)
  if (end < 0) scan.missing.add(mark)
  return end
}

function code(text: string, at: number, scan: Scan): Found | undefined {
  let ticks = 1
  while (text[at + ticks] === '`') ticks++
  const mark = '`'.repeat(ticks)
  const end = closing(text, mark, at + ticks, scan)
  if (end < 0) return { rendered: mark, end: at + ticks }
  const inner = text.slice(at + ticks, end)
  const trimmed = /^ .* $/.test(inner) && inner.trim() !== '' ? inner.slice(1, -1) : inner
  return { rendered: scan.style.cyan(trimmed), end: end + ticks }
}

function emphasis(text: string, at: number, character: '*' | '_', scan: Scan, depth: number): Found | undefined {
  const { bold, italic } = scan.style
  // snake_case is no emphasis.
  if (character === '_' && isWord(text[at - 1])) return undefined
  let run = 1
  while (text[at + run] === character && run < 3) run++
  const mark = character.repeat(run)
  const paint = run === 1 ? italic : run === 2 ? bold : (inner: string) => bold(italic(inner))
  return between(text, at, mark, scan, depth, paint) ?? { rendered: mark, end: at + run }
}

function between(
  text: string,
  at: number,
  mark: string,
  scan: Scan,
  depth: number,
  paint: (inner: string) => string,
): Found | undefined {
  const start = at + mark.length
  if (text[start] === undefined || /\s/.test(text[start])) return undefined
  let end = closing(text, mark, start + 1, scan)
  // A closing mark stands behind a character that is no space; `_` not inside a word.
  for (let tries = 0; end >= 0 && tries < 8; tries++) {
    const longer = text[end + mark.length] === mark[0] && mark.length < 3
    const inWord = mark[0] === '_' && isWord(text[end + mark.length])
    if (!/\s/.test(text[end - 1] ?? ' ') && !inWord && !longer) {
      const inner = text.slice(start, end)
      return { rendered: paint(render(inner, { ...scan, missing: new Set() }, depth + 1)), end: end + mark.length }
    }
    let next = end + mark.length
    while (text[next] === mark[0]) next++
    end = closing(text, mark, next, scan)
  }
  return undefined
}

/** The address is always shown: a text must not be able to stand for another place. */
function link(text: string, at: number, scan: Scan, depth: number): Found | undefined {
  const middle = closing(text, '](', at + 1, scan)
  if (middle < 0 || middle - at > 500) return undefined
  const end = closing(text, ')', middle, scan)
  if (end < 0 || end - middle > 2000) return undefined
  const label = text.slice(at + 1, middle)
  const address = text.slice(middle + 2, end).split(' ')[0] ?? ''
  if (label.includes('[') || address === '') return undefined
  const { underline, dim } = scan.style
  const shown = render(label, { ...scan, missing: new Set() }, depth + 1)
  return {
    rendered: label === address ? underline(address) : `${underline(shown)} ${dim(`(${address})`)}`,
    end: end + 1,
  }
}
