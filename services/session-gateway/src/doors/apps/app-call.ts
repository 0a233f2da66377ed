// One request to a project's app, as the host asks for what belongs to it. See libs/code-host/src/messages.ts for the words.
//   AC1. What the host asks for is checked: it is the word of the project's code, which gets what belongs to this request and no more.
//   AC2. An app has `answerMs` of its own to begin its answer. While the gateway works for it (a turn that is waited for) the time stands.
//   AC4. What the gateway has made for a request is bounded in number, and its texts in size; of what moves bodies, a few may wait at once.
//   AC5. What it asks for is done by its project as that is now: nothing for one that was deleted, and what waits ends with it.
//   AC3. Nothing is written to the client before the app said so.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { ProjectEntry } from '@reins/contracts'
import { nothingToRedact, type Redactor } from '@reins/secrets'
import { Type } from 'typebox'
import type { Credential, Leases } from '../../access/leases.ts'
import { asReinsError } from '../../api/errors.ts'
import { checker } from '../http/check.ts'
import type { AgentDoor } from './agent-door.ts'
import { callerOffered, notOffered, stillOffered } from './as-offered.ts'
import { appCaller, type Asked, readAsked } from './asked.ts'
import { faultAnswer, type GatewayAnswer, piecesOf } from './bodies.ts'
import { dispatched } from './dispatches.ts'
import { fault, faultOf } from './faults.ts'
import type { Registered } from './projects-here.ts'
import { serveRoute } from './routes.ts'
import type { RunDoor } from './run-door.ts'

const pieceBytes = 256 * 1024
const mostAsked = 64
/** AC4. */
const mostMade = 64
const mostMadeChars = 16_000_000
/** Of all headers of an answer: more than a client of HTTP takes. */
const mostHeadChars = 64 * 1024
/** What moves bodies. */
const moves: ReadonlySet<string> = new Set(['body', 'chunk', 'read'])

const FetchHead = checker(
  Type.Object({
    status: Type.Integer({ minimum: 200, maximum: 599 }),
    headers: Type.Array(Type.Tuple([Type.String(), Type.String()]), { maxItems: 500 }),
    passed: Type.Optional(Type.Integer({ minimum: 1 })),
    body: Type.Boolean(),
  }),
  'answer of the app',
)
const ofRun = checker(Type.Object({ id: Type.String({ maxLength: 200 }) }), 'request of the app')
const read = checker(Type.Object({ body: Type.Integer({ minimum: 1 }) }), 'request of the app')

export type AnswerHead = ReturnType<typeof FetchHead.parse>

/** Where the answer goes. */
export interface AnswerTo {
  /** `passed`: its body, which the gateway made itself. */
  head(head: AnswerHead, passed: GatewayAnswer['body'] | undefined): void
  /** Resolves when there is room for the next one. */
  chunk(bytes: Buffer): Promise<void>
}

export interface AppCallParts {
  readonly door: AgentDoor
  readonly runs: RunDoor
  readonly registry: Pick<Registered, 'project'>
  readonly leases: Pick<Leases<Credential>, 'hold'>
  readonly now: () => number
  readonly answerMs: number
  /** Masks what the app gives to agents by itself: it knows secrets. */
  readonly redactor?: Pick<Redactor, 'json'>
}

interface Made {
  readonly answer: GatewayAnswer
  pieces: AsyncIterator<string> | undefined
}

export class AppCall {
  readonly #parts: AppCallParts
  readonly #project: ProjectEntry
  readonly #to: AnswerTo
  readonly #signal: AbortSignal
  readonly #late: AbortController
  readonly #ended = new AbortController()
  readonly #made = new Map<number, Made>()
  readonly #body: AsyncIterator<Buffer>
  #rest = Buffer.alloc(0)
  #began = false
  #working = 0
  /** AC4. */
  #moving = 0
  #madeChars = 0
  #timer: NodeJS.Timeout | undefined

  /** `signal`: aborted when the client is gone. */
  constructor(parts: AppCallParts, project: ProjectEntry, request: IncomingMessage, to: AnswerTo, signal: AbortSignal) {
    this.#parts = parts
    this.#project = project
    this.#to = to
    this.#late = new AbortController()
    this.#signal = AbortSignal.any([signal, this.#late.signal, this.#ended.signal])
    this.#body = request[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#wind()
  }

  /** Of the call in the host: also when it has taken too long. */
  get signal(): AbortSignal {
    return this.#signal
  }
  get late(): boolean {
    return this.#late.signal.aborted
  }
  /** AC5. */
  get ended(): boolean {
    return this.#ended.signal.aborted
  }
  get began(): boolean {
    return this.#began
  }

  /** AC1. What the host asked. A rejection's message goes to the code. */
  async ask(what: string, value: unknown): Promise<unknown> {
    this.#signal.throwIfAborted()
    if (what === 'head') return this.#head(value)
    if (moves.has(what)) return this.#move(what, value)
    this.#working += 1
    this.#wind()
    try {
      if (this.#working > mostAsked) throw new Error(`one request may ask for ${mostAsked} things at once`)
      if (what === 'serve') return await this.#serve(readAsked(value))
      if (what === 'dispatch') return await this.#dispatch(value)
      if (what === 'run-owner') {
        const { id } = ofRun.parse(value)
        const project = this.#projectNow()
        return (await this.#parts.runs.ownerOf(project, appCaller(project, undefined), id)) ?? null
      }
      throw new Error(`a request has nothing to ask for by "${what.slice(0, 50)}"`)
    } finally {
      this.#working -= 1
      this.#wind()
    }
  }

  /** AC4. */
  async #move(what: string, value: unknown): Promise<unknown> {
    if (this.#moving >= mostAsked) throw new Error(`one request may ask for ${mostAsked} pieces at once`)
    this.#moving += 1
    try {
      if (what === 'body') return await this.#nextOfBody()
      if (what === 'read') return await this.#read(value)
      if (!this.#began || typeof value !== 'string') throw new Error('a piece of an answer comes behind its head')
      await this.#to.chunk(Buffer.from(value, 'base64'))
      return null
    } finally {
      this.#moving -= 1
    }
  }

  async #dispatch(value: unknown): Promise<unknown> {
    const { door, now, redactor = nothingToRedact } = this.#parts
    return dispatched(door, appCaller(this.#projectNow(), undefined), redactor.json(value), now())
  }

  /** AC5. */
  end(): void {
    this.#ended.abort(notOffered())
  }

  /** AC5. Throws project_not_found. */
  #projectNow(): ProjectEntry {
    const project = this.#parts.registry.project(this.#project.name)
    if (!project) throw notOffered()
    return project
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const { pieces } of this.#made.values()) void pieces?.return?.()
  }

  /** AC2. */
  #wind(): void {
    clearTimeout(this.#timer)
    if (this.#began || this.#working > 0) return
    this.#timer = setTimeout(() => this.#late.abort(new Error('the app took too long')), this.#parts.answerMs).unref()
  }

  async #nextOfBody(): Promise<string | null> {
    if (this.#rest.length === 0) {
      const { done, value } = await this.#body.next()
      if (done) return null
      this.#rest = value as Buffer<ArrayBuffer>
    }
    const piece = this.#rest.subarray(0, pieceBytes)
    this.#rest = this.#rest.subarray(pieceBytes)
    return piece.toString('base64')
  }

  async #serve(asked: Asked): Promise<unknown> {
    if (this.#made.size + this.#working > mostMade || this.#madeChars > mostMadeChars)
      throw new Error(`one request may have the gateway answer ${mostMade} times, and with ${mostMadeChars} characters`)
    let answer: GatewayAnswer
    let letGo: (() => void) | undefined
    try {
      const { registry, leases } = this.#parts
      const project = this.#projectNow()
      const caller = callerOffered(registry, project, asked, asked.principal)
      const over = new AbortController()
      letGo = leases.hold(caller.credential, (why) => over.abort(why), stillOffered(caller)) // AC5
      answer = await serveRoute(this.#parts, project, caller, asked, AbortSignal.any([this.#signal, over.signal]))
    } catch (error) {
      this.#signal.throwIfAborted()
      answer = faultAnswer(faultOf(asReinsError(error)))
    } finally {
      letGo?.()
    }
    if (answer.body.kind === 'text') this.#madeChars += answer.body.text.length
    const number = this.#made.size + 1
    this.#made.set(number, { answer, pieces: undefined })
    return { status: answer.status, headers: answer.headers, body: number }
  }

  async #read(value: unknown): Promise<string | null> {
    const made = this.#made.get(read.parse(value).body)
    if (!made) throw new Error('there is no such body')
    made.pieces ??= piecesOf(made.answer.body)
    const next = await made.pieces.next()
    return next.done ? null : Buffer.from(next.value).toString('base64')
  }

  #head(value: unknown): null {
    if (this.#began) throw new Error('a request is answered once')
    const head = FetchHead.parse(value)
    if (head.headers.flat().reduce((sum, text) => sum + text.length, 0) > mostHeadChars)
      throw new Error(`the headers of an answer may have ${mostHeadChars} characters in all`)
    const made = head.passed === undefined ? undefined : this.#made.get(head.passed)
    if (head.passed !== undefined && (!made || made.pieces)) throw new Error('there is no such body')
    this.#began = true
    this.#wind()
    this.#to.head(head, made?.answer.body)
    return null
  }
}

/** What the client is told when the app's code did not come to an answer. */
export function unanswered(call: AppCall, why: 'error' | 'lost' | 'not-run', message: string) {
  if (call.ended) return faultOf(notOffered())
  if (call.late) return fault(504, 'app_timeout', 'The app did not answer in time, and the request went no further.')
  if (why === 'lost') return fault(502, 'app_crashed', 'The process in which the app answered this request ended.')
  if (why === 'not-run') return fault(503, 'runtime_unavailable', `The app cannot be run: ${message}.`)
  return fault(500, 'internal_error', 'The app failed before it answered.')
}

export const drained = (stream: NodeJS.WritableStream & NodeJS.EventEmitter, signal: AbortSignal): Promise<unknown> =>
  once(stream, 'drain', { signal })
