// What every part of the contract works with: the adapter under test, and short ways to write and to serve.
import {
  type Address,
  type Draft,
  type Head,
  makeShortId,
  makeUlid,
  protocolVersion,
  type SessionEvent,
  toExec,
  toLog,
  toTool,
} from '@reins/contracts'
import type { Consumption } from '@reins/broker'
import type {
  BundleStore,
  OutputStore,
  SessionFeed,
  SessionLog,
  Snapshots,
  Timers,
  Trigger,
  WorkQueue,
} from '../../src/port.ts'

export interface ContractSubject {
  readonly sessions: SessionLog
  readonly feed: SessionFeed
  readonly work: WorkQueue
  readonly timers: Timers
  readonly snapshots: Snapshots
  readonly outputs: OutputStore
  readonly bundles: BundleStore
  /** epoch ms, by the clock that timers follow */
  now(): number
  /** The smallest time, in ms, by which two timers can be told apart. */
  readonly timerStepMs: number
  readonly ackWaitMs: number
  /** How much of its outputs a session keeps; a multiple of 4. */
  readonly outputBytesOfSession: number
  /** The next append is stored, and its answer lost; `meanwhile` runs to its end before the adapter asks again. */
  loseNextAck(meanwhile: () => Promise<void>): void
  /** The next append does not reach the broker; `meanwhile` runs before it is sent again. */
  loseNextRequest(meanwhile: () => Promise<void>): void
  close(): Promise<void>
}

let count = 0
export const newId = () => `${makeShortId(Math.random, 10)}${count++}`
export const newSession = () => makeUlid(1_700_000_000_000 + count++, Math.random)
export const named = (title: string): SessionEvent => ({ type: 'session.renamed', data: { title } })

export function draftOn(head: Head, title: string, pool = 'default'): Draft {
  const role = 'e' as const
  const { n, seq: prev } = head
  return {
    id: newId(),
    n: n + 1,
    prev,
    at: 1_700_000_000_000,
    by: 'writer',
    role,
    needs: protocolVersion,
    status: 'idle',
    pool,
    events: [named(title)],
  }
}

/** Triggers as they come, and a way to wait for the next one that fits. */
export class Received {
  readonly all: Trigger[] = []
  #waiting: { fits(trigger: Trigger): boolean; done(trigger: Trigger): void }[] = []
  #taken = 0

  readonly on = (trigger: Trigger): void => {
    this.all.push(trigger)
    const waiter = this.#waiting.find(({ fits }) => fits(trigger))
    if (!waiter) return
    this.#waiting = this.#waiting.filter((one) => one !== waiter)
    waiter.done(trigger)
  }

  /** The next one that has not been taken by `next()` yet. */
  async next(): Promise<Trigger> {
    const at = this.#taken++
    return this.all[at] ?? (await this.until(() => this.all.length > at))
  }

  until(fits: (trigger: Trigger) => boolean): Promise<Trigger> {
    return new Promise((done) => this.#waiting.push({ fits, done }))
  }

  /** The `times`th delivery of the frame named. */
  async delivery(id: string, times: number): Promise<Trigger> {
    const found = () => this.all.filter(({ frame }) => frame.id === id)
    return found()[times - 1] ?? (await this.until(() => found().length >= times))
  }

  times(id: string): number {
    return this.all.filter(({ frame }) => frame.id === id).length
  }
}

/** A pool that nobody else serves, and what it was given. */
export interface Served {
  readonly key: string
  readonly received: Received
  readonly consumption: Consumption
  /** The address of its triggers. */
  readonly to: Address
}

/** `subject` is there from `beforeAll` on. */
export class Trial {
  #subject: ContractSubject | undefined

  get subject(): ContractSubject {
    if (!this.#subject) throw new Error('the adapter has not been made yet')
    return this.#subject
  }

  use(subject: ContractSubject): void {
    this.#subject = subject
  }

  /** A frame on the head of the session. */
  async write(session: string, title: string, to: Address = toLog): Promise<{ draft: Draft; head: Head }> {
    const head = await this.subject.sessions.head(session, { leader: true })
    const draft = draftOn(head, title)
    const outcome = await this.subject.sessions.append(session, draft, to, head.hash)
    if (outcome.kind !== 'appended') throw new Error('someone else wrote to a session of this test')
    return { draft, head: outcome.head }
  }

  async pool(kind: 'exec' | 'tool'): Promise<Served> {
    const key = newId()
    await this.subject.work.ensurePool(kind, key, { test: key })
    const received = new Received()
    const consumption = await this.subject.work.consume(kind, key, {
      free: () => 16,
      on: received.on,
      failed: (error) => {
        throw error
      },
    })
    return { key, received, consumption, to: kind === 'exec' ? toExec(key) : toTool(key) }
  }
}
