// `reins agent start NAME --plain`: the chat as plain lines, for terminals that cannot be painted on, for screen readers and for scripts.
//   PC1. The session is made at the start, and its id is the second line.
//   PC2. Ctrl-C cancels the turn; where nothing runs it says how to leave. A second one in the same turn leaves.
//   PC3. Enter alone decides about no tool call. A page is opened only after a yes, and its address is always said.
import { type AgentEvent, type ApprovalAsked, type ElicitationAsked, isLastEvent } from '@reins/client'
import type { AnswerElicitation, Budget, DecideApproval, SessionInfo } from '@reins/contracts'
import { answer, decide, goOn, sayMore, type Talk, tell } from '@reins/serving'
import { wouldRun } from '../../approvals/would-run.ts'
import type { ReinsClient } from '../../client-port.ts'
import type { CliContext } from '../../context.ts'
import { filledIn, formFields } from '../../elicitations/form-fields.ts'
import { webPage } from '../../elicitations/web-page.ts'
import { asTyped, exitCodes, explainFailure, failureText } from '../../failure.ts'
import { type ImageFile, imageIn } from '../../images/image-files.ts'
import { imageAsked, pathMeant } from '../../images/image-paths.ts'
import { neutralise, oneLine } from '../../text/neutralise.ts'
import { makeStyle } from '../../text/style.ts'
import { LineReader } from './line-reader.ts'
import { PlainOutput } from './plain-output.ts'

export interface PlainChatOptions {
  readonly client: ReinsClient
  readonly context: CliContext
  readonly agent: string
  readonly server: string
  /** Go on with this one. */
  readonly session?: SessionInfo
  /** Of a new one. */
  readonly budget?: Budget
  /** Ctrl-C goes to the listener alone, until the returned function is called. */
  onInterrupt(listener: () => void): () => void
  readonly signal: AbortSignal
}

const help = `/help      list the commands
/session   print the id of this session
/image     /image screen.png shows that image with your next message; /image none takes back what goes with it
/quit      leave; the session stays
Ctrl+D leaves too. Ctrl+C cancels the current turn.`

/** ms for which the server may be away in the middle of a turn. */
const awayMs = 600_000
const plain = makeStyle(false)

/** Talks until the person leaves; gives the exit code. Rejects where the session cannot be made. */
export async function runPlainChat(options: PlainChatOptions): Promise<number> {
  const { client, agent, budget } = options
  const session =
    options.session ?? (await client.sessions.create({ agent, ...(budget === undefined ? {} : { budget }) })).session
  using lines = new LineReader(options.context.stdin)
  return await new PlainChat(options, session, lines).run()
}

class PlainChat {
  readonly #options: PlainChatOptions
  readonly #info: SessionInfo
  readonly #lines: LineReader
  readonly #out: PlainOutput
  readonly #left = new AbortController()
  /** Of the current turn. */
  #cancelled = false
  /** A page was opened, and its server has not gone on yet. */
  #page = new AbortController()
  #code: number | undefined
  /** With the next message. */
  #images: readonly ImageFile[] = []
  readonly #unavailable = new Set<string>()

  constructor(options: PlainChatOptions, info: SessionInfo, lines: LineReader) {
    this.#options = options
    this.#info = info
    this.#lines = lines
    this.#out = new PlainOutput((text) => void options.context.stdout.write(text))
  }

  get #session(): string {
    return this.#info.id
  }

  async run(): Promise<number> {
    const { agent, onInterrupt, signal } = this.#options
    const forget = onInterrupt(() => this.#interrupt())
    const leave = () => this.#leave(exitCodes.interrupted)
    signal.addEventListener('abort', leave, { once: true })
    this.#out.line(`Reins Agent — ${oneLine(agent)}`)
    this.#out.line(`Session: ${this.#session}`) // PC1
    this.#out.line('Type /help for commands, Ctrl+D to exit.\n')
    await this.#sayOff()
    try {
      const { status, cursor } = this.#info
      // What was begun before is told first: it may wait for this person.
      if (cursor !== undefined && (status === 'running' || status === 'waiting'))
        await this.#turn(() => goOn(this.#options.client, this.#session, { agent, after: cursor }))
      while (this.#code === undefined) await this.#next()
      return this.#code
    } finally {
      forget()
      signal.removeEventListener('abort', leave)
      this.#left.abort()
      this.#out.line(`\nSession: ${this.#session}`)
    }
  }

  async #next(): Promise<void> {
    this.#out.prompt('> ')
    const line = await this.#lines.next(this.#left.signal)
    if (line.kind === 'end') return this.#leave(exitCodes.ok)
    if (line.kind === 'dropped') return this.#leave(exitCodes.interrupted)
    if (line.kind === 'interrupt') return this.#out.line('\nType /quit or Ctrl+D to exit.')
    const text = this.#typed(line.text)
    if (text === '') return
    if (text === '/quit' || text === '/exit') return this.#leave(exitCodes.ok)
    if (text === '/help') return this.#out.line(`${help}\n`)
    if (text === '/session') return this.#out.line(`${this.#session}\n`)
    const asked = imageAsked(text)
    if (asked !== undefined) return this.#image(asked)
    const { client, agent } = this.#options
    const images = this.#images.map(({ image }) => image)
    this.#images = []
    await this.#turn(() => sayMore(client, this.#session, { agent, message: text, images }))
    await this.#sayUnavailable()
  }

  async #image(asked: string): Promise<void> {
    const { context } = this.#options
    try {
      if (asked === 'none') this.#images = []
      else if (asked !== '')
        this.#images = [...this.#images, await imageIn(context, pathMeant(asked, context.env.home), this.#images)]
    } catch (error) {
      this.#fail(error)
    }
    const files = this.#images.map(({ file }) => oneLine(file))
    this.#out.line(`With your next message: ${files.length === 0 ? 'no image' : files.join(', ')}\n`)
  }

  /** Why tools are never called: said here, because nothing that the agent does says it. */
  async #sayOff(): Promise<void> {
    const { client, agent } = this.#options
    // Whoever may start an agent need not be allowed to read its definition.
    const found = await client.agents.get(agent).catch(() => undefined)
    if (found?.definition.approval_mode === 'never')
      this.#out.line('Tools are off for this agent: its definition says approval_mode: never.\n')
  }

  /** Each server once. */
  async #sayUnavailable(): Promise<void> {
    if (this.#code !== undefined) return
    const { servers = [] } = await this.#options.client.sessions.get(this.#session).catch(() => this.#info)
    for (const { server, status, reason = '' } of servers) {
      if (status === 'ready' || this.#unavailable.has(server)) continue
      this.#unavailable.add(server)
      this.#out.line(`The MCP server ${oneLine(server)} is not available: ${oneLine(reason)}\n`)
    }
  }

  /** A terminal has shown it already; of a pipe it is shown here, so that what is printed can be read. */
  #typed(text: string): string {
    if (this.#options.context.stdin.isTTY !== true) this.#out.line(neutralise(text))
    return text.trim()
  }

  #leave(code: number): void {
    this.#code ??= code
    this.#left.abort()
  }

  /** PC2. */
  #interrupt(): void {
    if (this.#lines.interrupt()) return
    if (this.#cancelled) this.#leave(exitCodes.interrupted)
    else void this.#cancel()
  }

  async #cancel(): Promise<void> {
    this.#cancelled = true
    await this.#options.client.sessions.cancel(this.#session).catch((error: unknown) => this.#fail(error))
  }

  #fail(error: unknown): void {
    const { context } = this.#options
    this.#out.line(asTyped(failureText(explainFailure(error)), context.env.typed))
  }

  /** To the end of the turn, with all that it asks on the way. */
  async #turn(begin: () => Promise<Talk>): Promise<void> {
    const { client, server } = this.#options
    this.#cancelled = false
    let next: (() => Promise<Talk>) | undefined = begin
    while (next) {
      let talk: Talk
      try {
        talk = await next()
      } catch (error) {
        this.#fail(error)
        if (explainFailure(error).code === 'session_ended') this.#leave(exitCodes.failed)
        return
      }
      next = undefined
      const never = new AbortController().signal
      const told = tell(talk, { client, server, awayMs, left: this.#left.signal, closing: never })
      for await (const { event, cursor } of told) {
        this.#page.abort()
        this.#out.show(event)
        if (isLastEvent(event)) next = await this.#after(event, cursor)
      }
    }
  }

  /** What goes on after an event that is the last one for now; undefined: the turn is over. */
  async #after(event: AgentEvent, cursor: string): Promise<(() => Promise<Talk>) | undefined> {
    if (event.kind === 'session_end') this.#leave(event.reason === 'error' ? exitCodes.failed : exitCodes.ok)
    if (event.kind === 'approval') return this.#approve(event, cursor)
    if (event.kind === 'elicitation') return this.#elicit(event, cursor)
    return undefined
  }

  /** PC3. */
  async #approve(asked: ApprovalAsked, cursor: string): Promise<(() => Promise<Talk>) | undefined> {
    const { client, agent } = this.#options
    const shown = wouldRun({ name: asked.name, arguments: asked.args }, plain)
    this.#out.line(`${oneLine(asked.name)} waits for your approval: ${oneLine(asked.reason ?? '')}`)
    for (const line of shown) this.#out.line(`  ${line}`)
    const on = (decision: DecideApproval) => () =>
      decide(client, asked.session ?? this.#session, { agent, call: asked.call_id, decision, after: cursor }).catch(
        (error: unknown) => this.#goOnAfter(error, cursor),
      )
    for (;;) {
      const typed = await this.#ask('a approves, A approves each such call of this session, d denies: ')
      if (typed === undefined) return this.#stopped(cursor)
      if (typed === 'a') return on({ verdict: 'approved' })
      if (typed === 'A') return on({ verdict: 'approved', scope: 'tool' })
      if (typed !== 'd') continue
      const reason = await this.#ask('Why not? ')
      if (reason === undefined) return this.#stopped(cursor)
      return on({ verdict: 'denied', ...(reason === '' ? {} : { reason }) })
    }
  }

  /** Somebody else may have decided or answered meanwhile. */
  #goOnAfter(error: unknown, cursor: string): Promise<Talk> {
    this.#fail(error)
    return goOn(this.#options.client, this.#session, { agent: this.#options.agent, after: cursor })
  }

  /** The question was not answered: the turn is cancelled, and what comes of that is told. */
  async #stopped(cursor: string): Promise<(() => Promise<Talk>) | undefined> {
    if (this.#code !== undefined) return undefined
    await this.#cancel()
    return () => goOn(this.#options.client, this.#session, { agent: this.#options.agent, after: cursor })
  }

  async #elicit(asked: ElicitationAsked, cursor: string): Promise<(() => Promise<Talk>) | undefined> {
    const { client, agent } = this.#options
    const session = asked.session ?? this.#session
    this.#out.line(`[${oneLine(asked.server_name)}] ${neutralise(asked.message)}`)
    const given = asked.mode === 'form' ? await this.#fill(asked) : await this.#open(asked, session)
    if (given === undefined) return undefined
    return () =>
      answer(client, session, { agent, elicitation: asked.elicitation_id, given, after: cursor }).catch(
        (error: unknown) => this.#goOnAfter(error, cursor),
      )
  }

  /** undefined: the person has left. */
  async #open(
    { url = '', elicitation_id: id }: ElicitationAsked,
    session: string,
  ): Promise<AnswerElicitation | undefined> {
    this.#out.line(neutralise(url))
    if (!webPage(url)) {
      this.#out.line('This is not the address of a web page, so it is declined.')
      return { action: 'decline' }
    }
    const typed = await this.#question('Open browser to authorize? [Y/n] ')
    if (typed !== 'yes') return typed && { action: typed === 'no' ? 'decline' : 'cancel' }
    const opened = await this.#options.context.openPage?.(url).catch(() => false)
    if (!opened) this.#out.line('There is no browser here. Open the address yourself.')
    this.#out.line('Press Enter when you are done there, if the server does not say so by itself.')
    void this.#doneBy(session, id)
    return { action: 'accept' }
  }

  /** Enter says that the page is done; a server that says so itself is quicker. */
  async #doneBy(session: string, elicitation: string): Promise<void> {
    this.#page = new AbortController()
    const line = await this.#lines.next(AbortSignal.any([this.#page.signal, this.#left.signal]))
    if (line.kind === 'interrupt') return this.#interrupt()
    if (line.kind === 'end') return this.#leave(exitCodes.ok)
    if (line.kind !== 'line') return
    if (line.text.trim() !== '') return this.#lines.unread(line.text)
    const done = { action: 'accept', completed: true } as const
    await this.#options.client.elicitations.answer(session, elicitation, done).catch(() => undefined)
  }

  async #fill({ schema }: ElicitationAsked): Promise<AnswerElicitation | undefined> {
    const typed = await this.#question('Fill in the form? [Y/n] ')
    if (typed !== 'yes') return typed && { action: typed === 'no' ? 'decline' : 'cancel' }
    const given: Record<string, string> = {}
    for (const { name, hint, required, preset } of formFields(schema)) {
      const kind = [hint, required ? 'required' : '', preset === undefined ? '' : `default ${oneLine(preset)}`]
      const value = await this.#ask(`${oneLine(name)} (${kind.filter((one) => one !== '').join(', ')}): `)
      if (value === undefined) return this.#code === undefined ? { action: 'cancel' } : undefined
      const filled = value === '' ? (preset ?? '') : value
      if (filled !== '' || required) given[name] = filled
    }
    return { action: 'accept', content: filledIn(schema, given) }
  }

  /** undefined: the person has left. Ctrl-C is `cancel`. */
  async #question(prompt: string): Promise<'yes' | 'no' | 'cancel' | undefined> {
    for (;;) {
      const typed = await this.#ask(prompt)
      if (typed === undefined) return this.#code === undefined ? 'cancel' : undefined
      if (/^(y|yes)?$/i.test(typed)) return 'yes'
      if (/^(n|no)$/i.test(typed)) return 'no'
    }
  }

  /** undefined: Ctrl-C, or the person has left. */
  async #ask(prompt: string): Promise<string | undefined> {
    this.#out.prompt(prompt)
    const line = await this.#lines.next(this.#left.signal)
    if (line.kind === 'line') return this.#typed(line.text)
    this.#out.line('')
    if (line.kind === 'end') this.#leave(exitCodes.ok)
    return undefined
  }
}
