// One call of a model over HTTP, the same for every wire form: ask, read the answer as it comes, and say what came of it.
//   V1. An answer is over when it says so, not when the connection ends. Where more may follow what says so (counts of tokens
//       stand behind it), that is waited for a moment only.
//   V2. An answer that breaks off before it said that it is over is failed{network}. Where its body came to a proper end all the same,
//       and this model has said of no answer that it is over, it may be that its server never does: that is tried once more only.
//   V3. A refusal that names a known difference is learnt from, and the call is made again (differences.ts), as long as nothing
//       of an answer has been told, and never twice in the same form. What has led to an answer is remembered.
import type { JsonObject, ModelCompleted, ModelDelta, ModelFailed, ModelProvider, ModelRequest } from '@reins/contracts'
import { type Fault, FaultError, failed, faultOf, faultOfReply, type Subject } from '../failure/failure.ts'
import { kindOf } from '../failure/recognise.ts'
import { header } from '../failure/retry-after.ts'
import { readable, saidInBody } from '../failure/said.ts'
import { filled } from '../history/result-media.ts'
import type { Reply } from '../http/exchange.ts'
import { type Patience, patience } from '../http/patience.ts'
import { type Foreign, StreamDecoder, tooLargeText } from '../http/stream-decoder.ts'
import type { Transport } from '../http/transport.ts'
import { type Lesson, learnt, type Manner, Manners, type Shown } from './differences.ts'
import { guard, type Telling } from './guard.ts'
import { askedByTool, ResultToolReader } from './result-tool.ts'
import { shortTools } from './short-tools.ts'

/** `open`: more must come; `said`: it is over, and something may follow; `over`: nothing does. */
export type Progress = 'open' | 'said' | 'over'

/** One answer, read event by event. A FaultError out of `read` is the answer's failure. */
export interface AnswerReader {
  readonly progress: Progress
  /** Whether something of an answer has been told. */
  readonly begun: boolean
  /** What it sent that no schema knows. */
  readonly ignored: ReadonlySet<string>
  /** How this model answers, where the answer shows it; asked behind `end`. */
  readonly shown?: Shown | undefined
  read(value: Record<string, unknown>, name: string | undefined): readonly ModelDelta[]
  /** `[DONE]`. */
  done(): void
  /** The last deltas and the outcome; once it is `said` or `over`, or its body has come to the end that counts as its own. */
  end(): { readonly deltas: readonly ModelDelta[]; readonly outcome: ModelCompleted | ModelFailed }
}

/** What one provider's wire form is. */
export interface Wire {
  readonly name: string
  readonly baseUrl: string
  readonly keyEnv?: string | undefined
  readonly secrets: readonly string[]
  readonly transport: Transport
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  contextWindow(model: string): number
  /** What an answer is whose body ends properly, and that did not say that it is over (V2). Absent: it was cut off. */
  readonly unmarkedEnd?: 'doubtful' | 'whole'
  /** Whether its form holds a model to this schema; absent: to any. */
  readonly takesSchema?: (schema: JsonObject) => boolean
  /** JSON. */
  encode(request: ModelRequest, manner: Manner): string
  reader(request: ModelRequest, subject: Subject, manner: Manner): AnswerReader
}

const afterwordMs = 1_000
const stallMs = 600_000
const errorWithinMs = 10_000
const longestError = 256 * 1024
/** What the bytes of one answer may be: some, and a good deal for each token that was asked for. */
const answerBytes = 64 * 1024 * 1024
const bytesOfToken = 2 * 1024

export function createProvider(wire: Wire): ModelProvider {
  const manners = new Manners()
  return {
    name: wire.name,
    contextWindow: (model) => wire.contextWindow(model),
    stream(request, signal) {
      const { name: provider, baseUrl, keyEnv, secrets } = wire
      const subject: Subject = { provider, model: request.model, baseUrl, keyEnv, secrets }
      return guard((telling) => converse(wire, manners, request, subject, signal, telling), subject, signal)
    },
  }
}

async function converse(
  wire: Wire,
  manners: Manners,
  request: ModelRequest,
  subject: Subject,
  signal: AbortSignal,
  telling: Telling,
): Promise<void> {
  let manner: Manner = manners.of(request.model)
  const lessons: Lesson[] = []
  // V3: what has helped is remembered.
  const helped = ({ shown, progress }: AnswerReader): void => {
    manners.remember(request.model, lessons)
    if (shown) manners.note(request.model, shown)
    if (wire.unmarkedEnd && progress !== 'open') manners.note(request.model, { name: 'marks-ends', value: 1 })
  }
  const unmarked = manner.has('marks-ends') ? undefined : wire.unmarkedEnd
  for (let form = formOf(wire, request, manner); ; ) {
    const accept = form.asked.stream ? 'text/event-stream' : 'application/json'
    const trace = request.traceparent === undefined ? {} : { traceparent: request.traceparent }
    const headers = { 'content-type': 'application/json', accept, ...trace, ...wire.headers }
    const reply = await wire.transport.post(wire.url, { headers, body: form.body, signal, stream: form.asked.stream })
    telling.onLeft(() => reply.leave())
    const read = wire.reader(form.asked, subject, manner)
    const reader = form.resultTool === undefined ? read : new ResultToolReader(read, form.resultTool)
    let fault: Fault
    if (reply.status >= 200 && reply.status < 300 && reply.status !== 204 && reply.status !== 205) {
      const most = answerBytes + form.asked.maxTokens * bytesOfToken
      const failure = await readAnswer(reply, reader, signal, helped, { most, unmarked }, telling)
      if (failure === undefined) return
      fault = failure
    } else {
      fault = faultOfReply(reply.status, reply.headers, await textOf(reply))
    }
    if (telling.left) return
    const refused = form.body
    while (form.body === refused) {
      const lesson = reader.begun ? undefined : learnt(fault, refused, manner, request.maxTokens)
      if (lesson === undefined) return telling.tell(failed(fault, subject))
      manner = new Map(manner).set(lesson.name, lesson.value)
      form = formOf(wire, request, manner)
      if (form.body !== refused) lessons.push(lesson)
    }
  }
}

interface Form {
  readonly asked: ModelRequest
  readonly body: string
  /** The tool by which the answer is given; undefined: it is not. */
  readonly resultTool: string | undefined
}

function formOf(wire: Wire, request: ModelRequest, manner: Manner): Form {
  const byTool = askedByTool(request, manner, wire.takesSchema)
  const told = byTool?.request ?? request
  const wanted = manner.has('short-descriptions') ? { ...told, tools: shortTools(told.tools) } : told
  const asked = wanted.stream && manner.has('whole-answers') ? { ...wanted, stream: false } : wanted
  return { asked, body: filled(wire.encode(asked, manner), request.media), resultTool: byTool?.tool }
}

interface Expected {
  /** Bytes. */
  readonly most: number
  readonly unmarked: Wire['unmarkedEnd']
}

/** undefined: the outcome has been told. */
async function readAnswer(
  reply: Reply,
  reader: AnswerReader,
  signal: AbortSignal,
  helped: (reader: AnswerReader) => void,
  { most, unmarked }: Expected,
  telling: Telling,
): Promise<Fault | undefined> {
  const decoder = new StreamDecoder(header(reply.headers, 'content-type') ?? '')
  const strays = new Strays()
  const ended = Promise.withResolvers<void>()
  let size = 0
  /** More than empty values. */
  let said = false
  let afterword: Patience | undefined
  // Comments, heartbeats and events without a word keep a connection alive; they do not keep an answer alive for ever.
  let stalled = false
  const stall = patience(stallMs, () => {
    stalled = true
    reply.leave()
  })
  const read = (values: readonly Foreign[]): void => {
    let told = false
    for (const value of values) {
      if (value.kind === 'json' && isEmpty(value.value)) continue
      said = true
      for (const delta of take(value, reader, strays)) {
        telling.tell(delta)
        told = true
      }
      if (progressOf(reader) === 'over') break
    }
    if (!told) return
    stall.refresh()
    // It goes on all the same.
    afterword?.clear()
    afterword = undefined
  }
  let over = false
  const end = (fault?: unknown): void => {
    over = true
    if (fault === undefined) ended.resolve()
    else ended.reject(fault)
  }
  try {
    reply.flow({
      data(bytes) {
        if (over) return
        try {
          size += bytes.byteLength
          if (size > most) throw new FaultError({ kind: 'endless', message: tooMuch(most) })
          read(decoder.push(bytes))
        } catch (error) {
          return end(error)
        }
        if (reader.progress === 'over') return end()
        if (reader.progress === 'said') afterword ??= patience(afterwordMs, () => end())
        const room = telling.room()
        if (!room) return
        reply.hold()
        void room.then(() => reply.goOn())
      },
      end: () => end(),
      failed: end,
    })
    await ended.promise
    if (reader.progress !== 'over') read(decoder.end())
  } catch (error) {
    // V1: what breaks off behind its end is whole, also where the server says that something went wrong then.
    const given = faultOf(error)
    if (reader.progress === 'open' || signal.aborted || given.kind === 'endless') {
      const fault = misplaced(given, reply, reader)
      return fault.headers === undefined ? { ...fault, headers: reply.headers } : fault
    }
  } finally {
    stall.clear()
    afterword?.clear()
    reply.leave()
  }
  if (reader.progress === 'open' && stalled)
    return { message: `nothing but signs of life came for ${stallMs / 60_000} minutes` }
  const streamed = size > 0 && /event-stream/i.test(header(reply.headers, 'content-type') ?? '')
  // A stream that ends before its first word was cut off on its way; nothing at all is what the server gave.
  if (reader.progress === 'open' && !said && !streamed)
    return {
      kind: 'no-answer',
      status: reply.status,
      message: size === 0 ? 'an empty body came' : 'an empty value came',
    }
  if (reader.progress === 'open') {
    const ends = reader.begun && strays.all === '' ? unmarked : undefined
    if (ends === 'doubtful') return { kind: 'unmarked-end', message: neverOver }
    if (ends === undefined) return cutOff(reply, reader, strays)
  }
  if (strays.lost !== '') return { kind: 'garbled', message: `a part of the answer is no JSON: ${strays.lost}` }
  const { deltas, outcome } = reader.end()
  helped(reader)
  for (const delta of deltas) telling.tell(delta)
  telling.tell(outcome)
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

/** It changes with every read. */
const progressOf = (reader: AnswerReader): Progress => reader.progress

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

interface Deadline {
  readonly passed: Promise<undefined>
  clear(): void
}

function deadline(ms: number): Deadline {
  let timer: ReturnType<typeof setTimeout> | undefined
  const passed = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  return { passed, clear: () => clearTimeout(timer) }
}

/** What has come of an error's body when it ends, is long enough, or its time is over: some servers never end it. */
async function textOf(reply: Reply): Promise<string> {
  const decoder = new TextDecoder()
  const late = deadline(errorWithinMs)
  let text = ''
  try {
    for (;;) {
      const bytes = await Promise.race([reply.read(), late.passed])
      if (bytes === undefined) break
      text += decoder.decode(bytes, { stream: true })
      if (text.length > longestError) break
    }
  } catch {
    // The status has said enough.
  } finally {
    late.clear()
    reply.leave()
  }
  return text
}
