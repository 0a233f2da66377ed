// One line from a terminal: one that is not shown, for secrets, and one that is.
//   HI1. Nothing of a hidden one is written anywhere, not even its length.
//   HI2. The terminal is as it was before, however this ends.
import type { TerminalInput, TerminalOutput } from './context.ts'
import { QuietExit } from './failure.ts'

const [interrupt, endOfInput, backspace, deletion, eraseLine, escapeKey] = [
  '\u0003',
  '\u0004',
  '\b',
  '\u007f',
  '\u0015',
  '\u001b',
]

/** What was typed until Enter. Rejects with QuietExit at Ctrl-C, and when `signal` aborts. */
export const hiddenLine = (...how: Parameters<typeof lineFrom>): Promise<string> => typedLine(false, ...how)

/** The same, and it is seen. */
export const lineFrom = (
  input: TerminalInput,
  output: TerminalOutput,
  question: string,
  signal: AbortSignal,
): Promise<string> => typedLine(true, input, output, question, signal)

function typedLine(
  shown: boolean,
  input: TerminalInput,
  output: TerminalOutput,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  output.write(question)
  input.setEncoding('utf8')
  input.setRawMode?.(true)
  return new Promise<string>((resolve, reject) => {
    let line = ''
    const leave = () => {
      input.off('data', take)
      input.off('end', finish)
      signal.removeEventListener('abort', stop)
      input.setRawMode?.(false)
      input.pause()
      output.write('\n')
    }
    const finish = () => {
      leave()
      resolve(line)
    }
    const stop = () => {
      leave()
      reject(new QuietExit(130))
    }
    const take = (chunk: string) => {
      // A key that is no character (an arrow) is a sequence of its own.
      if (chunk.startsWith(escapeKey)) return
      for (const char of chunk) {
        if (char === interrupt) return stop()
        if (char === '\r' || char === '\n' || char === endOfInput) return finish()
        if (char === backspace || char === deletion) {
          if (shown && line !== '') output.write('\b \b')
          line = [...line].slice(0, -1).join('')
        } else if (char === eraseLine) line = ''
        else if (char >= ' ') {
          line += char
          if (shown) output.write(char)
        }
      }
    }
    input.on('data', take)
    input.on('end', finish)
    signal.addEventListener('abort', stop)
    input.resume()
  })
}
