// What code in a host finds changed of Node, so that a slip of one call costs that call alone. It is no boundary: the sandbox is.
import { Writable } from 'node:stream'

/** Takes from code what would end the process, and gives it to the host. */
export function keepAlive(): (code: number) => void {
  const exit = (process as typeof process & { reallyExit(code: number): void }).reallyExit.bind(process)
  for (const name of ['exit', 'reallyExit', 'abort', 'kill'])
    Object.defineProperty(process, name, {
      value: () => {
        throw new Error(`process.${name} is not there for a tool: return a result, or throw an error`)
      },
    })
  return exit
}

/** What is printed, by console or on stdout and stderr. */
export function captureOutput(printed: (text: string) => void): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = new Writable({
      decodeStrings: false,
      write(chunk: string | Buffer, _, done) {
        printed(typeof chunk === 'string' ? chunk : chunk.toString('utf8'))
        done()
      },
    })
    Object.defineProperty(process, name, { value: stream })
  }
}
