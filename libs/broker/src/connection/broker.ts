// A connection of the process to the broker, and requests over it. A process has one, and a second one for deltas (libs/journal).
//   B1. One inbox, one map of waiting requests, one sweep timer: the client's own `request` builds an Error for every success.
//   B5. What processes answer arrives at an inbox of its own, each answer at a place that nobody can guess: whoever is asked may write
//       there, and could else answer in the name of others (libs/contracts/src/broker/nats-users.ts).
//   B2. A request that is answered late, or after a reconnect, is answered to nobody; its caller has its `timed-out` by then.
//   B3. Nothing here retries: what a time-out means is for the caller to know.
//   B6. A server that does not answer for six seconds is left, for the next one that is known: the one that was named, or another node.
//   B7. In a cluster nobody answers while a stream or a consumer has no leader, and what was asked meanwhile is lost. A new leader says so:
//       then requests that their callers repeat anyway have timed out at once, and pulls are made anew (`onElected`).
//   B4. What is published in one turn of the event loop leaves in one write, in order, at the end of that turn: the client writes
//       once a microtask, and with many sessions these system calls cost more than everything else.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Msg, NatsConnection, Subscription as NatsSubscription } from '@nats-io/nats-core'
import { createInbox } from '@nats-io/nats-core'
import { connect } from '@nats-io/transport-node'
import { answeredByProcesses, electionSubjects, inboxOf, noSeals, type Seals } from '@reins/contracts'
import type { WrittenHeaders } from './message-headers.ts'
import { type PublishOptions, send } from './outgoing.ts'
import { brokerServers } from './server-urls.ts'

export interface BrokerOptions {
  /** nats://host:port, or all servers of a cluster, separated by commas; credentials inside are used and never printed. */
  readonly url: string
  readonly user?: string
  readonly password?: string
  /** Shown in the server's connection list. */
  readonly name: string
  /** false: what is published over it does not come back over it. Default true. */
  readonly echo?: boolean
  /** The keys of this process. Default: none, and nothing is checked. */
  readonly seals?: Seals
  /** ms to wait for the first connection. Default 10 000. */
  readonly withinMs?: number
  /** Whether it is a cluster, whose streams have leaders (B7). */
  readonly cluster?: boolean
}

export interface RequestOptions {
  readonly headers?: WrittenHeaders
  /** Default 5 000. */
  readonly withinMs?: number
  /** The stream whose leader answers, where the caller asks the same again after a time-out: a new leader ends the wait (B7). */
  readonly repeatedTo?: string
}

export type RequestOutcome =
  | { readonly kind: 'reply'; readonly msg: Msg }
  /** Nobody listens on the subject: an answer at once. */
  | { readonly kind: 'no-responders' }
  | { readonly kind: 'timed-out' }

export interface Broker {
  readonly nc: NatsConnection
  /** What this process signs and checks. */
  readonly seals: Seals
  /** The prefix of what this user hears alone. */
  readonly inbox: string
  /**
   * A request that many messages answer. `on` says for each whether it was the last one; the deadline counts from the last message.
   * `timed-out` and `no-responders` as for `request`; what came before stays with the caller.
   */
  requestMany(
    subject: string,
    payload: string,
    on: (msg: Msg) => 'more' | 'last',
    options?: RequestOptions,
  ): Promise<'done' | 'timed-out' | 'no-responders'>
  request(subject: string, payload: string | Uint8Array, options?: RequestOptions): Promise<RequestOutcome>
  /** Without an answer, and without a promise that it arrives. Never throws: what is said into a closed connection is lost. */
  publish(subject: string, payload: string | Uint8Array, options?: PublishOptions): void
  /** As `publish`, in order with it, but with what else leaves in this microtask: for whoever is at the end of the turn already. */
  publishNow(subject: string, payload: string | Uint8Array): void
  /** Runs at the end of this turn of the event loop; what it has said by then, and its promises, leaves in the one write of this turn (B4). */
  atEndOfTurn(run: () => void): void
  /** Called after each reconnect; close the subscription to stop. */
  onReconnect(on: () => void): { close(): void }
  /** B7. Called when a stream, or a durable consumer of it, has a new leader; close the subscription to stop. */
  onElected(on: (stream: string, durable: string | undefined) => void): { close(): void }
  /** performance.now() of the last reconnect; -Infinity when there was none. */
  lastReconnect(): number
  connected(): boolean
  /** Resolves with an error when the connection is gone for good. */
  closed(): Promise<Error | undefined>
  close(): Promise<void>
}

interface Outgoing {
  readonly subject: string
  readonly payload: string | Uint8Array
  readonly options: PublishOptions
}

interface Waiting {
  /** Takes what came, and says whether that was all. */
  readonly on: (outcome: RequestOutcome) => 'more' | 'last'
  readonly withinMs: number
  readonly repeatedTo: string | undefined
  deadline: number
}

const sweepMs = 20
/** A leader says that it leads a moment before it answers. */
const leadsAfterMs = 50

export async function connectBroker(options: BrokerOptions): Promise<Broker> {
  const { username, password, servers } = brokerServers(options.url)
  const user = options.user ?? username
  const pass = options.password ?? password
  const nc = await connectWithin(
    {
      servers: [...servers],
      name: options.name,
      ...(user === undefined ? {} : { user }),
      ...(pass === undefined ? {} : { pass }),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 50,
      // Six seconds until a server that hangs counts as gone: there may be others (B6).
      pingInterval: 2000,
      maxPingOut: 2,
      inboxPrefix: inboxOf(user ?? '').own,
      noAsyncTraces: true,
      noEcho: options.echo === false,
    },
    options.withinMs ?? 10_000,
  )
  return new NatsBroker(nc, inboxOf(user ?? ''), options.seals ?? noSeals(), options.cluster === true)
}

async function connectWithin(options: Parameters<typeof connect>[0], withinMs: number): Promise<NatsConnection> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await connect({ ...options, timeout: Math.max(250, Math.min(5000, deadline - performance.now())) })
    } catch (error) {
      if (performance.now() > deadline || /authorization|authentication/i.test(String(error))) throw error
      await pause(100)
    }
  }
}

class NatsBroker implements Broker {
  readonly nc: NatsConnection
  readonly seals: Seals
  readonly inbox: string
  readonly #fromBroker: string
  readonly #fromProcesses: string
  readonly #waiting = new Map<string, Waiting>()
  readonly #reconnects = new Set<() => void>()
  readonly #elected = new Set<(stream: string, durable: string | undefined) => void>()
  readonly #elections: readonly NatsSubscription[]
  readonly #replies: readonly NatsSubscription[]
  #outgoing: Outgoing[] = []
  #atEnd: (() => void)[] = []
  #leaving: NodeJS.Immediate | undefined
  #next = 0
  #sweep: NodeJS.Timeout | undefined
  #lastReconnect = Number.NEGATIVE_INFINITY
  /** By the client's own word: `getServer` names the last server also while there is none. */
  #connected = true

  constructor(nc: NatsConnection, inboxes: ReturnType<typeof inboxOf>, seals: Seals, cluster: boolean) {
    this.nc = nc
    this.seals = seals
    this.inbox = inboxes.own
    this.#fromBroker = createInbox(inboxes.own)
    this.#fromProcesses = createInbox(inboxes.answers)
    this.#replies = [this.#fromBroker, this.#fromProcesses].map((inbox) =>
      nc.subscribe(`${inbox}.*`, { callback: (error, msg) => this.#onReply(error, msg, inbox.length + 1) }),
    )
    this.#elections = cluster
      ? electionSubjects.map((subject) =>
          nc.subscribe(`${subject}.>`, {
            callback: (error, msg) => {
              if (!error) setTimeout(() => this.#onElected(msg.subject.slice(subject.length + 1)), leadsAfterMs).unref()
            },
          }),
        )
      : []
    void this.#watch()
  }

  request(subject: string, payload: string | Uint8Array, options: RequestOptions = {}): Promise<RequestOutcome> {
    return new Promise((resolve) => {
      this.#send(subject, payload, options, (outcome) => {
        resolve(outcome)
        return 'last'
      })
    })
  }

  requestMany(
    subject: string,
    payload: string,
    on: (msg: Msg) => 'more' | 'last',
    options: RequestOptions = {},
  ): Promise<'done' | 'timed-out' | 'no-responders'> {
    return new Promise((resolve) => {
      this.#send(subject, payload, options, (outcome) => {
        if (outcome.kind === 'reply') {
          if (on(outcome.msg) === 'more') return 'more'
          resolve('done')
        } else resolve(outcome.kind)
        return 'last'
      })
    })
  }

  #send(subject: string, payload: string | Uint8Array, options: RequestOptions, on: Waiting['on']): void {
    const byProcess = answeredByProcesses(subject)
    const key = byProcess ? randomBytes(15).toString('base64url') : (this.#next++).toString(36) // B5
    const withinMs = options.withinMs ?? 5000
    this.#waiting.set(key, { on, withinMs, repeatedTo: options.repeatedTo, deadline: performance.now() + withinMs })
    this.#sweep ??= setInterval(() => this.#expire(), sweepMs)
    // Closed or draining: the deadline answers, as for every other silence.
    const reply = `${byProcess ? this.#fromProcesses : this.#fromBroker}.${key}`
    this.publish(subject, payload, options.headers ? { reply, headers: options.headers } : { reply })
  }

  publish(subject: string, payload: string | Uint8Array, options: PublishOptions = {}): void {
    this.#outgoing.push({ subject, payload, options })
    this.#leaving ??= setImmediate(() => this.#endTurn()) // B4
  }

  atEndOfTurn(run: () => void): void {
    this.#atEnd.push(run)
    this.#leaving ??= setImmediate(() => this.#endTurn())
  }

  #endTurn(): void {
    const atEnd = this.#atEnd
    this.#atEnd = []
    for (const run of atEnd) run()
    if (atEnd.length === 0) this.#leave()
    // Behind whatever waits for a promise that was kept here.
    else process.nextTick(() => this.#leave())
  }

  #leave(): void {
    clearImmediate(this.#leaving)
    this.#leaving = undefined
    if (this.#atEnd.length > 0) this.#leaving = setImmediate(() => this.#endTurn())
    const outgoing = this.#outgoing
    this.#outgoing = []
    for (const { subject, payload, options } of outgoing) this.#say(subject, payload, options)
  }

  publishNow(subject: string, payload: string | Uint8Array): void {
    // Whatever waits for the end of the turn was said before.
    if (this.#outgoing.length > 0) this.#leave()
    this.#say(subject, payload, undefined)
  }

  #say(subject: string, payload: string | Uint8Array, options: PublishOptions | undefined): void {
    // Not sent where the connection is closed for good, or it is too large for the server: as silent as a broker that is away.
    send(this.nc, subject, payload, options)
  }

  #onReply(error: Error | null, msg: Msg, keyAt: number): void {
    if (error) return
    const key = msg.subject.slice(keyAt)
    const waiting = this.#waiting.get(key)
    if (!waiting) return
    // A message that the server has stored may have any status of its own; what the server says of it has its sequence.
    const nobody = msg.data.length === 0 && msg.headers?.code === 503 && !msg.headers.has('Nats-Sequence')
    const answered = waiting.on(nobody ? { kind: 'no-responders' } : { kind: 'reply', msg })
    if (answered === 'last') this.#waiting.delete(key)
    else waiting.deadline = performance.now() + waiting.withinMs
  }

  #expire(): void {
    const now = performance.now()
    for (const [key, waiting] of this.#waiting) {
      if (waiting.deadline > now) continue
      this.#waiting.delete(key)
      waiting.on({ kind: 'timed-out' })
    }
    if (this.#waiting.size === 0) {
      clearInterval(this.#sweep)
      this.#sweep = undefined
    }
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') this.#connected = false
      if (status.type !== 'reconnect') continue
      this.#connected = true
      this.#lastReconnect = performance.now()
      for (const on of this.#reconnects) on()
    }
  }

  onReconnect(on: () => void): { close(): void } {
    this.#reconnects.add(on)
    return { close: () => void this.#reconnects.delete(on) }
  }

  onElected(on: (stream: string, durable: string | undefined) => void): { close(): void } {
    this.#elected.add(on)
    return { close: () => void this.#elected.delete(on) }
  }

  /** B7. `what`: the stream, or the stream and its consumer. */
  #onElected(what: string): void {
    const [stream = '', durable] = what.split('.')
    for (const [key, waiting] of this.#waiting) {
      if (durable !== undefined || waiting.repeatedTo !== stream) continue
      this.#waiting.delete(key)
      waiting.on({ kind: 'timed-out' })
    }
    for (const on of this.#elected) on(stream, durable)
  }

  lastReconnect(): number {
    return this.#lastReconnect
  }

  connected(): boolean {
    return this.#connected && !this.nc.isClosed()
  }

  async closed(): Promise<Error | undefined> {
    return (await this.nc.closed()) ?? undefined
  }

  async close(): Promise<void> {
    this.#leave()
    for (const one of [...this.#replies, ...this.#elections]) one.unsubscribe()
    clearInterval(this.#sweep)
    for (const waiting of this.#waiting.values()) waiting.on({ kind: 'timed-out' })
    this.#waiting.clear()
    if (!this.nc.isClosed()) await this.nc.drain().catch(() => this.nc.close())
  }
}
