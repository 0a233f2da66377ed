// The part of a source map that people look for: lines of their own files. What packages take would be larger than most bundles.
//   SM1. Where code of a package follows, a segment without a source ends what stands before: else its places would be told as lines of
//        the file before it.
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const values = new Map([...digits].map((digit, value) => [digit, value]))

interface SourceMap {
  readonly version: 3
  readonly sources: readonly string[]
  readonly mappings: string
}

/** A map (version 3) of the sources that `keep` lets through, without names and contents. */
export function mapOf(text: string, keep: (source: string) => boolean): SourceMap {
  const { sources, mappings } = JSON.parse(text) as SourceMap
  const kept = sources.filter(keep)
  const indexes = sources.map((source) => kept.indexOf(source))
  const before = { source: 0, line: 0, column: 0 }
  const written = { source: 0, line: 0, column: 0 }
  let inKept = false
  const lines = mappings.split(';').map((segments) => {
    let column = 0
    let last = 0
    const out: string[] = []
    for (const segment of segments === '' ? [] : segments.split(',')) {
      const [generated = 0, source, line = 0, original = 0] = decode(segment)
      column += generated
      if (source !== undefined) {
        before.source += source
        before.line += line
        before.column += original
      }
      const index = source === undefined ? -1 : (indexes[before.source] ?? -1)
      if (index < 0) {
        if (inKept) {
          out.push(encode(column - last)) // SM1
          last = column
        }
        inKept = false
        continue
      }
      inKept = true
      out.push(
        [column - last, index - written.source, before.line - written.line, before.column - written.column]
          .map(encode)
          .join(''),
      )
      last = column
      Object.assign(written, before, { source: index })
    }
    return out.join(',')
  })
  return { version: 3, sources: kept, mappings: lines.join(';').replace(/;+$/, '') }
}

/** Base 64 VLQ: the lowest bit is the sign, the highest of each digit says that more follow. */
function decode(segment: string): number[] {
  const numbers: number[] = []
  let value = 0
  let shift = 0
  for (const digit of segment) {
    const bits = values.get(digit) ?? 0
    value += (bits & 31) << shift
    shift += 5
    if (bits & 32) continue
    numbers.push(value & 1 ? -(value >> 1) : value >> 1)
    value = 0
    shift = 0
  }
  return numbers
}

function encode(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1
  let text = ''
  do {
    const bits = rest & 31
    rest >>= 5
    text += digits[rest > 0 ? bits | 32 : bits]
  } while (rest > 0)
  return text
}
