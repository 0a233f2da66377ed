// One POST over a dispatcher of undici, and its answer as it arrives. By `dispatch`, the lowest of undici's doors: a call to a model
// is on the path of each turn, and the streams of `request` and `fetch` cost more than the call itself.
//   X1. Bytes reach the reader as they arrive; a slow reader slows the socket.
//   X2. An abort ends the call wherever it is: before the headers, or in the middle of the body.
//   X3. A body that was cut is an error of `read`, never a quiet end.
//   X4. Nothing heard for `idleMs`, also before the headers, is a SilenceError.
//   X6. What is not over after `wholeMs` is a FaultError, however busily it comes.
//   X5. No redirects and no retries: those are events of the session. Compressed bodies are asked not to come, and read if they do.
import type { Dispatcher } from 'undici'
import { FaultError } from '../failure/failure.ts'
import { type Inflating, inflating } from './inflating.ts'
import { patience } from './patience.ts'

export type ReplyHeaders = Readonly<Record<string, string | string[] | undefined>>

export interface Reply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReplyHeaders
  /** What has arrived; undefined at the end of the body; throws where it broke off. */
  read(): Promise<Uint8Array | undefined>
  /** Instead of `read`: what arrives is handed over in that moment, what is there already at once. Once. */
  flow(into: Flow): void
  /** The socket is not read until `goOn`. */
  hold(): void
  goOn(): void
  /** The rest is of no use: it is read for a moment, so that the connection can be kept, and then cut. */
  leave(): void
}

/** Takes a body as it arrives. It never throws; after `end` or `failed` nothing comes. */
export interface Flow {
  data(bytes: Uint8Array): void
  end(): void
  failed(error: Error): void
}

export interface Post {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
  readonly idleMs: number
  readonly wholeMs: number
}

export class SilenceError extends Error {
  override readonly name = 'SilenceError'
}

const leaveWithinMs = 1_000
const highWater = 1024 * 1024

export function exchange(dispatcher: Dispatcher, url: URL, post: Post): Promise<Reply> {
  const { signal, idleMs, wholeMs } = post
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal))
    let control: Dispatcher.DispatchController | undefined
    let body: Body | undefined
    const stop = (error: Error): void => {
      over()
      control?.abort(error)
      body?.fail(error)
      reject(error)
    }
    const onAbort = (): void => stop(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    const late = patience(wholeMs, () => stop(tooSlow(wholeMs)))
    const over = (): void => {
      late.clear()
      signal.removeEventListener('abort', onAbort)
    }
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        headers: { 'accept-encoding': 'identity', ...post.headers },
        body: post.body,
        headersTimeout: idleMs,
        bodyTimeout: idleMs,
      },
      {
        onRequestStart(controller) {
          control = controller
          if (signal.aborted) controller.abort(abortError(signal))
        },
        onResponseStart(controller, status, headers) {
          // 1xx: the answer itself is still to come.
          if (status < 200) return
          body = new Body(controller, inflating(headers['content-encoding']))
          const given = body
          resolve({
            status,
            headers,
            read: () => given.read(),
            flow: (into) => given.flow(into),
            hold: () => given.hold(),
            goOn: () => given.goOn(),
            leave: () => given.leave(),
          })
        },
        onResponseData(_controller, chunk) {
          body?.push(chunk)
        },
        onResponseEnd() {
          over()
          body?.end()
        },
        onResponseError(_controller, error) {
          over()
          const said = signal.aborted ? abortError(signal) : inWords(error, idleMs, body !== undefined)
          body?.fail(said)
          reject(said)
        },
      },
    )
  })
}

class Body {
  readonly #controller: Dispatcher.DispatchController
  readonly #inflate: Inflating | undefined
  #chunks: Uint8Array[] = []
  #size = 0
  #state: { kind: 'open' | 'ended' | 'left' } | { kind: 'broken'; error: Error } = { kind: 'open' }
  #asked: { resolve(bytes: Uint8Array | undefined): void; reject(error: Error): void } | undefined
  #flow: Flow | undefined
  #paused = false
  #held = false

  constructor(controller: Dispatcher.DispatchController, inflate: Inflating | undefined) {
    this.#controller = controller
    this.#inflate = inflate
  }

  push(chunk: Uint8Array): void {
    if (this.#state.kind !== 'open') return
    if (!this.#inflate) return void this.#take(chunk)
    this.#inflate.push(
      chunk,
      (part) => this.#take(part),
      (error) => this.fail(error),
    )
  }

  end(): void {
    const finish = (): void => {
      if (this.#state.kind === 'open') this.#state = { kind: 'ended' }
      this.#answer()
    }
    if (this.#inflate) this.#inflate.end(finish)
    else finish()
  }

  fail(error: Error): void {
    if (this.#state.kind === 'open') this.#state = { kind: 'broken', error }
    this.#answer()
  }

  read(): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject }
      this.#answer()
    })
  }

  flow(into: Flow): void {
    this.#flow = into
    this.#answer()
  }

  hold(): void {
    if (this.#held || this.#state.kind !== 'open') return
    this.#held = true
    if (!this.#paused) this.#controller.pause()
  }

  goOn(): void {
    if (!this.#held) return
    this.#held = false
    if (!this.#paused && this.#state.kind !== 'broken') this.#controller.resume()
    this.#answer()
  }

  leave(): void {
    if (this.#state.kind !== 'open') return
    this.#state = { kind: 'left' }
    this.#chunks = []
    this.#size = 0
    this.#inflate?.close()
    this.#answer()
    if (this.#paused || this.#held) this.#controller.resume()
    setTimeout(() => this.#controller.abort(new Error('the rest of the answer is of no use')), leaveWithinMs).unref()
  }

  #take(chunk: Uint8Array): void {
    if (chunk.byteLength === 0 || this.#state.kind !== 'open') return
    if (this.#flow && !this.#held && this.#size === 0) return void this.#flow.data(chunk)
    this.#chunks.push(chunk)
    this.#size += chunk.byteLength
    if (this.#size > highWater && !this.#paused) {
      this.#paused = true
      if (!this.#held) this.#controller.pause()
    }
    this.#answer()
  }

  #drain(): Uint8Array {
    const [first] = this.#chunks
    const all = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#size = 0
    if (this.#paused) {
      this.#paused = false
      this.#controller.resume()
    }
    return all
  }

  /** Whoever reads gets what there is, if there is something. */
  #answer(): void {
    if (this.#flow) return void this.#flowOn(this.#flow)
    const asked = this.#asked
    if (!asked || (this.#size === 0 && this.#state.kind === 'open')) return
    this.#asked = undefined
    if (this.#size > 0) asked.resolve(this.#drain())
    else if (this.#state.kind === 'broken') asked.reject(this.#state.error)
    else asked.resolve(undefined)
  }

  #flowOn(into: Flow): void {
    if (this.#held && this.#state.kind === 'open') return
    if (this.#size > 0) into.data(this.#drain())
    if (this.#state.kind === 'open' || this.#size > 0) return
    this.#flow = undefined
    if (this.#state.kind === 'broken') into.failed(this.#state.error)
    else into.end()
  }
}

function tooSlow(wholeMs: number): Error {
  const time = wholeMs >= 120_000 ? `${Math.round(wholeMs / 60_000)} minutes` : `${Math.round(wholeMs / 1000)} s`
  const message = `the answer was not over after ${time} and was cut off`
  return new FaultError({ kind: 'too-slow', message })
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('This operation was aborted', 'AbortError')
}

/** What undici says, in words for a person. */
function inWords(error: Error, idleMs: number, begun: boolean): Error {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new SilenceError(`nothing arrived for ${Math.round(idleMs / 1000)} s`)
  // What the client says of an interim answer that it did not ask for, and cannot read on behind.
  if (code === 'UND_ERR_SOCKET' && error.message === 'bad response')
    return new FaultError({ kind: 'no-answer', message: 'the server sent "100 Continue", for which nobody asked' })
  if (begun && (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE' || code.startsWith('HPE_')))
    return new Error('the connection broke in the middle of the answer', { cause: error })
  return error
}
