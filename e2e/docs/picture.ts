// A picture of a terminal for the README: what `tmux capture-pane -e -p` printed, as SVG with a background of its own, so that it is
// readable on light and on dark pages. Made anew by hand:
//   tmux capture-pane -e -p -t chat | node e2e/docs/picture.ts > docs/images/chat.svg
import { text } from 'node:stream/consumers'

interface Look {
  readonly colour?: string
  readonly bold?: boolean
  readonly dim?: boolean
}
interface Run {
  readonly look: Look
  readonly text: string
}

const palette: Readonly<Record<string, string>> = {
  '31': '#ff8f88',
  '32': '#7ee0a0',
  '33': '#f2cc60',
  '34': '#8ab4ff',
  '35': '#d8a7ff',
  '36': '#7fd8e6',
  '90': '#8f9bab',
}
const paper = '#161b22'
const ink = '#e4e9f0'
const cell = { width: 8.43, height: 19 }
const margin = { left: 20, top: 52, bottom: 18 }

/** The runs of one line, and the look that is open at its end. Colours and weights are understood; other codes change nothing. */
export function runsOf(line: string, before: Look): { readonly runs: readonly Run[]; readonly after: Look } {
  const runs: Run[] = []
  let look = before
  let at = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: SGR sequences begin with ESC
  for (const match of line.matchAll(/\x1b\[([0-9;]*)m/g)) {
    if (match.index > at) runs.push({ look, text: line.slice(at, match.index) })
    for (const code of (match[1] ?? '').split(';')) look = changed(look, code)
    at = match.index + match[0].length
  }
  if (at < line.length) runs.push({ look, text: line.slice(at) })
  return { runs, after: look }
}

function changed(look: Look, code: string): Look {
  if (code === '' || code === '0') return {}
  if (code === '1') return { ...look, bold: true }
  if (code === '2') return { ...look, dim: true }
  if (code === '22') return { ...look, bold: false, dim: false }
  if (code === '39') return { ...look, colour: ink }
  const colour = palette[code]
  return colour === undefined ? look : { ...look, colour }
}

/** An SVG of the lines; `title` is what a screen reader says. */
export function terminalPicture(captured: string, title: string): string {
  const lines = captured.replace(/\s+$/, '').split('\n')
  const drawn: string[] = []
  let look: Look = {}
  let columns = 0
  for (const [row, line] of lines.entries()) {
    const { runs, after } = runsOf(line, look)
    look = after
    let column = 0
    const spans = runs.map((run) => {
      const x = (margin.left + column * cell.width).toFixed(1)
      const { length } = [...run.text]
      const wide = (length * cell.width).toFixed(1) // whatever font the reader has, columns stay columns
      column += length
      return run.text.trim() === ''
        ? ''
        : `<tspan x="${x}" textLength="${wide}"${styleOf(run.look)}>${escaped(run.text)}</tspan>`
    })
    columns = Math.max(columns, column)
    const y = margin.top + row * cell.height
    if (spans.join('') !== '') drawn.push(`<text y="${y}" xml:space="preserve">${spans.join('')}</text>`)
  }
  const width = Math.ceil(2 * margin.left + columns * cell.width)
  const height = margin.top + (lines.length - 1) * cell.height + margin.bottom
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, index) => `<circle cx="${22 + index * 18}" cy="20" r="5.5" fill="${fill}"/>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="${paper}" stroke="#484f58"/>`,
    ...dots,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${ink}">`,
    ...drawn,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

const styleOf = ({ colour, bold, dim }: Look): string =>
  [
    colour === undefined ? '' : ` fill="${colour}"`,
    bold ? ' font-weight="bold"' : '',
    dim ? ' fill-opacity="0.65"' : '',
  ].join('')

const escaped = (plain: string): string =>
  plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

if (import.meta.main)
  process.stdout.write(
    terminalPicture(await text(process.stdin), process.argv[2] ?? 'A chat with an agent in a terminal'),
  )
