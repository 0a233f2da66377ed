// One line from a terminal that is not shown: for secrets.
//   HI1. Nothing of it is written anywhere, not even its length.
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
export function hiddenLine(
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
        if (char === backspace || char === deletion) line = [...line].slice(0, -1).join('')
        else if (char === eraseLine) line = ''
        else if (char >= ' ') line += char
      }
    }
    input.on('data', take)
    input.on('end', finish)
    signal.addEventListener('abort', stop)
    input.resume()
  })
}
