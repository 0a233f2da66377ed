// The session that the page shows: read, followed for as long as it is shown, and written to.
//   SS1. The stream is what is shown: a message appears when the server has it, and until then among those that are being sent;
//        the stream may bring it before the answer to its request comes, and it is shown once all the same.
//   SS2. A session is made with the first message: a page that was only looked at leaves nothing behind.
//   SS3. While the server is away the same message is sent again with the same key: it arrives once.
//   SS4. Many items of one moment are one change of the page.
//   SS5. A stream ends with the token that it was opened with; the process that gave out the page may have a new one by then.
//   SS6. A session that shows nothing is asked after: it may wait for a process that nobody has started.
import type {
  AnswerElicitation,
  DecideApproval,
  RaiseBudget,
  SessionInfo,
  ShownImage,
  StreamItem,
} from '@reins/contracts'
import { ReinsError } from '@reins/contracts/errors'
import {
  type Conversation,
  followConversation,
  mayStandStill,
  newConversation,
  type Sending,
  stillSending,
  threadOf,
} from './conversation.ts'
import { reins, told } from './reins.ts'

/** A picture that goes with a message. */
export interface Attached {
  readonly key: string
  readonly name: string
  readonly bytes: number
  readonly image: ShownImage
  /** Of the picture in this page's memory. */
  readonly url: string
}
type SendingAttached = Sending & { readonly images: readonly Attached[] }

export interface Trouble {
  readonly text: string
  readonly next?: string
}

export interface View {
  readonly status: 'loading' | 'ready' | 'failed'
  readonly conversation: Conversation
  readonly info: SessionInfo | undefined
  /** The stream broke, and is tried again. */
  readonly lost: boolean
  readonly sending: readonly Sending[]
  /** The server does not answer, and a message waits for it. */
  readonly away: boolean
  readonly trouble: Trouble | undefined
  /** A cancel that was asked for, and has not happened. */
  readonly stopping: boolean
}

export interface WholeOutput {
  readonly text: string
  /** bytes */
  readonly shown: number
  /** bytes */
  readonly size: number
}
/** More of an output is not put into a page. */
const mostOutputBytes = 1_000_000

export type Verb = 'cancel' | 'pause' | 'resume' | 'release' | 'end' | 'compact' | 'restore'

/** ms without news after which a session that works is asked after (SS6), and until it is again. */
const stillMs = 2_500
const againMs = 5_000

const empty = (session: string | undefined): View => ({
  status: session === undefined ? 'ready' : 'loading',
  conversation: newConversation(session),
  info: undefined,
  ...{ lost: false, sending: [], away: false, trouble: undefined, stopping: false },
})

export class SessionStore {
  #view: View
  #shown: View
  readonly #listeners = new Set<() => void>()
  readonly #stop = new AbortController()
  #last: Promise<void> = Promise.resolve()
  #frame = 0
  readonly #ready: () => Promise<unknown>
  /** Told when a session was made, or a turn ended: lists of sessions have changed. */
  onNews: (session: string) => void = () => undefined

  /** `ready`: what shows answers has been loaded. */
  constructor(session: string | undefined, ready: () => Promise<unknown>) {
    this.#ready = ready
    this.#view = empty(session)
    this.#shown = this.#view
  }

  /** Begins to read; ends with `close`. */
  open(): void {
    const { session } = this.#view.conversation
    if (session !== undefined) void this.#read(session)
  }

  close(): void {
    this.#stop.abort()
    clearTimeout(this.#still)
    cancelAnimationFrame(this.#frame)
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  readonly view = (): View => this.#shown

  send(text: string, images: readonly Attached[]): void {
    const sending = { key: crypto.randomUUID(), text, images }
    this.#set({ sending: [...this.#view.sending, sending], trouble: undefined })
    this.#last = this.#last.then(() => this.#deliver(sending))
  }

  /** Whether it was taken. */
  async control(verb: Verb): Promise<boolean> {
    const { session } = this.#view.conversation
    if (session === undefined) return false
    if (verb === 'cancel') this.#set({ stopping: true })
    const tree = this.#view.conversation.team.size > 0
    const done = await this.#try(() =>
      verb === 'pause' ? reins.sessions.pause(session, tree ? { tree } : {}) : reins.sessions[verb](session),
    )
    if (!done) this.#set({ stopping: false })
    return done
  }

  /** The session that goes on before this message, as if it had not been said; with `again` it is said there. undefined: there is none. */
  async fork(before: string, again: boolean): Promise<string | undefined> {
    const { session } = this.#view.conversation
    if (session === undefined) return undefined
    let forked: string | undefined
    await this.#try(async () => {
      const request = { before, ...(again ? { again } : {}) }
      const made = await reins.sessions.fork(session, request, { idempotencyKey: crypto.randomUUID() })
      forked = made.session.id
    })
    return forked
  }

  decide(of: string | undefined, call: string, decision: DecideApproval): Promise<boolean> {
    const session = of ?? this.#view.conversation.session ?? ''
    return this.#try(() => reins.approvals.decide(session, call, decision))
  }

  answer(of: string | undefined, elicitation: string, answer: AnswerElicitation): Promise<boolean> {
    const session = of ?? this.#view.conversation.session ?? ''
    return this.#try(() => reins.elicitations.answer(session, elicitation, answer))
  }

  async raiseBudget(raise: RaiseBudget): Promise<boolean> {
    const session = this.#view.conversation.session ?? ''
    const done = await this.#try(() => reins.sessions.raiseBudget(session, raise))
    if (done) await this.#readInfo(session)
    return done
  }

  /** The first bytes of a whole output, as text. Throws what the server says. */
  readonly output = async (session: string, ref: string): Promise<WholeOutput> => {
    const parts: string[] = []
    const decoder = new TextDecoder()
    for (let offset = 0; ; ) {
      const page = await reins.sessions.output(session, ref, { offset })
      offset += page.bytes.length
      parts.push(decoder.decode(page.bytes, { stream: true }))
      if (offset < page.size && page.bytes.length > 0 && offset < mostOutputBytes) continue
      return { text: parts.join('') + decoder.decode(), shown: offset, size: page.size }
    }
  }

  dismiss(): void {
    this.#set({ trouble: undefined })
  }

  async #try(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act()
      this.#set({ trouble: undefined })
      return true
    } catch (error) {
      this.#set({ trouble: troubleOf(error) })
      return false
    }
  }

  async #deliver(sending: SendingAttached): Promise<void> {
    const { signal } = this.#stop
    for (let wait = 250; !signal.aborted; wait = Math.min(2000, wait * 2)) {
      try {
        await this.#post(sending)
        this.onSent(sending.images)
        break
      } catch (error) {
        if (!(error instanceof ReinsError) || error.code !== 'unavailable') {
          this.#set({ trouble: troubleOf(error), refused: sending })
          break
        }
        this.#set({ away: true })
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
    this.#set({ away: false, sending: this.#view.sending.filter(({ key }) => key !== sending.key) })
  }

  async #post({ key, text, images: attached }: SendingAttached): Promise<void> {
    const { session } = this.#view.conversation
    const images = attached.length === 0 ? {} : { images: attached.map(({ image }) => image) }
    if (session !== undefined) {
      await reins.sessions.send(session, { content: text, ...images }, { idempotencyKey: key })
      return
    }
    const title = text.trim().split('\n')[0]?.slice(0, 80) ?? ''
    const made = await reins.sessions.create(
      { agent: told.agent, message: text, ...images, ...(title === '' ? {} : { title }) },
      { idempotencyKey: key },
    )
    this.#set({ conversation: newConversation(made.session.id), info: made.session })
    this.onNews(made.session.id)
    this.#watch(made.session.id, stillMs)
    void this.#follow(made.session.id, undefined)
  }

  /** All that is there at once, and then what comes: nothing of the past flits by. */
  async #read(session: string): Promise<void> {
    const { signal } = this.#stop
    const tree = !isBelow(session)
    try {
      void this.#readInfo(session)
      let { conversation } = this.#view
      let after: string | undefined
      for (let more = true; more && !signal.aborted; ) {
        const page = await reins.sessions.events(session, {
          ...{ limit: 1000, tree },
          ...(after === undefined ? {} : { after }),
        })
        for (const item of page.events) conversation = followConversation(conversation, item)
        after = page.cursor
        more = page.more
      }
      await this.#ready()
      this.#set({ conversation, status: 'ready', trouble: undefined })
      this.#watch(session, 0)
      await this.#follow(session, after)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ReinsError && error.code === 'unavailable') {
        this.#set({ lost: true })
        await new Promise((resolve) => setTimeout(resolve, 1000))
        if (!signal.aborted) return this.#read(session)
      } else this.#set({ status: 'failed', trouble: troubleOf(error) })
    }
  }

  async #follow(session: string, after: string | undefined): Promise<void> {
    const { signal } = this.#stop
    let cursor = after
    for (let begun = performance.now(); ; begun = performance.now()) {
      try {
        const items = reins.sessions.follow(session, {
          ...{ deltas: true, tree: !isBelow(session), signal },
          ...(cursor === undefined ? {} : { after: cursor }),
        })
        this.#set({ lost: false })
        for await (const item of items) {
          if (item.type === 'connection') this.#set({ lost: 'state' in item && item.state === 'lost' })
          else if ('cursor' in item) {
            cursor = item.cursor
            this.#onItem(session, item)
          }
        }
        return
      } catch (error) {
        if (signal.aborted) return
        // SS5. Once: a token that is not taken at once is not taken.
        const ended = error instanceof ReinsError && error.code === 'unauthorized' && performance.now() - begun > 3000
        this.#set(ended ? { lost: true } : { lost: true, trouble: troubleOf(error) })
        if (!ended) return
      }
    }
  }

  #onItem(session: string, item: StreamItem): void {
    const { conversation: before, sending } = this.#view
    const conversation = followConversation(before, item)
    this.#later({ conversation, sending: stillSending(sending, before, conversation), ...this.#servedAgain(item) })
    this.#watch(session, stillMs)
    if (!('n' in item) || (item.session !== undefined && item.session !== session)) return
    if (/^turn\.(completed|failed|cancelled)$/.test(item.type)) this.#later({ stopping: false })
    if (/^(turn\.|budget\.|session\.|toolset\.resolved)/.test(item.type)) void this.#readInfo(session)
    if (/^(turn|session)\./.test(item.type)) this.onNews(session)
  }

  #still: ReturnType<typeof setTimeout> | undefined
  /** SS6. */
  #watch(session: string, ms: number): void {
    clearTimeout(this.#still)
    if (!mayStandStill(this.#view.conversation)) return
    this.#still = setTimeout(() => {
      void this.#readInfo(session)
      this.#watch(session, againMs)
    }, ms)
  }

  /** Whatever comes says that somebody serves the session. */
  #servedAgain(item: StreamItem): Partial<View> {
    const { info } = this.#view
    if (!info?.unserved || !('n' in item)) return {}
    const { unserved: _, ...rest } = info
    return { info: rest }
  }

  #reading: Promise<void> | undefined
  /** What lists and sums it up; of several wishes at once the last is enough. */
  #readInfo(session: string): Promise<void> {
    this.#reading ??= new Promise((resolve) => setTimeout(resolve, 60)).then(async () => {
      this.#reading = undefined
      const info = await reins.sessions.get(session).catch(() => undefined)
      if (info && !this.#stop.signal.aborted) this.#set({ info })
    })
    return this.#reading
  }

  /** SS4. */
  #later(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change }
    if (this.#frame !== 0) return
    // A page that is not seen gets no frames.
    const show = () => {
      this.#frame = 0
      this.#show()
    }
    this.#frame = document.hidden ? Number(setTimeout(show, 50)) : requestAnimationFrame(show)
  }

  #set(change: Partial<View> & { readonly refused?: SendingAttached }): void {
    const { refused, ...view } = change
    this.#view = { ...this.#view, ...view }
    if (refused !== undefined) this.onRefused(refused.text, refused.images)
    this.#show()
  }

  /** A message that the server refuses comes back to whoever typed it. */
  onRefused: (text: string, images: readonly Attached[]) => void = () => undefined
  /** The images of a message that the server has. */
  onSent: (images: readonly Attached[]) => void = () => undefined

  #show(): void {
    if (this.#shown === this.#view) return
    this.#shown = this.#view
    for (const listener of this.#listeners) listener()
  }
}

/** A session that another one delegated to: it has no view of the tree of its own. */
const isBelow = (session: string): boolean => session.length > 26

export const isBusy = ({ conversation, sending }: View): boolean => {
  const { turn, waiting } = threadOf(conversation).transcript
  return turn !== undefined || waiting.length > 0 || sending.length > 0
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof ReinsError) {
    const { message, next } = error.body()
    return { text: message, ...(next === undefined ? {} : { next }) }
  }
  return { text: 'The page met an error that it does not know.', next: 'Load the page again.' }
}
