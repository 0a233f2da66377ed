// One connection to one server: opened, asked what there is, called. It repeats nothing and decides nothing: what goes wrong is a value.
//   C1. Everything that is asked has an end in time, and ends when the connection does.
//   C2. What a server lists is read once, and again after it has said that it changed.
//   C4. While a person opens a page that the server wants to be opened, the connection is in use: over it the server says that they are
//       done. It is so until the server has said that, or the time to answer is over.
//   C3. A server asks a person only in the middle of a call, through that call (`elicit`).
//   C5. A question that comes a second time while it waits (a stream was resumed, and repeats it) has the answer of the first.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResultSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { ResolvedMcpServer } from '@reins/contracts'
import type { AskPerson } from '@reins/tools'
import { AskingCalls } from './calls/asking-calls.ts'
import { elicitedBy } from './calls/elicitation.ts'
import { type Failure, failureOf } from './failures.ts'
import { oneLine } from './foreign-text.ts'
import { limits } from './limits.ts'
import { type Listed, listedTools } from './listed-tools.ts'
import { isObject } from './tool-schema.ts'

export type Asked<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: Failure }

export interface CallOptions {
  readonly signal: AbortSignal
  readonly withinMs: number
  readonly progress: (text: string) => void
  /** Absent: nobody can be asked. */
  readonly elicit?: AskPerson | undefined
}

export interface ServerInfo {
  readonly name: string
  readonly version: string
  readonly protocol: string
  readonly transport: string
  readonly instructions: string | undefined
}

export type EndingTransport = Transport & {
  /** Why it is over; '' or absent while it is not, or where nobody knows. */
  readonly ended?: string
  /** The request in whose stream a request of the server came; absent, or undefined: nothing says it. */
  askedIn?(question: string | number): string | number | undefined
}

export class Connection {
  readonly server: ResolvedMcpServer
  readonly #client: Client
  readonly #transport: EndingTransport
  readonly #kind: string
  #protocol = ''
  readonly #calls = new Set<CallOptions>()
  readonly #asking = new AskingCalls<CallOptions>()
  /** Aborted with its end. */
  readonly #over = new WeakMap<CallOptions, AbortController>()
  /** Calls by the ids of their requests. */
  readonly #sent = new Map<string | number, CallOptions>()
  /** Whose request is being sent. */
  #sending: CallOptions | undefined
  /** Those that wait, by the server's ids of its requests. */
  readonly #questions = new Map<string | number, Promise<Record<string, unknown>>>()
  readonly #pages = new Map<string, NodeJS.Timeout>()
  readonly #shown = new WeakMap<CallOptions, number>()
  readonly #changed = new Set<() => void>()
  #listing: Promise<Asked<Listed>> | null = null
  #closed = false
  #onClosed: () => void = () => undefined
  readonly #completed = new Set<(elicitation: string) => void>()

  private constructor(server: ResolvedMcpServer, client: Client, transport: EndingTransport, kind: string) {
    this.server = server
    this.#client = client
    this.#transport = transport
    this.#kind = kind
  }

  /** Resolves within `signal`'s time. Whoever opens it closes it. `asks`: a person can be asked (C3), and the server is told so. */
  static async open(
    server: ResolvedMcpServer,
    transport: EndingTransport,
    kind: string,
    options: { readonly signal: AbortSignal; readonly withinMs: number; readonly asks: boolean },
  ): Promise<Asked<Connection>> {
    const { signal, withinMs, asks } = options
    const client = new Client(
      { name: 'reins', version: '0.1.0' },
      { capabilities: asks ? { elicitation: { form: { applyDefaults: true }, url: {} } } : {} },
    )
    const connection = new Connection(server, client, transport, kind)
    connection.#listen(asks)
    connection.#learnProtocol()
    connection.#learnIds()
    try {
      await ended(client.connect(transport, { signal, timeout: withinMs }), signal)
      return { kind: 'answered', value: connection }
    } catch (error) {
      void connection.close()
      return { kind: 'failed', failure: signal.aborted ? { kind: 'late' } : failureOf(error, false) }
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  get info(): ServerInfo {
    const about = this.#client.getServerVersion()
    return {
      name: oneLine(String(about?.name ?? ''), 100),
      version: oneLine(String(about?.version ?? ''), 50),
      protocol: this.#protocol,
      transport: this.#kind,
      instructions: this.#client.getInstructions(),
    }
  }

  /** Calls at this moment, or pages that people open (C4). */
  get busy(): boolean {
    return this.#calls.size > 0 || this.#pages.size > 0
  }

  /** C4. `ids` are the server's. */
  awaits(ids: readonly string[]): void {
    for (const id of ids.slice(0, limits.pagesAwaited - this.#pages.size)) {
      clearTimeout(this.#pages.get(id))
      const over = setTimeout(() => this.#pages.delete(id), Math.min(this.server.elicitMs, 2 ** 31 - 1))
      over.unref()
      this.#pages.set(id, over)
    }
  }

  onClosed(listener: () => void): void {
    this.#onClosed = listener
  }

  onChanged(listener: () => void): void {
    this.#changed.add(listener)
  }

  /** The server says that a person is done with a page that it wanted to be opened. */
  onElicitationCompleted(listener: (elicitation: string) => void): void {
    this.#completed.add(listener)
  }

  /** The client tells it to its transport, and to nobody else. */
  #learnProtocol(): void {
    const transport = this.#transport
    const tell = transport.setProtocolVersion?.bind(transport)
    transport.setProtocolVersion = (version) => {
      this.#protocol = oneLine(version, 50)
      tell?.(version)
    }
  }

  #listen(asks: boolean): void {
    const client = this.#client
    client.onerror = () => undefined
    client.onclose = () => {
      if (this.#closed) return
      this.#closed = true
      this.#onClosed()
    }
    const changed = async () => {
      this.#listing = null
      for (const tell of this.#changed) tell()
    }
    client.setNotificationHandler(ToolListChangedNotificationSchema, changed)
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => undefined)
    client.setNotificationHandler(PromptListChangedNotificationSchema, () => undefined)
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params: { level, data } }) => {
      // A line of a log names no call: where several run, nobody knows whose it is.
      const [only, ...others] = this.#calls
      if (only && others.length === 0 && this.#mayShow(only))
        only.progress(`[${oneLine(level, 20)}] ${oneLine(typeof data === 'string' ? data : JSON.stringify(data))}\n`)
    })
    client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params: { elicitationId } }) => {
      clearTimeout(this.#pages.get(elicitationId))
      this.#pages.delete(elicitationId)
      for (const tell of this.#completed) tell(elicitationId)
    })
    if (asks)
      client.setRequestHandler(ElicitRequestSchema, (request, { requestId, signal }) => {
        // C5.
        const known = this.#questions.get(requestId)
        if (known) return known
        const whose = async () => {
          const call = await this.#asking.asks(this.#askedIn(requestId), signal)
          return call && this.#asks(call)
        }
        const answer = elicitedBy(whose, this.server.name, request.params, signal).finally(() =>
          this.#questions.delete(requestId),
        )
        this.#questions.set(requestId, answer)
        return answer
      })
  }

  /** Lines of progress, and of logs, are counted together. */
  #mayShow(call: CallOptions): boolean {
    const lines = (this.#shown.get(call) ?? 0) + 1
    this.#shown.set(call, lines)
    return lines <= limits.progressLines
  }

  /** C3. Nobody is asked for a call that is over. */
  #asks(call: CallOptions): AskPerson | undefined {
    const { elicit } = call
    const over = this.#over.get(call)?.signal ?? AbortSignal.abort()
    return elicit
      ? async (question, signal) => {
          try {
            return await elicit(question, AbortSignal.any([signal, call.signal, over]))
          } finally {
            this.#asking.answered(call)
          }
        }
      : undefined
  }

  /** The call in whose stream a question came. */
  #askedIn(question: string | number): CallOptions | undefined {
    const request = this.#transport.askedIn?.(question)
    return request === undefined ? undefined : this.#sent.get(request)
  }

  /** The client gives each request its id, and sends it at once. */
  #learnIds(): void {
    const transport = this.#transport
    const send = transport.send.bind(transport)
    transport.send = (message, options) => {
      if (this.#sending && 'method' in message && 'id' in message) this.#sent.set(message.id, this.#sending)
      return send(message, options)
    }
  }

  /** C2. One for all who ask, within the server's time. */
  list(): Promise<Asked<Listed>> {
    this.#listing ??= this.#list(AbortSignal.timeout(this.server.connectMs)).then((listed) => {
      if (listed.kind === 'failed') this.#listing = null
      return listed
    })
    return this.#listing
  }

  async #list(signal: AbortSignal): Promise<Asked<Listed>> {
    const has = this.#client.getServerCapabilities() ?? {}
    const tools = has.tools ? await this.all('tools/list', 'tools', signal) : emptyList
    if (tools.kind === 'failed') return tools
    const listed = listedTools(this.server, {
      tools: tools.value.entries,
      resources: has.resources !== undefined,
      prompts: has.prompts !== undefined,
    })
    return { kind: 'answered', value: { ...listed, notes: [...tools.value.notes, ...listed.notes] } }
  }

  /** All entries of a list, page by page, bounded. */
  async all(
    method: string,
    key: string,
    signal: AbortSignal,
  ): Promise<Asked<{ readonly entries: readonly unknown[]; readonly notes: readonly string[] }>> {
    const entries: unknown[] = []
    const cursors = new Set<string>()
    let cursor: string | undefined
    for (let page = 1; ; page++) {
      const asked = await this.#ask(method, cursor === undefined ? {} : { cursor }, signal, this.server.connectMs)
      if (asked.kind === 'failed') return asked
      const found = asked.value[key]
      if (!Array.isArray(found)) return refused(`its answer to ${method} holds no list of ${key}`)
      entries.push(...found.slice(0, limits.entries - entries.length))
      const next = asked.value.nextCursor
      if (typeof next !== 'string' || next === '') return { kind: 'answered', value: { entries, notes: [] } }
      const why =
        entries.length >= limits.entries
          ? `more than ${limits.entries} entries`
          : page >= limits.pages
            ? `more than ${limits.pages} pages`
            : cursors.has(next)
              ? 'the same page again and again'
              : null
      if (why !== null)
        return { kind: 'answered', value: { entries, notes: [`The list of ${key} was cut: the server has ${why}.`] } }
      cursors.add(next)
      cursor = next
    }
  }

  /** One request of a call (C1). */
  async call(
    method: string,
    params: Readonly<Record<string, unknown>>,
    options: CallOptions,
  ): Promise<Asked<Record<string, unknown>>> {
    const over = new AbortController()
    this.#over.set(options, over)
    this.#calls.add(options)
    this.#asking.begin(options)
    try {
      this.#sending = options
      const asked = this.#ask(method, params, options.signal, options.withinMs, ({ progress, total, message }) => {
        if (!this.#mayShow(options)) return
        const share = total === undefined ? `${progress}` : `${progress}/${total}`
        options.progress(`${share}${message === undefined ? '' : ` ${oneLine(message)}`}\n`)
      })
      this.#sending = undefined
      return await asked
    } finally {
      this.#calls.delete(options)
      for (const [id, of] of this.#sent) if (of === options) this.#sent.delete(id)
      this.#asking.end(options)
      over.abort()
    }
  }

  async #ask(
    method: string,
    params: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    withinMs: number,
    onprogress?: (progress: { progress: number; total?: number | undefined; message?: string | undefined }) => void,
  ): Promise<Asked<Record<string, unknown>>> {
    const hasSession = this.#transport.sessionId !== undefined
    try {
      const timeout = Math.min(withinMs, 2 ** 31 - 1)
      const asked = this.#client.request({ method, params: { ...params } }, ResultSchema, {
        signal,
        timeout,
        ...(onprogress ? { onprogress } : {}),
      })
      const value: unknown = await ended(asked, signal)
      return isObject(value) ? { kind: 'answered', value } : refused('it answered with something that is no object')
    } catch (error) {
      return { kind: 'failed', failure: this.#said(failureOf(error, hasSession)) }
    }
  }

  /** A program that ended says better why than the connection to it does. */
  #said(failure: Failure): Failure {
    const { ended = '' } = this.#transport
    return failure.kind === 'lost' && ended !== '' ? { kind: 'lost', why: ended } : failure
  }

  /** At most a second. */
  async close(): Promise<void> {
    this.#closed = true
    for (const over of this.#pages.values()) clearTimeout(over)
    await Promise.race([
      this.#client.close().catch(() => undefined),
      new Promise((resolve) => setTimeout(resolve, 1_000).unref()),
    ])
    // What does not let itself be closed is not waited for.
    void this.#transport.close().catch(() => undefined)
  }
}

const emptyList = { kind: 'answered', value: { entries: [] as unknown[], notes: [] as string[] } } as const

const refused = (message: string): { readonly kind: 'failed'; readonly failure: Failure } => ({
  kind: 'failed',
  failure: { kind: 'refused', code: 0, message, data: undefined },
})

/** C1: what is waited for may not notice that it was stopped. */
function ended<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const stopped = () => reject(signal.reason)
    signal.addEventListener('abort', stopped, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stopped))
  })
}
