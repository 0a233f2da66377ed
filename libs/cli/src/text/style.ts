// Colours and weights: SGR sequences, or nothing where the output is no terminal or colours are not wanted.
export type Paint = (text: string) => string

export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly italic: Paint
  readonly underline: Paint
  readonly strike: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly blue: Paint
  readonly magenta: Paint
  readonly cyan: Paint
}

const paint =
  (on: boolean, open: number, close: number): Paint =>
  (text) =>
    on && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text

export const makeStyle = (on: boolean): Style => ({
  bold: paint(on, 1, 22),
  dim: paint(on, 2, 22),
  italic: paint(on, 3, 23),
  underline: paint(on, 4, 24),
  strike: paint(on, 9, 29),
  red: paint(on, 31, 39),
  green: paint(on, 32, 39),
  yellow: paint(on, 33, 39),
  blue: paint(on, 34, 39),
  magenta: paint(on, 35, 39),
  cyan: paint(on, 36, 39),
})
