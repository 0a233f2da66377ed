import { describe, expect, test } from 'vitest'
import { Painter } from './painter.ts'

/** A terminal that knows what the painter uses of it. */
class Screen {
  readonly rows: string[] = ['']
  row = 0
  column = 0
  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what a terminal reads
    for (const [part] of text.matchAll(/\x1b\[[?0-9]*[A-Za-z]|\r|\n|[^\x1b\r\n]+/g)) {
      if (part === '\r') this.column = 0
      else if (part === '\n') {
        this.row++
        this.rows[this.row] ??= ''
      } else if (part.endsWith('A') && part.startsWith('\x1b')) this.row -= Number(part.slice(2, -1))
      else if (part.endsWith('C') && part.startsWith('\x1b')) this.column += Number(part.slice(2, -1))
      else if (part === '\x1b[J') {
        this.rows.length = this.row + 1
        this.rows[this.row] = (this.rows[this.row] ?? '').slice(0, this.column)
      } else if (!part.startsWith('\x1b')) {
        const line = (this.rows[this.row] ?? '').padEnd(this.column)
        this.rows[this.row] = line.slice(0, this.column) + part + line.slice(this.column + part.length)
        this.column += part.length
      }
    }
  }
}

function given(columns = 20) {
  const screen = new Screen()
  let writes = 0
  const painter = new Painter((text) => {
    writes++
    screen.write(text)
  }, columns)
  return { screen, painter, writes: () => writes }
}

describe('the painter', () => {
  test('printed lines stay, live lines are painted over, and the cursor stands in the prompt', () => {
    const { screen, painter } = given()
    painter.paint(['one'], { lines: ['live', '> ab', '  cd'], cursor: { row: 1, column: 3 } }, 20)
    expect([screen.rows, screen.row, screen.column]).toEqual([['one', 'live', '> ab', '  cd'], 2, 3])
    painter.paint(['two'], { lines: ['> ', ''], cursor: { row: 0, column: 2 } }, 20)
    expect([screen.rows, screen.row, screen.column]).toEqual([['one', 'two', '> ', ''], 2, 2])
    painter.paint(['three', ''], { lines: [] }, 20)
    expect([screen.rows, screen.row]).toEqual([['one', 'two', 'three', '', ''], 4])
  })
  test('what has not changed is not written again', () => {
    const { painter, writes } = given()
    const view = { lines: ['a'], cursor: { row: 0, column: 1 } }
    painter.paint([], view, 20)
    painter.paint([], { ...view }, 20)
    expect(writes()).toBe(1)
  })
  test('clear leaves the printed lines alone', () => {
    const { screen, painter } = given()
    painter.paint(['one'], { lines: ['live', 'more'] }, 20)
    painter.clear(20)
    expect([screen.rows, screen.row, screen.column]).toEqual([['one', ''], 1, 0])
  })
  test('after the terminal has become narrow, folded lines are counted', () => {
    const { screen, painter } = given()
    painter.paint(['one'], { lines: ['0123456789abcde', '> x'], cursor: { row: 1, column: 3 } }, 20)
    // The terminal folds the first live line into two.
    screen.rows.splice(1, 1, '0123456789', 'abcde')
    screen.row++
    painter.paint([], { lines: ['new'] }, 10)
    expect(screen.rows).toEqual(['one', 'new'])
  })
})
