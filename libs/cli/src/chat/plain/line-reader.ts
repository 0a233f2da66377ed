// Lines from a terminal that edits them itself, or from a pipe.
//   LR1. Lines that come before somebody asks for one wait in order.
//   LR2. Who waits for a line also learns of Ctrl-C and of the end of the input.
import type { CliContext } from '../../context.ts'

export type Line =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'end' }
  | { readonly kind: 'dropped' }

export class LineReader implements Disposable {
  readonly #stdin: CliContext['stdin']
  readonly #lines: string[] = []
  #rest = ''
  #ended = false
  #waiting: ((line: Line) => void) | undefined

  constructor(stdin: CliContext['stdin']) {
    this.#stdin = stdin
    stdin.setEncoding('utf8')
    stdin.on('data', this.#onData)
    stdin.on('end', this.#onEnd)
    stdin.resume()
  }

  /** One asks at a time. `dropped`: the signal was aborted, and no line is lost by it. */
  next(signal?: AbortSignal): Promise<Line> {
    const text = this.#lines.shift()
    if (text !== undefined) return Promise.resolve({ kind: 'line', text })
    if (this.#ended) return Promise.resolve({ kind: 'end' })
    return new Promise((resolve) => {
      const drop = () => this.#settle({ kind: 'dropped' })
      this.#waiting = (line) => {
        signal?.removeEventListener('abort', drop)
        resolve(line)
      }
      if (signal?.aborted) drop()
      signal?.addEventListener('abort', drop, { once: true })
    })
  }

  /** It was taken by somebody who has no use for it: the next one gets it. */
  unread(text: string): void {
    if (!this.#settle({ kind: 'line', text })) this.#lines.unshift(text)
  }

  /** Whether somebody waited for a line, and was told. */
  interrupt(): boolean {
    return this.#settle({ kind: 'interrupt' })
  }

  [Symbol.dispose](): void {
    this.#stdin.off('data', this.#onData)
    this.#stdin.off('end', this.#onEnd)
    this.#stdin.pause()
  }

  readonly #onData = (chunk: string): void => {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#take(line.replace(/\r$/, ''))
  }

  readonly #onEnd = (): void => {
    if (this.#rest !== '') this.#take(this.#rest)
    this.#rest = ''
    this.#ended = true
    this.#settle({ kind: 'end' })
  }

  #take(text: string): void {
    if (!this.#settle({ kind: 'line', text })) this.#lines.push(text)
  }

  #settle(line: Line): boolean {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(line)
    return waiting !== undefined
  }
}
