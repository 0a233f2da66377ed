// The answer of one reply, read as it comes (V1 and V2 of converse.ts), and what is wrong with one that is none.
import type { ModelCompleted, ModelDelta, ModelFailed } from '@reins/contracts'
import { type Fault, FaultError, faultOf } from '../failure/failure.ts'
import { kindOf } from '../failure/recognise.ts'
import { header } from '../failure/retry-after.ts'
import { readable, saidInBody } from '../failure/said.ts'
import type { Flow, Reply } from '../http/exchange.ts'
import { Patience, type Patient } from '../http/patience.ts'
import { type Foreign, StreamDecoder, tooLargeText } from '../http/stream-decoder.ts'
import type { AnswerReader, Progress, Wire } from './converse.ts'
import type { Telling } from './guard.ts'

const afterwordMs = 1_000
const stallMs = 600_000
/** In characters: what is kept of words that are no answer. */
export const longestError = 256 * 1024

/** Why it is not whole. */
export interface Broken {
  readonly fault: unknown
}

/** An answer while it comes. What reads it is made with its first bytes: thousands of calls wait for theirs. */
export class Coming implements Flow, Patient {
  readonly reply: Reply
  readonly strays = new Strays()
  size = 0
  /** More than empty values. */
  said = false
  /** Comments, heartbeats and events without a word keep a connection alive; they do not keep an answer alive for ever. */
  stalled = false
  readonly #telling: Telling
  readonly #most: number
  readonly #newReader: () => AnswerReader
  #reader: AnswerReader | undefined
  #decoder: StreamDecoder | undefined
  #over: ((broken: Broken | undefined) => void) | undefined
  #afterword: Patience | undefined
  readonly #stall: Patience

  constructor(reply: Reply, newReader: () => AnswerReader, most: number, telling: Telling) {
    this.reply = reply
    this.#newReader = newReader
    this.#most = most
    this.#telling = telling
    this.#stall = new Patience(stallMs, this)
  }

  get reader(): AnswerReader {
    this.#reader ??= this.#newReader()
    return this.#reader
  }

  get progress(): Progress {
    return this.#reader?.progress ?? 'open'
  }

  late(): void {
    this.stalled = true
    this.reply.leave()
  }

  tell(event: ModelDelta | ModelCompleted | ModelFailed): void {
    this.#telling.tell(event)
  }

  /** Resolves when no more of it is wanted, or is there: with what broke it off. */
  over(): Promise<Broken | undefined> {
    return new Promise((resolve) => {
      this.#over = resolve
      this.reply.flow(this)
    })
  }

  /** What the end of the body completes; gives what is wrong with it. */
  rest(): Broken | undefined {
    try {
      if (this.progress !== 'over' && this.#decoder) this.#read(this.#decoder.end())
      return undefined
    } catch (fault) {
      return { fault }
    }
  }

  leave(): void {
    this.#stall.clear()
    this.#afterword?.clear()
    this.reply.leave()
  }

  data(bytes: Uint8Array): void {
    if (!this.#over) return
    try {
      this.size += bytes.byteLength
      if (this.size > this.#most) throw new FaultError({ kind: 'endless', message: tooMuch(this.#most) })
      this.#decoder ??= new StreamDecoder(header(this.reply.headers, 'content-type') ?? '')
      this.#read(this.#decoder.push(bytes))
    } catch (error) {
      this.failed(error)
      return
    }
    if (this.progress === 'over') {
      this.end()
      return
    }
    if (this.progress === 'said') this.#afterword ??= new Patience(afterwordMs, { late: () => this.end() })
    const room = this.#telling.room()
    if (!room) return
    this.reply.hold()
    void room.then(() => this.reply.goOn())
  }

  end(): void {
    this.#over?.(undefined)
    this.#over = undefined
  }

  failed(fault: unknown): void {
    this.#over?.({ fault })
    this.#over = undefined
  }

  #read(values: readonly Foreign[]): void {
    const { reader } = this
    let told = false
    for (const value of values) {
      if (value.kind === 'json' && isEmpty(value.value) && value.name !== 'error') continue
      this.said = true
      for (const delta of take(value, reader, this.strays)) {
        this.#telling.tell(delta)
        told = true
      }
      if (this.progress === 'over') break
    }
    if (!told) return
    this.#stall.refresh()
    // It goes on all the same.
    this.#afterword?.clear()
    this.#afterword = undefined
  }
}

/** What came of it when it is over. undefined: the outcome has been told. */
export function readAnswer(
  coming: Coming,
  broken: Broken | undefined,
  unmarked: Wire['unmarkedEnd'],
  signal: AbortSignal,
  helped: (reader: AnswerReader) => void,
): Fault | undefined {
  const { reply, strays } = coming
  const fault = broken ?? coming.rest()
  coming.leave()
  if (fault) {
    // V1: what breaks off behind its end is whole, also where the server says that something went wrong then.
    const given = faultOf(fault.fault)
    if (coming.progress === 'open' || signal.aborted || given.kind === 'endless') {
      const placed = misplaced(given, reply, coming.reader)
      return placed.headers === undefined ? { ...placed, headers: reply.headers } : placed
    }
  }
  const { reader, progress, size, said } = coming
  if (progress === 'open' && coming.stalled)
    return { message: `nothing but signs of life came for ${stallMs / 60_000} minutes` }
  const streamed = size > 0 && /event-stream/i.test(header(reply.headers, 'content-type') ?? '')
  // A stream that ends before its first word was cut off on its way; nothing at all is what the server gave.
  if (progress === 'open' && !said && !streamed)
    return {
      kind: 'no-answer',
      status: reply.status,
      message: size === 0 ? 'an empty body came' : 'an empty value came',
    }
  if (progress === 'open') {
    const ends = reader.begun && strays.all === '' ? unmarked : undefined
    if (ends === 'doubtful') return { kind: 'unmarked-end', message: neverOver }
    if (ends === undefined) return cutOff(reply, reader, strays)
  }
  if (strays.lost !== '') return { kind: 'garbled', message: `a part of the answer is no JSON: ${strays.lost}` }
  const { deltas, outcome } = reader.end()
  helped(reader)
  for (const delta of deltas) coming.tell(delta)
  coming.tell(outcome)
  return undefined
}

const neverOver =
  'the answer ended, and the server did not say that it is over (by a finish_reason, or by [DONE]): it may be half of one'

const tooMuch = (most: number): string =>
  `the server sent more than ${Math.round(most / 1024 / 1024)} MB for one answer and was cut off`

function isEmpty(value: Record<string, unknown>): boolean {
  for (const _ in value) return false
  return true
}

/** What came and is no JSON. */
class Strays {
  /** Between the events of an answer: perhaps a part of it. */
  lost = ''
  all = ''

  add(text: string, idle: boolean): void {
    if (this.all.length < longestError) this.all += `${this.all === '' ? '' : ' '}${text}`
    if (!idle && this.lost === '') this.lost = text.slice(0, 300)
  }
}

function take(value: Foreign, reader: AnswerReader, strays: Strays): readonly ModelDelta[] {
  switch (value.kind) {
    case 'json':
      return reader.read(value.value, value.name)
    case 'done':
      reader.done()
      return []
    case 'text':
      if (value.name !== undefined && /error/i.test(value.name)) {
        if (value.text === tooLargeText) throw new FaultError({ kind: 'endless', message: tooLargeText })
        const { words, retryAfterMs } = saidInBody(value.text)
        throw new FaultError({ message: readable(value.text), words, retryAfterMs })
      }
      if (reader.progress === 'open') strays.add(value.text, value.idle)
      return []
    default:
      return value satisfies never
  }
}

/** An error with the status of success, in the place of an answer: what is not known to pass is not tried again. */
function misplaced(fault: Fault, { headers }: Reply, { begun }: AnswerReader): Fault {
  const streamed = /event-stream/i.test(header(headers, 'content-type') ?? '')
  if (begun || streamed || fault.kind !== undefined || fault.status !== undefined) return fault
  return kindOf(fault) === 'server-error' ? { ...fault, kind: 'not-understood' } : fault
}

/** V2, with what the server said instead of the rest. */
function cutOff({ status, headers }: Reply, reader: AnswerReader, { all }: Strays): Fault {
  const cut = 'the answer was cut off before its end'
  // JSON that did not come to its end says nothing.
  if (all === '' || /^[[{]/.test(all)) {
    const unknown = [...reader.ignored].slice(0, 5).join(', ')
    const whole = /\bjson\b/i.test(header(headers, 'content-type') ?? '') && all === ''
    if (!reader.begun && unknown === '' && whole)
      return { kind: 'no-answer', status, message: 'what came is JSON in which there is no answer' }
    if (reader.begun || unknown === '') return { headers, message: cut }
    return { kind: 'not-understood', message: `what came is no answer of this form: ${unknown}` }
  }
  const { message, words, retryAfterMs } = saidInBody(all)
  if (reader.begun) return { headers, words, retryAfterMs, message: `${cut}: ${message}` }
  if (/<(!doctype|html|head|body)\b/i.test(all))
    return { kind: 'wrong-address', status, message: `a web page came instead of an answer: ${message}` }
  // Whoever speaks of a limit or a load in plain text is understood; anything else is no model server's answer.
  const kind = kindOf({ message, words })
  const said = `what came is no answer: ${message}`
  return { headers, words, retryAfterMs, kind: kind === 'server-error' ? 'not-understood' : kind, message: said }
}
