// What every adapter of the journal's ports must do, said against the ports alone. Run over memory, one server, three replicas.
//   K1. Sessions, pools and timers are new in each test: adapters may share one broker.
//   K2. No test waits for time to pass: "it does not come again" is shown by something else that comes later.
import {
  type Address,
  bundleDigest,
  childId,
  type Draft,
  emptyHead,
  type Head,
  headOf,
  makeShortId,
  makeUlid,
  protocolVersion,
  type SessionEvent,
  toExec,
  toLog,
  toTool,
} from '@reins/contracts'
import { brokenLink } from '@reins/session'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  AppendOutcome,
  OutputStore,
  SessionFeed,
  SessionLog,
  Snapshots,
  Timers,
  BundleStore,
  Trigger,
  WorkQueue,
  RepublishedFrame,
} from '../src/port.ts'

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
const newId = () => `${makeShortId(Math.random, 10)}${count++}`
const newSession = () => makeUlid(1_700_000_000_000 + count++, Math.random)
const named = (title: string): SessionEvent => ({ type: 'session.renamed', data: { title } })

function draftOn(head: Head, title: string, pool = 'default'): Draft {
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
class Received {
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

/** `parts`: `sessions` leaves out what has stores of its own, and does not know how many streams hold the sessions. */
export function journalContract(
  name: string,
  make: () => Promise<ContractSubject>,
  { parts = 'all' }: { readonly parts?: 'all' | 'sessions' } = {},
): void {
  describe(`journal: ${name}`, () => {
    let subject: ContractSubject
    beforeAll(async () => {
      subject = await make()
    })
    afterAll(async () => subject.close())

    const write = async (session: string, title: string, to: Address = toLog) => {
      const head = await subject.sessions.head(session, { leader: true })
      const draft = draftOn(head, title)
      const outcome = await subject.sessions.append(session, draft, to, head.hash)
      if (outcome.kind !== 'appended') throw new Error('someone else wrote to a session of this test')
      return { draft, head: outcome.head }
    }

    async function pool(kind: 'exec' | 'tool') {
      const key = newId()
      await subject.work.ensurePool(kind, key, { test: key })
      const received = new Received()
      const consumption = await subject.work.consume(kind, key, {
        free: () => 16,
        on: received.on,
        failed: (error) => {
          throw error
        },
      })
      return { key, received, consumption, to: kind === 'exec' ? toExec(key) : toTool(key) }
    }

    describe('appending', () => {
      it('takes a frame at the head, and answers with the head that it is now', async () => {
        const session = newSession()
        const { draft, head } = await write(session, 'one')
        expect(head).toMatchObject({ n: 1, status: 'idle', pool: 'default', needs: protocolVersion })
        expect(await subject.sessions.head(session, { leader: true })).toEqual(head)
        const [frame] = await subject.sessions.read(session, { leader: true })
        expect(frame).toMatchObject({ ...draft, seq: head.seq, hash: head.hash, prev: 0 })
      })

      it('refuses a frame whose prev is not the last sequence, and gives every frame after it', async () => {
        const session = newSession()
        const first = await write(session, 'one')
        const second = await write(session, 'two')
        const third = await write(session, 'three')
        const late = draftOn(first.head, 'late')
        const outcome = await subject.sessions.append(session, late, toLog, first.head.hash)
        expect(outcome).toMatchObject({ kind: 'refused', tail: [{ id: second.draft.id }, { id: third.draft.id }] })
        expect((await subject.sessions.read(session, { leader: true })).map(({ id }) => id)).not.toContain(late.id)
      })

      it('refuses a second first frame', async () => {
        const session = newSession()
        const { draft } = await write(session, 'one')
        const empty = emptyHead(session)
        const outcome = await subject.sessions.append(session, draftOn(empty, 'another'), toLog, empty.hash)
        expect(outcome).toMatchObject({ kind: 'refused', tail: [{ id: draft.id }] })
      })

      it('lets exactly one of 32 in that were written on the same head', async () => {
        const session = newSession()
        const { head } = await write(session, 'one')
        const drafts = Array.from({ length: 32 }, (_, at) => draftOn(head, `writer ${at}`))
        const outcomes = await Promise.all(
          drafts.map((draft) => subject.sessions.append(session, draft, toLog, head.hash)),
        )
        const winners = drafts.filter((_, at) => outcomes[at]?.kind === 'appended')
        expect(winners).toHaveLength(1)
        const firsts = outcomes.flatMap((outcome) => (outcome.kind === 'refused' ? [outcome.tail[0]?.id] : []))
        expect(firsts).toEqual(Array.from({ length: 31 }, () => winners[0]?.id))
        expect(await subject.sessions.read(session, { leader: true })).toHaveLength(2)
      })

      it('finds its own frame under those of others when the answer was lost', async () => {
        const session = newSession()
        const { head } = await write(session, 'one')
        const mine = draftOn(head, 'mine')
        subject.loseNextAck(async () => {
          await write(session, 'on top')
          await write(session, 'on top of that')
        })
        const outcome = await subject.sessions.append(session, mine, toLog, head.hash)
        const ids = (await subject.sessions.read(session, { leader: true })).map(({ id }) => id)
        expect(ids).toHaveLength(4)
        expect(ids[1]).toBe(mine.id)
        expect(outcome).toMatchObject({ kind: 'appended', head: { n: 2 }, above: [{ id: ids[2] }, { id: ids[3] }] })
      })

      it('knows that it is in when the answer was lost and nobody wrote on top', async () => {
        const session = newSession()
        const { head } = await write(session, 'one')
        const mine = draftOn(head, 'mine')
        subject.loseNextAck(async () => {})
        const outcome = await subject.sessions.append(session, mine, toLog, head.hash)
        expect(outcome).toMatchObject({ kind: 'appended', head: { n: 2 } })
        expect(await subject.sessions.read(session, { leader: true })).toHaveLength(2)
      })

      it('is refused when the request was lost and another came first', async () => {
        const session = newSession()
        const { head } = await write(session, 'one')
        const mine = draftOn(head, 'mine')
        const others: string[] = []
        subject.loseNextRequest(async () => {
          others.push((await write(session, 'first')).draft.id, (await write(session, 'second')).draft.id)
        })
        const outcome = await subject.sessions.append(session, mine, toLog, head.hash)
        expect(outcome).toMatchObject({ kind: 'refused', tail: others.map((id) => ({ id })) })
      })

      it('sends again what was lost on its way', async () => {
        const session = newSession()
        const head = emptyHead(session)
        const mine = draftOn(head, 'mine')
        subject.loseNextRequest(async () => {})
        expect(await subject.sessions.append(session, mine, toLog, head.hash)).toMatchObject({ kind: 'appended' })
        expect(await subject.sessions.read(session, { leader: true })).toHaveLength(1)
      })

      it('chains the hashes of what it stores', async () => {
        const session = newSession()
        for (const title of ['one', 'two', 'three']) await write(session, title)
        const frames = await subject.sessions.read(session, { leader: true })
        const written = frames.map((frame) => ({ frame, eventsJson: JSON.stringify(frame.events) }))
        expect(brokenLink(session, written)).toBeNull()
        const forged = written.with(1, { ...written[1]!, eventsJson: JSON.stringify([named('forged')]) })
        expect(brokenLink(session, forged)).toBe(frames[1])
      })
    })

    describe('reading', () => {
      it('gives an empty head and no frames of a session that does not exist', async () => {
        const session = newSession()
        expect(await subject.sessions.head(session)).toEqual(emptyHead(session))
        expect(await subject.sessions.read(session)).toEqual([])
      })

      it('reads after a sequence, and no more than it was asked for', async () => {
        const session = newSession()
        const written = []
        for (const title of ['one', 'two', 'three', 'four']) written.push((await write(session, title)).head)
        const read = async (options: { after?: number; limit?: number }) =>
          (await subject.sessions.read(session, { ...options, leader: true })).map(({ n }) => n)
        expect(await read({})).toEqual([1, 2, 3, 4])
        expect(await read({ after: written[1]!.seq })).toEqual([3, 4])
        expect(await read({ after: written[0]!.seq, limit: 2 })).toEqual([2, 3])
        expect(await read({ after: written[3]!.seq })).toEqual([])
      })

      it('reads a tree in the one order of its frames', async () => {
        const root = newSession()
        const child = `${root}-0123456789abcdef`
        const heads = [
          await write(root, 'root'),
          await write(child, 'child'),
          await write(root, 'root again'),
          await write(child, 'child again'),
        ]
        await write(newSession(), 'elsewhere')
        const frames = await subject.sessions.readTree(root, { leader: true })
        expect(frames.map(({ frame }) => frame.id)).toEqual(heads.map(({ draft }) => draft.id))
        expect(frames.map(({ frame }) => frame.seq)).toEqual(heads.map(({ head }) => head.seq))
        expect(frames.map(({ session }) => session === child)).toEqual([false, true, false, true])
        const [first, , third] = heads
        const page = await subject.sessions.readTree(root, { after: first!.head.seq, limit: 2, leader: true })
        expect(page.map(({ frame }) => frame.seq)).toEqual(heads.slice(1, 3).map(({ head }) => head.seq))
        expect(await subject.sessions.head({ tree: root }, { leader: true })).toMatchObject({ seq: heads[3]!.head.seq })
        expect(await subject.sessions.head({ tree: root })).toMatchObject({ n: third!.head.n })
      })
    })

    describe('forks', () => {
      const fork = async (from: string, n: number) => {
        const session = newSession()
        const source = (await subject.sessions.read(from, { leader: true })).find((frame) => frame.n === n)!
        const head = { ...headOf(source), seq: 0 }
        const events: SessionEvent[] = [
          {
            type: 'session.forked',
            data: { from, n, hash: source.hash, agent: 'a', digest: 'd', model: 'm', principal: 'p' },
          },
        ]
        const draft = { ...draftOn(head, ''), role: 'g' as const, events }
        const outcome = await subject.sessions.append(session, draft, toLog, head.hash)
        if (outcome.kind !== 'appended') throw new Error('someone else wrote to a session of this test')
        return session
      }
      const numbers = async (session: string, options: { after?: number; limit?: number } = {}) =>
        (await subject.sessions.read(session, { ...options, leader: true })).map(({ n }) => n)

      it('reads the frames of before as its own beginning, in any pages, and copies none', async () => {
        const source = newSession()
        for (const title of ['one', 'two', 'three', 'four']) await write(source, title)
        const session = await fork(source, 3)
        await write(session, 'five')
        await write(source, 'elsewhere')
        const frames = await subject.sessions.read(session, { leader: true })
        expect(frames.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5])
        expect(frames.map(({ id }) => id).slice(0, 3)).toEqual(
          (await subject.sessions.read(source, { leader: true })).map(({ id }) => id).slice(0, 3),
        )
        expect(frames.map(({ seq }) => seq)).toEqual(frames.map(({ seq }) => seq).sort((a, b) => a - b))
        for (const [at, { seq, id }] of frames.entries()) {
          expect(await numbers(session, { after: seq })).toEqual([1, 2, 3, 4, 5].slice(at + 1))
          expect(await numbers(session, { after: seq, limit: 2 })).toEqual([1, 2, 3, 4, 5].slice(at + 1, at + 3))
          expect(await subject.sessions.frameAt(session, seq)).toMatchObject({ id })
          expect((await numbers(session, { limit: at + 1 })).length).toBe(at + 1)
        }
        const tree = await subject.sessions.readTree(session, { leader: true })
        expect(tree.map(({ session: whose, frame }) => [whose, frame.n])).toEqual(
          [1, 2, 3, 4, 5].map((n) => [session, n]),
        )
        expect(await subject.sessions.forkOf(session)).toMatchObject({ from: source, n: 3, hash: frames[2]!.hash })
        expect(await subject.sessions.forkOf(source)).toBeUndefined()
        expect(await subject.sessions.head(session, { leader: true })).toMatchObject({ n: 5, seq: frames[4]!.seq })
        const written = frames.map((frame) => ({ frame, eventsJson: JSON.stringify(frame.events) }))
        expect(brokenLink(session, written)).toBeNull()
        const forged = written.with(2, { ...written[2]!, eventsJson: '[]' })
        expect(brokenLink(session, forged)?.n).toBe(3)
      })

      it('reads forks of forks', async () => {
        const first = newSession()
        await write(first, 'one')
        await write(first, 'two')
        const second = await fork(first, 2)
        await write(second, 'four')
        const third = await fork(second, 4)
        await write(third, 'six')
        const frames = await subject.sessions.read(third, { leader: true })
        expect(frames.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6])
        for (const [at, { seq }] of frames.entries()) {
          expect(await numbers(third, { after: seq, limit: 3 })).toEqual([1, 2, 3, 4, 5, 6].slice(at + 1, at + 4))
          expect(await subject.sessions.frameAt(third, seq)).toMatchObject({ n: at + 1 })
        }
        expect(
          brokenLink(
            third,
            frames.map((frame) => ({ frame, eventsJson: JSON.stringify(frame.events) })),
          ),
        ).toBeNull()
      })

      it('refuses a second first frame, as of any session', async () => {
        const source = newSession()
        const { head } = await write(source, 'one')
        const session = await fork(source, 1)
        const again = draftOn({ ...head, seq: 0 }, 'again')
        const outcome = await subject.sessions.append(session, again, toLog, head.hash)
        expect(outcome).toMatchObject({ kind: 'refused', tail: [{ n: 2 }] })
      })
    })

    describe('following', () => {
      it('hears of every frame of a session in order, and of no other', async () => {
        const session = newSession()
        const heard: string[] = []
        const last = Promise.withResolvers<void>()
        const subscription = subject.feed.frames(session, ({ frame }) => {
          heard.push(frame.id)
          if (heard.length === 3) last.resolve()
        })
        const written: string[] = []
        for (const title of ['one', 'two', 'three']) {
          written.push((await write(session, title)).draft.id)
          await write(newSession(), 'elsewhere')
        }
        await last.promise
        subscription.close()
        expect(heard).toEqual(written)
      })

      it('hears the frames of its own process as they stand in the log', async () => {
        const session = newSession()
        const heard: RepublishedFrame[] = []
        const all = Promise.withResolvers<void>()
        const subscription = subject.feed.framesHere(session, (one) => {
          heard.push(one)
          if (heard.length === 2) all.resolve()
        })
        await write(session, 'one')
        await write(newSession(), 'elsewhere')
        await write(session, 'two')
        await all.promise
        subscription.close()
        expect(heard.map(({ frame }) => frame)).toEqual(await subject.sessions.read(session, { leader: true }))
      })

      it('hears of a whole tree, with the address of each frame', async () => {
        const root = newSession()
        const child = `${root}-0123456789abcdef`
        const heard: [string, string][] = []
        const last = Promise.withResolvers<void>()
        const subscription = subject.feed.frames({ tree: root }, ({ session, to, frame }) => {
          heard.push([session, to.kind])
          if (frame.n === 2) last.resolve()
        })
        await write(root, 'root')
        await write(child, 'child', toExec(newId()))
        await write(root, 'root again')
        await last.promise
        subscription.close()
        expect(heard).toEqual([
          [root, 'log'],
          [child, 'exec'],
          [root, 'log'],
        ])
      })

      it('reads the frame at a sequence, and none of another session', async () => {
        const session = newSession()
        const other = childId(session, 'c1') // in the same stream, so with another sequence
        const { draft } = await write(session, 'one')
        await write(other, 'two')
        const [mine] = await subject.sessions.read(session)
        const [foreign] = await subject.sessions.read(other)
        expect(await subject.sessions.frameAt(session, mine?.seq ?? 0)).toMatchObject({ id: draft.id, n: 1 })
        expect(await subject.sessions.frameAt(session, foreign?.seq ?? 0)).toBeUndefined()
        expect(await subject.sessions.frameAt(session, 1_000_000)).toBeUndefined()
        expect(await subject.sessions.frameAt(session, 0)).toBeUndefined()
      })

      it('hears deltas as they are published, and finds them again', async () => {
        const session = newSession()
        const delta = (offset: number) =>
          ({ call: 'c1', attempt: 1, block: 0, kind: 'text', offset, text: 'x' }) as const
        const heard: number[] = []
        const last = Promise.withResolvers<void>()
        const subscription = subject.feed.deltas(session, (one) => {
          heard.push(one.delta.offset)
          if (one.delta.offset === 2) last.resolve()
        })
        for (const offset of [0, 1, 2]) subject.feed.publishDelta(session, 'e', delta(offset))
        await last.promise
        subscription.close()
        expect(heard).toEqual([0, 1, 2])
        // The broker may say a delta before it has it.
        const kept = () => subject.feed.recentDeltas(session, { limit: 2 })
        const lastTwo = [1, 2].map((offset) => ({ session, role: 'e', delta: delta(offset) }))
        await expect.poll(kept, { timeout: 20_000 }).toEqual(lastTwo)
      })
    })

    describe('work', () => {
      it('hands a trigger to its own pool and kind, and no other frame', async () => {
        const [exec, other, tool] = [await pool('exec'), await pool('exec'), await pool('tool')]
        const session = newSession()
        await write(session, 'log only')
        const { draft } = await write(session, 'work', exec.to)
        const asked = await write(session, 'run', tool.to)
        const trigger = await exec.received.next()
        expect(trigger).toMatchObject({
          session,
          frame: { id: draft.id, n: 2 },
          to: exec.to,
          redelivered: false,
          earlier: false,
        })
        expect((await tool.received.next()).frame.id).toBe(asked.draft.id)
        for (const one of [exec, tool]) for (const trigger of one.received.all) trigger.ack()
        expect([exec, other, tool].map(({ received }) => received.all.length)).toEqual([1, 0, 1])
        await Promise.all([exec, other, tool].map(({ consumption }) => consumption.close()))
      })

      it('keeps what was appended before anybody served the pool', async () => {
        const key = newId()
        await subject.work.ensurePool('exec', key, {})
        const { draft } = await write(newSession(), 'early', toExec(key))
        const received = new Received()
        const consumption = await subject.work.consume('exec', key, {
          free: () => 1,
          on: received.on,
          failed: () => {},
        })
        const trigger = await received.next()
        expect(trigger.frame.id).toBe(draft.id)
        expect(trigger.earlier).toBe(true)
        trigger.ack()
        await consumption.close()
        expect(await subject.work.pools()).toContainEqual({ key, kind: 'exec', labels: {} })
      })

      it('lets who was given a trigger by its holder ack it, and gives it to nobody else', async () => {
        const { key, received, consumption, to } = await pool('exec')
        const { draft } = await write(newSession(), 'given', to)
        const { frame, handle } = await received.next()
        expect(await subject.work.given('exec', key, frame.seq + 1, handle)).toBeUndefined()
        expect(await subject.work.given('exec', newId(), frame.seq, handle)).toBeUndefined()
        const given = await subject.work.given('exec', key, frame.seq, handle)
        expect(given).toMatchObject({ frame: { id: draft.id, seq: frame.seq }, redelivered: false })
        given?.ack()
        const next = await write(newSession(), 'next', to)
        const after = await received.next()
        expect(after.frame.id).toBe(next.draft.id)
        after.ack()
        await consumption.close()
      })

      it('gives no more than a process has room for, until it says that there is room', async () => {
        const key = newId()
        await subject.work.ensurePool('exec', key, {})
        const received = new Received()
        let free = 1
        const consumption = await subject.work.consume('exec', key, {
          free: () => free,
          on: (trigger) => {
            free--
            received.on(trigger)
          },
          failed: () => {},
        })
        const written = [await write(newSession(), 'one', toExec(key)), await write(newSession(), 'two', toExec(key))]
        const first = await received.next()
        expect(received.all).toHaveLength(1)
        first.ack()
        free = 1
        consumption.wake()
        const second = await received.next()
        second.ack()
        // Sessions of two streams have no order between them.
        expect(new Set([first.frame.id, second.frame.id])).toEqual(new Set(written.map(({ draft }) => draft.id)))
        await consumption.close()
      })

      it('gives a trigger again after a nak, and says so', async () => {
        const { received, to, consumption } = await pool('exec')
        const { draft } = await write(newSession(), 'work', to)
        const first = await received.next()
        first.nak(subject.ackWaitMs / 10)
        const second = await received.next()
        expect(second).toMatchObject({ frame: { id: draft.id }, redelivered: true })
        second.ack()
        await consumption.close()
      })

      it('gives a trigger again after ack_wait, and never again after an ack', async () => {
        const { received, to, consumption } = await pool('exec')
        const acked = await write(newSession(), 'acked', to)
        const kept = await write(newSession(), 'kept', to)
        ;(await received.delivery(acked.draft.id, 1)).ack()
        const again = await received.delivery(kept.draft.id, 2)
        expect(again.redelivered).toBe(true)
        expect(received.times(acked.draft.id)).toBe(1)
        again.ack()
        await consumption.close()
      })

      it('keeps a trigger with the holder who says that it is working', async () => {
        const { received, to, consumption } = await pool('exec')
        // A holder that this machine lets fall silent for too long loses its trigger rightly: that try shows nothing.
        for (let punctual = false; !punctual; ) {
          punctual = true
          let spoke = performance.now()
          const speak = (holding: Trigger) => {
            if (performance.now() - spoke > subject.ackWaitMs / 2) punctual = false
            spoke = performance.now()
            holding.working()
          }
          const held = await write(newSession(), 'held', to)
          const dropped = await write(newSession(), 'dropped', to)
          const holding = await received.delivery(held.draft.id, 1)
          speak(holding)
          const speaking = setInterval(() => speak(holding), subject.ackWaitMs / 8)
          const again = await received.delivery(dropped.draft.id, 2)
          clearInterval(speaking)
          speak(holding)
          if (punctual) expect(received.times(held.draft.id)).toBe(1)
          again.ack()
          holding.ack()
        }
        await consumption.close()
      })

      it('obeys the late ack of a holder that lost its trigger: not to send it is the holder’s duty', async () => {
        const { received, to, consumption } = await pool('exec')
        const work = await write(newSession(), 'work', to)
        const loser = await received.delivery(work.draft.id, 1)
        await received.delivery(work.draft.id, 2)
        loser.ack()
        const marker = await write(newSession(), 'marker', to)
        const again = await received.delivery(marker.draft.id, 2)
        expect(received.times(work.draft.id)).toBe(2)
        again.ack()
        await consumption.close()
      })

      it('counts what waits and what is being worked on', async () => {
        const key = newId()
        await subject.work.ensurePool('tool', key, {})
        // In one stream: whoever asks several streams is handed what then waits at its own door.
        const root = newSession()
        await write(root, 'one', toTool(key))
        await write(childId(root, 'c1'), 'two', toTool(key))
        // What a replica counts may lag behind what it has acknowledged.
        const counted = () => expect.poll(() => subject.work.backlog('tool', key), { timeout: 20_000 })
        await counted().toMatchObject({ backlog: 2, inProgress: 0 })
        const received = new Received()
        let free = 1
        const consumption = await subject.work.consume('tool', key, {
          free: () => free,
          on: (trigger) => {
            free--
            received.on(trigger)
          },
          failed: () => {},
        })
        const first = await received.next()
        await counted().toMatchObject({ backlog: 1, inProgress: 1 })
        first.ack()
        free = 1
        consumption.wake()
        ;(await received.next()).ack()
        await consumption.close()
      })

      it('hands out no more than there is room for, whichever sessions they are of', async () => {
        const key = newId()
        await subject.work.ensurePool('tool', key, {})
        const sessions = Array.from({ length: 12 }, newSession)
        for (const session of sessions) await write(session, 'one', toTool(key))
        const done = new Set<string>()
        const all = Promise.withResolvers<void>()
        let held = 0
        let most = 0
        const consumption = await subject.work.consume('tool', key, {
          free: () => 1 - held,
          on: (trigger) => {
            most = Math.max(most, ++held)
            setImmediate(() => {
              trigger.ack()
              held--
              if (done.add(trigger.session).size === sessions.length) all.resolve()
              consumption.wake()
            })
          },
          failed: all.reject,
        })
        await all.promise
        expect([most, done]).toEqual([1, new Set(sessions)])
        await consumption.close()
      })
    })

    describe('bundles', () => {
      const bundle = (length = 300_000) => {
        const bytes = Buffer.alloc(length, newId())
        return { bytes, digest: bundleDigest(bytes) }
      }

      it('keeps what it was given, and nothing else', async () => {
        const { bundles } = subject
        const { bytes, digest } = bundle()
        expect(await bundles.get(digest)).toBeUndefined()
        for (const _ of [1, 2]) await bundles.put(digest, bytes)
        expect(Buffer.from((await bundles.get(digest)) ?? [])).toEqual(bytes)
      })

      it('removes a bundle, once and again, and keeps it again behind that removal', async () => {
        const { bundles } = subject
        const { bytes, digest } = bundle()
        await bundles.remove(digest, 3)
        await bundles.put(digest, bytes)
        for (const _ of [1, 2]) await bundles.remove(digest, 7)
        expect(await bundles.get(digest)).toBeUndefined()
        for (const _ of [1, 2]) await bundles.put(digest, bytes, 7)
        await bundles.remove(digest, 7) // It comes late.
        expect(Buffer.from((await bundles.get(digest)) ?? [])).toEqual(bytes)
        await bundles.remove(digest, 9)
        expect(await bundles.get(digest)).toBeUndefined()
      })

      it('keeps a bundle again that is not removed yet, and one that was never there', async () => {
        const { bundles } = subject
        const [old, unknown] = [bundle(), bundle(10)]
        await bundles.put(old.digest, old.bytes)
        for (const { digest, bytes } of [old, unknown]) {
          await bundles.put(digest, bytes, 5)
          await bundles.remove(digest, 5)
          expect(Buffer.from((await bundles.get(digest)) ?? [])).toEqual(bytes)
        }
      })

      it('is whole, however many remove and keep a bundle at once', async () => {
        const { bundles } = subject
        const { bytes, digest } = bundle()
        await bundles.put(digest, bytes)
        await Promise.all([
          ...[1, 2].map(() => bundles.remove(digest, 5)),
          ...[1, 2, 3].map(() => bundles.put(digest, bytes, 5)),
        ])
        expect(Buffer.from((await bundles.get(digest)) ?? [])).toEqual(bytes)
      })
    })

    describe('timers', () => {
      it('fires each once, and what was armed again at its last time', async () => {
        const session = newSession()
        const start = subject.now()
        const at = (steps: number) => start + steps * subject.timerStepMs
        const fired: string[] = []
        const last = Promise.withResolvers<void>()
        const consumption = await subject.timers.consumeFired(
          async (of, timer) => {
            if (of !== session) return
            fired.push(timer)
            if (timer === 'last') last.resolve()
          },
          (error) => last.reject(error),
        )
        await subject.timers.arm(session, 'moved', at(3))
        await subject.timers.arm(session, 'first', at(1))
        await subject.timers.arm(session, 'moved', at(2))
        await subject.timers.arm(session, 'last', at(5))
        await last.promise
        await consumption.close()
        expect(fired).toEqual(['first', 'moved', 'last'])
      })

      it('hands a timer over again when it could not be taken', async () => {
        const session = newSession()
        let times = 0
        const taken = Promise.withResolvers<void>()
        const consumption = await subject.timers.consumeFired(
          async (of) => {
            if (of !== session) return
            times++
            if (times === 1) throw new Error('not now')
            taken.resolve()
          },
          (error) => taken.reject(error),
        )
        await subject.timers.arm(session, 'stubborn', subject.now())
        await taken.promise
        await consumption.close()
        expect(times).toBe(2)
      })

      it('keeps what fired while nobody listened', async () => {
        const session = newSession()
        await subject.timers.arm(session, 'early', subject.now())
        const heard = Promise.withResolvers<string>()
        const consumption = await subject.timers.consumeFired(
          async (of, timer) => {
            if (of === session) heard.resolve(timer)
          },
          (error) => heard.reject(error),
        )
        expect(await heard.promise).toBe('early')
        await consumption.close()
      })
    })

    const describeStores: (what: string, tests: () => void) => void = parts === 'all' ? describe : () => undefined
    describeStores('snapshots and kept outputs', () => {
      it('keeps the latest snapshot of a session until it is deleted', async () => {
        const session = newSession()
        const snapshot = { seq: 7, n: 3, hash: 'h', foldVersion: 1, state: { id: session, list: [1, 2] } }
        expect(await subject.snapshots.read(session)).toBeUndefined()
        await subject.snapshots.write(session, { ...snapshot, n: 2 })
        await subject.snapshots.write(session, snapshot)
        expect(await subject.snapshots.read(session)).toEqual(snapshot)
        await subject.snapshots.delete(session)
        expect(await subject.snapshots.read(session)).toBeUndefined()
      })

      it('keeps some older snapshots, so that one is found before any frame of a long session', async () => {
        const session = newSession()
        for (let n = 32; n <= 4096; n += 32)
          await subject.snapshots.write(session, { seq: n, n, hash: `h${n}`, foldVersion: 1, state: {} })
        expect((await subject.snapshots.read(session))?.n).toBe(4096)
        expect(await subject.snapshots.read(session, { upTo: 63 })).toBeUndefined()
        for (const upTo of [64, 100, 1000, 2047, 2048, 4095]) {
          const found = await subject.snapshots.read(session, { upTo })
          expect(found?.n).toBeLessThanOrEqual(upTo)
          expect(found?.n).toBeGreaterThan(upTo * 0.6)
        }
        await subject.snapshots.delete(session)
        expect(await subject.snapshots.read(session, { upTo: 4096 })).toBeUndefined()
      })

      it('keeps bytes by their digest, whole or in pieces', async () => {
        const bytes = new TextEncoder().encode(`some bytes ${newId()}`)
        async function* pieces() {
          yield bytes.subarray(0, 4)
          yield bytes.subarray(4)
        }
        const session = newSession()
        const { ref = '' } = await subject.outputs.put(session, bytes)
        expect(await subject.outputs.put(session, pieces())).toEqual({ ref, dropped: 0 })
        const stored = await subject.outputs.get(session, ref)
        expect(stored?.size).toBe(bytes.length)
        const read: Uint8Array[] = []
        for await (const part of stored?.bytes ?? []) read.push(part)
        expect(Buffer.concat(read).toString()).toBe(new TextDecoder().decode(bytes))
        expect(await subject.outputs.get(session, '0'.repeat(64))).toBeUndefined()
        expect(await subject.outputs.get(newSession(), ref)).toBeUndefined()
      })

      it('keeps no more than its limit of a session whose outputs end at the same moment', async () => {
        const session = newSession()
        const quarter = subject.outputBytesOfSession / 4 + 1
        const kept = await Promise.all(
          ['a', 'b', 'c', 'd', 'e'].map((letter) => subject.outputs.put(session, Buffer.alloc(quarter, letter))),
        )
        expect(kept.map(({ dropped }) => dropped)).toEqual([0, 0, 0, 4, quarter])
      })

      it('cuts what a session keeps beyond its limit, and says by how much', async () => {
        const session = newSession()
        const half = subject.outputBytesOfSession / 2
        expect(await subject.outputs.put(session, Buffer.alloc(half, 'a'))).toMatchObject({ dropped: 0 })
        const { ref = '', dropped } = await subject.outputs.put(session, Buffer.alloc(half + 3, 'b'))
        expect(dropped).toBe(3)
        expect((await subject.outputs.get(session, ref))?.size).toBe(half)
        expect(await subject.outputs.put(session, Buffer.alloc(5, 'c'))).toEqual({ ref: undefined, dropped: 5 })
        expect(await subject.outputs.put(newSession(), Buffer.alloc(5, 'c'))).toMatchObject({ dropped: 0 })
      })
    })

    it('goes on from a refusal: what was refused is written on the head that the tail shows', async () => {
      const session = newSession()
      const { head } = await write(session, 'one')
      await write(session, 'two')
      const refused: AppendOutcome = await subject.sessions.append(session, draftOn(head, 'late'), toLog, head.hash)
      if (refused.kind !== 'refused') throw new Error('a frame on an old head was taken')
      const top = headOf(refused.tail.at(-1)!)
      expect(await subject.sessions.append(session, draftOn(top, 'late'), toLog, top.hash)).toMatchObject({
        kind: 'appended',
        head: { n: 3 },
      })
    })
  })
}
