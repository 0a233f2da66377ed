// What is piped into a command, as one text.
import type { CliContext } from '../context.ts'

/** Ends with stdin, or early with the signal. */
export function readAll({ stdin }: Pick<CliContext, 'stdin'>, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const onData = (chunk: string) => {
      text += chunk
    }
    const end = () => {
      stdin.off('data', onData)
      stdin.off('end', end)
      signal.removeEventListener('abort', end)
      resolve(text)
    }
    stdin.setEncoding('utf8')
    stdin.on('data', onData)
    stdin.on('end', end)
    signal.addEventListener('abort', end, { once: true })
    stdin.resume()
  })
}
