// One call of a model over HTTP, the same for every wire form: ask, read the answer as it comes, and say what came of it.
//   V1. An answer is over when it says so, not when the connection ends. Where more may follow what says so (counts of tokens
//       stand behind it), that is waited for a moment only.
//   V2. An answer that breaks off before it said that it is over is failed{network}. Where its body came to a proper end all the same,
//       and this model has said of no answer that it is over, it may be that its server never does: that is tried once more only.
//   V3. A refusal that names a known difference is learnt from, and the call is made again (differences.ts), as long as nothing
//       of an answer has been told, and never twice in the same form, nor for ever. What has led to an answer is remembered.
import type { JsonObject, ModelCompleted, ModelDelta, ModelFailed, ModelProvider, ModelRequest } from '@reins/contracts'
import { type Fault, failed, faultOfReply, type Subject } from '../failure/failure.ts'
import { filled } from '../history/result-media.ts'
import type { Reply } from '../http/exchange.ts'
import type { Transport } from '../http/transport.ts'
import { type Lesson, learnt, type Manner, Manners, type Shown } from './differences.ts'
import { guard, type Telling } from './guard.ts'
import { Coming, longestError, readAnswer } from './read-answer.ts'
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

/** How often one call learns of the same difference: a server may name a smaller limit each time. */
const mostOfOne = 3
const errorWithinMs = 10_000
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
  const taught: Lesson['name'][] = []
  // V3: what has helped is remembered.
  const helped = ({ shown, progress }: AnswerReader): void => {
    manners.remember(request.model, lessons)
    if (shown) manners.note(request.model, shown)
    if (wire.unmarkedEnd && progress !== 'open') manners.note(request.model, { name: 'marks-ends', value: 1 })
  }
  const unmarked = manner.has('marks-ends') ? undefined : wire.unmarkedEnd
  for (let form = formOf(wire, request, manner); ; ) {
    const reply = await ask(wire, form, manner, request, signal)
    telling.onLeft(() => reply.leave())
    let begun = false
    let fault: Fault
    if (reply.status >= 200 && reply.status < 300 && reply.status !== 204 && reply.status !== 205) {
      const most = answerBytes + form.asked.maxTokens * bytesOfToken
      const coming = new Coming(reply, readerOf(wire, form, subject, manner), most, telling)
      const failure = readAnswer(coming, await coming.over(), unmarked, signal, helped)
      if (failure === undefined) return
      fault = failure
      begun = coming.reader.begun
    } else {
      fault = faultOfReply(reply.status, reply.headers, await textOf(reply))
    }
    if (telling.left) return
    const refused = bodyOf(wire, form, manner, request)
    for (let body = refused; body === refused; ) {
      const lesson = begun ? undefined : learnt(fault, refused, manner, request.maxTokens)
      if (lesson) taught.push(lesson.name)
      if (lesson === undefined || taught.filter((name) => name === lesson.name).length > mostOfOne)
        return telling.tell(failed(fault, subject))
      manner = new Map(manner).set(lesson.name, lesson.value)
      form = formOf(wire, request, manner)
      body = bodyOf(wire, form, manner, request)
      if (body !== refused) lessons.push(lesson)
    }
  }
}

interface Form {
  readonly asked: ModelRequest
  /** The tool by which the answer is given; undefined: it is not. */
  readonly resultTool: string | undefined
}

function formOf(wire: Wire, request: ModelRequest, manner: Manner): Form {
  const byTool = askedByTool(request, manner, wire.takesSchema)
  const told = byTool?.request ?? request
  const wanted = manner.has('short-descriptions') ? { ...told, tools: shortTools(told.tools) } : told
  const asked = wanted.stream && manner.has('whole-answers') ? { ...wanted, stream: false } : wanted
  return { asked, resultTool: byTool?.tool }
}

/** Made anew where it is needed again: a call that waits keeps none. */
const bodyOf = (wire: Wire, { asked }: Form, manner: Manner, { media }: ModelRequest): string =>
  filled(wire.encode(asked, manner), media)

/** No async function: such a one would keep what it has sent for as long as it waits. */
function ask(wire: Wire, form: Form, manner: Manner, request: ModelRequest, signal: AbortSignal): Promise<Reply> {
  const { stream } = form.asked
  const accept = stream ? 'text/event-stream' : 'application/json'
  const trace = request.traceparent === undefined ? {} : { traceparent: request.traceparent }
  const headers = { 'content-type': 'application/json', accept, ...trace, ...wire.headers }
  return wire.transport.post(wire.url, { headers, body: bodyOf(wire, form, manner, request), signal, stream })
}

const readerOf =
  (wire: Wire, { asked, resultTool }: Form, subject: Subject, manner: Manner) =>
  (): AnswerReader => {
    const read = wire.reader(asked, subject, manner)
    return resultTool === undefined ? read : new ResultToolReader(read, resultTool)
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
