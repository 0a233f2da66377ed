// Markdown for a terminal, line by line while it arrives.
//   L1. A line is rendered once it is complete, and never changes afterwards; what is not complete is shown by `live`.
//   L2. Tables wait for their last row, since their columns depend on all of them.
//   L3. Text is neutralised here: whoever prints what this returns prints nothing that drives the terminal.
import { cells, cut, pad, wrap } from './cells.ts'
import { inlineMarkdown } from './inline-markdown.ts'
import { neutralise } from './neutralise.ts'
import type { Style } from './style.ts'

interface Fence {
  readonly mark: string
}

const isTableRow = (line: string): boolean => /^\s{0,3}\|.*\|\s*$/.test(line)
const isSeparator = (line: string): boolean => /^\s{0,3}\|[\s:|-]+\|\s*$/.test(line) && line.includes('-')
const tableRowsAtMost = 200
const longestLive = 8000

export class MarkdownStream {
  readonly #style: Style
  #partial = ''
  #fence: Fence | undefined
  #rows: string[] = []
  #blank = true

  constructor(style: Style) {
    this.#style = style
  }

  /** The lines that are complete now. `width` in cells. */
  push(text: string, width: number): string[] {
    this.#partial += text
    if (!text.includes('\n')) return []
    const lines: string[] = []
    for (;;) {
      const end = this.#partial.indexOf('\n')
      if (end < 0) return lines
      const line = this.#partial.slice(0, end)
      this.#partial = this.#partial.slice(end + 1)
      lines.push(...this.#line(clean(line), width))
    }
  }

  /** What is not complete yet, as it looks for now. */
  live(width: number): string[] {
    const rows = this.#rows.length > 0 ? this.#table(width) : []
    if (this.#partial === '') return rows
    // Of a line without an end its end is enough to look at while it grows.
    const line = clean(this.#partial.length > longestLive ? this.#partial.slice(-longestLive / 2) : this.#partial)
    if (this.#fence) return [...rows, ...(closes(line, this.#fence) ? [] : this.#code(line))]
    if (isTableRow(line) || (rows.length > 0 && line.trimStart().startsWith('|'))) return [...rows, cut(line, width)]
    return [...rows, ...this.#block(line, width)]
  }

  /** The text ends here: what is left, and a state as at the beginning. */
  end(width: number): string[] {
    const lines = this.#partial === '' ? [] : this.#line(clean(this.#partial), width)
    lines.push(...this.#flushTable(width))
    this.#partial = ''
    this.#fence = undefined
    this.#blank = true
    return lines
  }

  #line(line: string, width: number): string[] {
    if (this.#fence) {
      if (!closes(line, this.#fence)) return this.#code(line)
      this.#fence = undefined
      return []
    }
    if (isTableRow(line) && this.#rows.length < tableRowsAtMost) {
      this.#rows.push(line)
      this.#blank = false
      return []
    }
    const before = this.#flushTable(width)
    const fence = /^\s{0,3}(`{3,}|~{3,})\s*([^`]*)$/.exec(line)
    if (fence) {
      this.#fence = { mark: fence[1] ?? '```' }
      this.#blank = false
      const language = (fence[2] ?? '').trim()
      return [...before, ...(language === '' ? [] : [cut(this.#style.dim(`  ${language}`), width)])]
    }
    if (line.trim() === '') {
      // One blank line says as much as five.
      const lines = this.#blank ? before : [...before, '']
      this.#blank = true
      return lines
    }
    this.#blank = false
    return [...before, ...this.#block(line, width)]
  }

  /** Not wrapped, so that code that is copied has no breaks of ours in it. */
  #code(line: string): string[] {
    return [line === '' ? '' : `  ${this.#style.cyan(line)}`]
  }

  #block(line: string, width: number): string[] {
    const { bold, dim, underline } = this.#style
    const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line)
    if (heading) {
      const text = inlineMarkdown(heading[2] ?? '', this.#style)
      return wrap(bold(heading[1] === '#' ? underline(text) : text), width)
    }
    if (/^\s{0,3}([-*_])\s*(?:\1\s*){2,}$/.test(line)) return [dim('─'.repeat(Math.max(1, Math.min(width, 40))))]
    const quote = /^\s{0,3}((?:>\s?)+)(.*)$/.exec(line)
    if (quote) {
      const bar = dim('│ '.repeat((quote[1] ?? '').replace(/[^>]/g, '').length))
      return wrap(bar + inlineMarkdown(quote[2] ?? '', this.#style), width, bar)
    }
    const item = /^(\s*)([-*+]|\d{1,9}[.)])\s+(?:\[([ xX])\]\s+)?(.*)$/.exec(line)
    if (item) {
      const marker = /^[-*+]$/.test(item[2] ?? '') ? '•' : (item[2] ?? '')
      const box = item[3] === undefined ? '' : item[3] === ' ' ? '☐ ' : '☑ '
      const lead = `${item[1] ?? ''}${marker} ${box}`
      return wrap(lead + inlineMarkdown(item[4] ?? '', this.#style), width, ' '.repeat(cells(lead)))
    }
    const indent = /^ */.exec(line)?.[0] ?? ''
    return wrap(indent + inlineMarkdown(line.slice(indent.length), this.#style), width, indent)
  }

  #flushTable(width: number): string[] {
    if (this.#rows.length === 0) return []
    const lines = this.#table(width)
    this.#rows = []
    return lines
  }

  #table(width: number): string[] {
    const second = this.#rows[1]
    if (second === undefined || !isSeparator(second)) return this.#rows.flatMap((row) => this.#block(row, width))
    const rows = this.#rows.filter((_, index) => index !== 1).map((row) => tableCells(row, this.#style))
    const columns = Math.max(...rows.map((row) => row.length))
    const sizes = Array.from({ length: columns }, (_, index) => Math.max(...rows.map((row) => cells(row[index] ?? ''))))
    // Where the table is too wide, the widest columns give way.
    while (sizes.reduce((sum, one) => sum + one, 0) + 2 * (columns - 1) > width && Math.max(...sizes) > 3) {
      sizes[sizes.indexOf(Math.max(...sizes))]! -= 1
    }
    const right = splitRow(second).map((mark) => /^-+:$/.test(mark))
    const line = (row: readonly string[]) => {
      const padded = sizes.map((size, index) => pad(cut(row[index] ?? '', size), size, right[index] ? 'right' : 'left'))
      return cut(padded.join('  '), width).trimEnd()
    }
    const rule = this.#style.dim(cut(sizes.map((size) => '─'.repeat(size)).join('  '), width))
    return [this.#style.bold(line(rows[0] ?? [])), rule, ...rows.slice(1).map(line)]
  }
}

const clean = (line: string): string => neutralise(line).replace(/\t/g, '    ').toWellFormed()

const closes = (line: string, fence: Fence): boolean => {
  const trimmed = line.trim()
  return trimmed.length >= fence.mark.length && trimmed === fence.mark[0]!.repeat(trimmed.length)
}

const splitRow = (row: string): string[] =>
  row
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())

const tableCells = (row: string, style: Style): string[] =>
  splitRow(row).map((cell) => inlineMarkdown(cell.replace(/\\\|/g, '|'), style))
