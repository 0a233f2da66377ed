// The chat in the terminal: keys and stream items in, paint out. The deciding is in transcript, line-editor, screen and live-view.
//   H1. The stream is what is shown: a message appears when its turn begins, not when it was typed.
//   H2. A session is made with the first message: leaving before leaves nothing behind.
//   H3. Leaving ends nothing: a turn goes on at the server, and the last line says how to come back.
import { type Budget, parseBudget, rootOf } from '@reins/contracts'
import {
  approvalsBelow,
  follow,
  followTeam,
  memberFor,
  newTranscript,
  noTeam,
  noticesOf,
  type Piece,
  questionsBelow,
  type Team,
  type Transcript,
} from '@reins/transcript'
import type { ControlVerb, FollowItem, ReinsClient } from '../client-port.ts'
import type { CliContext } from '../context.ts'
import { asTyped, exitCodes, explainFailure, failureText } from '../failure.ts'
import { wrap } from '../text/cells.ts'
import { budgetLines } from '../text/budget-lines.ts'
import { makeStyle, type Style } from '../text/style.ts'
import type { ImageFile } from '../images/image-files.ts'
import { budgetAsked, commandHelp, slashCommand } from './typing/commands.ts'
import { ImageDesk } from './typing/image-desk.ts'
import type { History } from './typing/history-file.ts'
import type { Key } from './typing/keys.ts'
import { ApprovalDesk } from './deciding/approval-desk.ts'
import { type Editor, edit, editorText, newEditor, withText } from './typing/line-editor.ts'
import { liveView } from './painting/live-view.ts'
import { Outbox } from './outbox.ts'
import { readPast } from './transcript/past.ts'
import { QuestionDesk } from './deciding/question-desk.ts'
import { ChatScreen } from './painting/screen.ts'
import { openTerminal, type Terminal } from './painting/terminal.ts'
import { endedLines, type TeamView } from './team/team-lines.ts'

/** A session of an instance, by its names. */
export interface InstanceAddress {
  readonly instance: string
  readonly session: string
}

export interface ChatOptions {
  readonly client: ReinsClient
  readonly context: CliContext
  readonly style: Style
  readonly history: History
  readonly agent: string
  readonly model?: string
  /** Go on with this one. */
  readonly session?: string
  /** Whom the first message makes, where there is no session yet. */
  readonly instance?: InstanceAddress
  /** Of a new one. */
  readonly budget?: Budget
  readonly signal: AbortSignal
}

const noSession = 'There is no session yet. It begins with your first message.'

interface OwnMessage {
  readonly text: string
  readonly images: readonly ImageFile[]
}

/** What a second Ctrl-C would do. */
type Armed = 'nothing' | 'leave-turn' | 'leave'

/** Talks until the person leaves; gives the exit code. Rejects where the session cannot be read at all. */
export async function runChat(options: ChatOptions): Promise<number> {
  const entries = await options.history.load()
  return new Chat(options, entries).run()
}

/** ms after which whoever waits is told that nobody serves the session. */
const hintAfterMs = 4_000

class Chat {
  readonly #options: ChatOptions
  readonly #screen: ChatScreen
  readonly #outbox: Outbox<OwnMessage>
  readonly #images: ImageDesk
  readonly #desk: QuestionDesk
  readonly #approvals: ApprovalDesk
  readonly #stop = new AbortController()
  readonly #left = Promise.withResolvers<number>()
  #terminal: Terminal | undefined
  #transcript: Transcript = newTranscript
  #team: Team = noTeam
  /** Delegations show their whole branches. */
  #open = false
  #editor: Editor
  #session: string | undefined
  #printed: string[] = []
  #sending: readonly string[] = []
  #streamLost = false
  #serverAway = false
  #hint: string | undefined
  #armed: Armed = 'nothing'
  #painting = false
  /** The person is in their editor: the terminal is not ours. */
  #away = false

  constructor(options: ChatOptions, entries: readonly string[]) {
    this.#options = options
    this.#screen = new ChatScreen(options.style, { top: false })
    this.#editor = newEditor(entries)
    this.#session = options.session
    const { context } = options
    const around = {
      ...{ client: options.client, context },
      session: () => this.#session,
      typed: () => editorText(this.#editor),
      retype: (text: string) => {
        this.#editor = withText(this.#editor, text)
      },
      note: (text: string) => {
        this.#note(this.#typed(text))
        this.#paintSoon()
      },
      fail: (error: unknown) => this.#fail(error),
    }
    this.#desk = new QuestionDesk(around)
    this.#images = new ImageDesk({
      ...around,
      type: (text) => {
        this.#editor = edit(this.#editor, { kind: 'paste', text }).editor
      },
      changed: () => this.#paintSoon(),
    })
    this.#approvals = new ApprovalDesk({
      ...around,
      lend: (use) => this.#lend(use),
      hint: (text) => {
        this.#hint = text
      },
    })
    this.#outbox = new Outbox({
      send: (message, key) => this.#send(message, key),
      makeKey: () => context.makeKey(),
      sleep: (ms, signal) => context.sleep(ms, signal),
      onChange: ({ sending, away }) => {
        this.#sending = sending
        this.#serverAway = away
        this.#paintSoon()
      },
      onRefused: ({ text, images }, error) => {
        this.#fail(error)
        this.#images.restore(images)
        if (this.#editor.text.length === 0) this.#editor = withText(this.#editor, text)
      },
      signal: this.#stop.signal,
    })
  }

  async run(): Promise<number> {
    const { signal } = this.#options
    const past = this.#session === undefined ? undefined : await readPast(this.#options.client, this.#session, signal)
    if (past) this.#transcript = past.transcript
    if (past) this.#team = past.team
    const leave = () => this.#leave(exitCodes.interrupted)
    signal.addEventListener('abort', leave, { once: true })
    this.#terminal = this.#openTerminal()
    // Times of what runs are shown in seconds.
    const tick = setInterval(() => {
      if (this.#transcript.turn) this.#paintSoon()
    }, 1000)
    this.#askNext()
    try {
      this.#greet()
      for (const piece of past?.pieces ?? []) this.#show(piece)
      if (this.#session !== undefined) {
        if (this.#transcript.phase === 'ended') this.#leave(exitCodes.ok)
        else void this.#follow(this.#session, past?.inTree ?? true, past?.cursor)
      }
      this.#paintSoon()
      const code = await this.#left.promise
      // What is left on the screen has the beginning of an answer too that is still being written.
      this.#printed.push(...this.#screen.growing(this.#columns()))
      this.#paint()
      return code
    } finally {
      clearInterval(tick)
      signal.removeEventListener('abort', leave)
      this.#stop.abort()
      this.#terminal.close()
      this.#sayHowToComeBack()
    }
  }

  #greet(): void {
    const { style, agent, model } = this.#options
    const { bold, dim } = style
    this.#print(`${bold('Reins')} · ${bold(agent)}${model === undefined ? '' : dim(` · ${model}`)}`)
    if (this.#session !== undefined) this.#print(dim(`session ${this.#session}`))
    this.#print(dim('/help for help, Ctrl-C cancels a turn, Ctrl-D leaves'))
  }

  #sayHowToComeBack(): void {
    const { context } = this.#options
    if (this.#session === undefined) return
    const lines = ['', `Session ${this.#session}`]
    if (this.#transcript.phase !== 'ended') {
      if (this.#transcript.turn) lines.push('The turn goes on at the server.')
      lines.push(`Come back with: reins session open ${this.#session}`)
    }
    context.stdout.write(`${asTyped(lines.join('\n'), context.env.typed)}\n`)
  }

  async #follow(session: string, tree: boolean, after: string | undefined): Promise<void> {
    const { client } = this.#options
    try {
      // What agents below do and wait for is part of the chat. The tree has one view, from its root.
      const items = client.sessions.follow(tree ? rootOf(session) : session, {
        deltas: true,
        ...(tree ? { tree } : {}),
        signal: this.#stop.signal,
        ...(after === undefined ? {} : { after }),
      })
      for await (const item of items) this.#onItem(item)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#fail(error)
      this.#leave(exitCodes.failed)
      return
    }
    if (!this.#stop.signal.aborted) this.#leave(exitCodes.ok)
  }

  #onItem(item: FollowItem): void {
    if (item.type === 'connection') {
      this.#streamLost = 'state' in item && item.state === 'lost'
      this.#paintSoon()
      return
    }
    if (!('cursor' in item)) return
    const whose = 'session' in item && item.session !== undefined ? item.session : (this.#session ?? '')
    const before = this.#team
    if (whose !== this.#session && !before.has(whose)) return // Of the tree, but not below this session.
    this.#team = followTeam(before, whose, item)
    if (whose !== this.#session) {
      for (const notice of noticesOf(before, whose, item)) this.#show(notice)
      this.#askNext()
      this.#paintSoon()
      return
    }
    const hadTurn = this.#transcript.turn !== undefined
    const followed = follow(this.#transcript, item)
    this.#transcript = followed.transcript
    this.#askNext()
    for (const piece of followed.pieces) this.#show(piece)
    if (hadTurn && !this.#transcript.turn) this.#disarm()
    else if (this.#armed === 'leave-turn' && !this.#busy()) this.#disarm()
    if (this.#transcript.phase === 'ended') this.#leave(exitCodes.ok)
    this.#paintSoon()
  }

  async #send({ text, images: attached }: OwnMessage, key: string): Promise<void> {
    const { client, agent, budget, instance } = this.#options
    const images = attached.length === 0 ? {} : { images: attached.map(({ image }) => image) }
    if (this.#session !== undefined) {
      await client.sessions.send(this.#session, { content: text, ...images }, { idempotencyKey: key })
      void this.#hintAtPool(this.#session)
      return
    }
    const created = await client.sessions.create(
      { agent, ...instance, message: text, ...images, ...(budget === undefined ? {} : { budget }) },
      { idempotencyKey: key },
    )
    this.#session = created.session.id
    // From its beginning: a cursor of the session is none of its tree.
    void this.#follow(this.#session, true, undefined)
    void this.#hintAtPool(this.#session)
  }

  /** Whoever waits is told where nobody serves the session. Best effort: it is only a hint. */
  async #hintAtPool(session: string): Promise<void> {
    try {
      await this.#options.context.sleep(hintAfterMs, this.#stop.signal)
      if (this.#stop.signal.aborted || this.#transcript.turn) return
      const { unserved } = await this.#options.client.sessions.get(session)
      if (unserved && !this.#stop.signal.aborted) this.#note(`The session ${unserved.message}`)
    } catch {
      // The next message asks again.
    }
  }

  /** To the person's editor. */
  async #lend<T>(use: () => Promise<T>): Promise<T> {
    this.#away = true
    this.#terminal?.close()
    try {
      return await use()
    } finally {
      this.#terminal = this.#stop.signal.aborted ? this.#terminal : this.#openTerminal()
      this.#away = false
      this.#paintSoon()
    }
  }

  #openTerminal(): Terminal {
    return openTerminal(this.#options.context, {
      onKeys: (keys) => this.#onKeys(keys),
      onResize: () => this.#paintSoon(),
      onEnd: () => this.#leave(exitCodes.ok),
    })
  }

  /** What waits for the person is shown where it is decided. */
  #askNext(): void {
    const { questions, approvals } = this.#asking()
    this.#desk.attend(questions, approvals.length > 0)
    this.#approvals.attend(approvals)
  }

  /** What waits for the person: of the session itself first, then of the agents below. */
  #asking(): Pick<Transcript, 'approvals' | 'questions'> {
    const { approvals, questions } = this.#transcript
    return {
      approvals: [...approvals, ...approvalsBelow(this.#team)],
      questions: [...questions, ...questionsBelow(this.#team)],
    }
  }

  #onKeys(keys: readonly Key[]): void {
    for (const key of keys) {
      if (key.kind === 'key' && key.name === 'fold') {
        this.#open = !this.#open
        continue
      }
      if (!this.#desk.filling && this.#approvals.onKey(key)) continue
      if (!this.#approvals.denying && this.#desk.onKey(key)) continue
      if (
        !this.#approvals.denying &&
        !this.#desk.filling &&
        this.#images.onKey(key, this.#editor.cursor === this.#editor.text.length)
      )
        continue
      const edited = edit(this.#editor, key)
      this.#editor = edited.editor
      if (this.#approvals.onReason(edited)) continue
      if (edited.kind === 'submitted') {
        this.#disarm()
        this.#submit(edited.message)
      } else if (edited.kind === 'changed') this.#disarm()
      else if (edited.name === 'interrupt') this.#interrupt()
      else if (edited.name === 'end-of-input') this.#leave(exitCodes.ok)
      else if (edited.name === 'clear-screen') this.#terminal?.clearScreen()
      else this.#disarm()
    }
    this.#paintSoon()
  }

  #submit(message: string): void {
    const command = slashCommand(message)
    if (command === undefined) {
      void this.#options.history.add(message)
      void this.#images.take().then((images) => this.#outbox.add({ text: message, images }))
      return
    }
    switch (command) {
      case 'image':
        this.#images.asked(message)
        return
      case 'help':
        this.#note(commandHelp)
        return
      case 'session':
        this.#note(this.#session ?? noSession)
        return
      case 'quit':
        this.#leave(exitCodes.ok)
        return
      case 'cancel':
      case 'pause':
      case 'resume':
      case 'compact':
      case 'restore':
        void this.#control(command)
        return
      case 'budget':
        void this.#budget(budgetAsked(message))
        return
      case 'unknown':
        this.#note(`There is no command ${message}. /help lists the commands.`)
        return
      default:
        command satisfies never
    }
  }

  #interrupt(): void {
    if (this.#armed === 'leave-turn') this.#leave(exitCodes.interrupted)
    else if (this.#armed === 'leave') this.#leave(exitCodes.ok)
    else if (editorText(this.#editor) !== '') {
      this.#editor = withText(this.#editor, '')
    } else if (this.#busy() && this.#session !== undefined) {
      this.#armed = 'leave-turn'
      this.#hint = 'Cancelling the turn. Ctrl-C again leaves.'
      void this.#control('cancel')
    } else {
      this.#armed = 'leave'
      this.#hint = 'Ctrl-C again, or Ctrl-D, leaves.'
    }
  }

  #busy(): boolean {
    const { turn, waiting } = this.#transcript
    return turn !== undefined || waiting.length > 0 || this.#sending.length > 0
  }

  async #control(verb: ControlVerb): Promise<void> {
    if (this.#session === undefined) return this.#note(noSession)
    try {
      const { sessions } = this.#options.client
      // Agents below would go on otherwise.
      if (verb === 'pause') await sessions.pause(this.#session, this.#team.size > 0 ? { tree: true } : {})
      else await sessions[verb](this.#session)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** `raise`: new limits as they were typed; undefined: the person only looks. */
  async #budget(raise: string | undefined): Promise<void> {
    if (this.#session === undefined) return this.#note(noSession)
    const limits = raise === undefined ? undefined : parseBudget(raise)
    if (typeof limits === 'string') return this.#note(limits)
    try {
      const { sessions } = this.#options.client
      if (limits) await sessions.raiseBudget(this.#session, limits)
      const { budget } = await sessions.get(this.#session)
      if (!budget) return this.#note('This session has no budget: nothing limits what it uses.')
      this.#note(budgetLines(budget, { width: this.#columns(), style: makeStyle(false) }).join('\n'))
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#paintSoon()
    }
  }

  #disarm(): void {
    this.#armed = 'nothing'
    this.#hint = undefined
  }

  #leave(code: number): void {
    this.#left.resolve(code)
  }

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#show({ kind: 'notice', level: 'error', text: this.#typed(failureText(explainFailure(error))) })
    this.#paintSoon()
  }

  #typed(text: string): string {
    return asTyped(text, this.#options.context.env.typed)
  }

  #note(text: string): void {
    this.#show({ kind: 'notice', level: 'info', text })
  }

  #show(piece: Piece): void {
    this.#printed.push(...this.#screen.take(this.#withTeam(piece), this.#columns()))
  }

  /** A delegation that ended says what its agents used, and shows them where blocks are open. */
  #withTeam(piece: Piece): Piece {
    if (piece.kind !== 'tool' || this.#session === undefined) return piece
    const member = memberFor(this.#team, this.#session, piece.call)
    if (!member) return piece
    const { note, lines } = endedLines(member, this.#view(this.#session), this.#columns(), this.#options.style)
    return { ...piece, note, below: lines }
  }

  #view(root: string): TeamView {
    return { team: this.#team, root, open: this.#open }
  }

  #print(line: string): void {
    this.#printed.push(...wrap(line, this.#columns()))
  }

  #columns(): number {
    return this.#terminal?.columns() ?? 80
  }

  /** Many items of one moment are one paint. */
  #paintSoon(): void {
    if (this.#painting) return
    this.#painting = true
    setImmediate(() => {
      this.#painting = false
      if (!this.#stop.signal.aborted) this.#paint()
    })
  }

  #paint(): void {
    const terminal = this.#terminal
    if (!terminal || this.#away) return
    const width = Math.max(1, terminal.columns() - 1)
    const question = this.#desk.view
    const state = {
      transcript: { ...this.#transcript, ...this.#asking() },
      editor: this.#editor,
      sending: this.#sending,
      images: this.#images.labels,
      connection: this.#streamLost || this.#serverAway ? ('lost' as const) : ('there' as const),
      placeholder: this.#approvals.denying ? 'Why not?' : (this.#desk.placeholder ?? `Message ${this.#options.agent}`),
      denying: this.#approvals.denying,
      ...(this.#hint === undefined ? {} : { hint: this.#hint }),
      ...(question ? { question } : {}),
      ...(this.#session === undefined ? {} : { team: this.#view(this.#session) }),
    }
    const size = { width, rows: Math.max(1, terminal.rows() - 1) }
    const growing = this.#screen.growing(width, this.#transcript.tools.length > 0)
    const view = liveView(state, growing, size, this.#options.context.now(), this.#options.style)
    const printed = this.#printed
    this.#printed = []
    terminal.paint(printed, view)
  }
}
