// One POST over a dispatcher of undici, and its answer as it arrives. By `dispatch`, the lowest of undici's doors: a call to a model
// is on the path of each turn, and the streams of `request` and `fetch` cost more than the call itself.
//   X1. Bytes reach the reader as they arrive; a slow reader slows the socket.
//   X2. An abort ends the call wherever it is: before the headers, or in the middle of the body.
//   X3. A body that was cut is an error of `read`, never a quiet end.
//   X4. Nothing heard for `idleMs`, also before the headers, is a SilenceError.
//   X6. What is not over after `wholeMs` is a FaultError, however busily it comes.
//   X5. No redirects and no retries: those are events of the session. Compressed bodies are asked not to come, and read if they do.
//   X7. A large body is let go when it has been written: a call may wait for minutes, and holds no history meanwhile.
import type { Dispatcher } from 'undici'
import { FaultError } from '../failure/failure.ts'
import { type Inflating, inflating } from './inflating.ts'
import { Patience, type Patient } from './patience.ts'

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
/** In bytes (X7). What is smaller goes out as one buffer, which costs less. */
const largeBody = 32 * 1024

export function exchange(dispatcher: Dispatcher, url: URL, post: Post): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (post.signal.aborted) return reject(abortError(post.signal))
    const exchanging = new Exchange(post, { resolve, reject })
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        ...sent(post),
        headersTimeout: post.idleMs,
        bodyTimeout: post.idleMs,
      },
      exchanging,
    )
  })
}

/** X7. */
function sent({ headers, body }: Post): Pick<Dispatcher.DispatchOptions, 'headers' | 'body'> {
  const identity = { 'accept-encoding': 'identity', ...headers }
  // Memory of its own: a part of the pool would hold 64 KB of it for as long as the call waits.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(body))
  bytes.write(body)
  if (bytes.byteLength < largeBody) return { headers: identity, body: bytes }
  const length = { 'content-length': String(bytes.byteLength) }
  return { headers: { ...identity, ...length }, body: new Once(bytes) as unknown as Uint8Array }
}

/** A body that is gone when it has been taken. */
class Once implements Iterable<Uint8Array> {
  #bytes: Uint8Array | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    const bytes = this.#bytes
    this.#bytes = undefined
    if (bytes) yield bytes
  }
}

interface Asked {
  resolve(reply: Reply): void
  reject(error: Error): void
}

/** One call. Thousands of them wait at once, so it is one object for all that undici and the signal tell. */
class Exchange implements Dispatcher.DispatchHandler, Patient {
  readonly #signal: AbortSignal
  readonly #idleMs: number
  readonly #wholeMs: number
  readonly #onAbort = (): void => this.#stop(abortError(this.#signal))
  readonly #late: Patience
  /** Until it is answered. */
  #asked: Asked | undefined
  #control: Dispatcher.DispatchController | undefined
  #body: Body | undefined

  constructor({ signal, idleMs, wholeMs }: Post, asked: Asked) {
    this.#signal = signal
    this.#idleMs = idleMs
    this.#asked = asked
    signal.addEventListener('abort', this.#onAbort, { once: true })
    this.#wholeMs = wholeMs
    this.#late = new Patience(wholeMs, this)
  }

  onRequestStart(control: Dispatcher.DispatchController): void {
    this.#control = control
    if (this.#signal.aborted) control.abort(abortError(this.#signal))
  }

  onResponseStart(control: Dispatcher.DispatchController, status: number, headers: ReplyHeaders): void {
    // 1xx: the answer itself is still to come.
    if (status < 200) return
    // The same once more, each a piece of the buffer that they came in.
    control.rawHeaders = null
    this.#body = new Body(status, headers, control)
    this.#asked?.resolve(this.#body)
    this.#asked = undefined
  }

  onResponseData(_control: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#body?.push(chunk)
  }

  onResponseEnd(): void {
    this.#over()
    this.#body?.end()
  }

  onResponseError(_control: Dispatcher.DispatchController, error: Error): void {
    this.#over()
    this.#fail(this.#signal.aborted ? abortError(this.#signal) : inWords(error, this.#idleMs, this.#body !== undefined))
  }

  late(): void {
    this.#stop(tooSlow(this.#wholeMs))
  }

  #stop(error: Error): void {
    this.#over()
    this.#control?.abort(error)
    this.#fail(error)
  }

  #fail(error: Error): void {
    this.#body?.fail(error)
    this.#asked?.reject(error)
    this.#asked = undefined
  }

  #over(): void {
    this.#late.clear()
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

const open = { kind: 'open' } as const

class Body implements Reply {
  readonly status: number
  readonly headers: ReplyHeaders
  readonly #controller: Dispatcher.DispatchController
  readonly #inflate: Inflating | undefined
  #chunks: Uint8Array[] = []
  #size = 0
  #state: { kind: 'open' | 'ended' | 'left' } | { kind: 'broken'; error: Error } = open
  #asked: { resolve(bytes: Uint8Array | undefined): void; reject(error: Error): void } | undefined
  #flow: Flow | undefined
  #paused = false
  #held = false

  constructor(status: number, headers: ReplyHeaders, controller: Dispatcher.DispatchController) {
    this.status = status
    this.headers = headers
    this.#controller = controller
    this.#inflate = inflating(headers['content-encoding'])
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
