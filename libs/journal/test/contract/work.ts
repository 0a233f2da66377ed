// How triggers come to those who do the work, and what fires by itself.
import { childId, toExec, toTool } from '@reins/contracts'
import { newId, newSession, Received, type Trial } from './trial.ts'
import { describe, expect, it } from 'vitest'
import type { Trigger } from '../../src/port.ts'

export function workContract(on: Trial): void {
  describe('work', () => {
    it('hands a trigger to its own pool and kind, and no other frame', async () => {
      const [exec, other, tool] = [await on.pool('exec'), await on.pool('exec'), await on.pool('tool')]
      const session = newSession()
      await on.write(session, 'log only')
      const { draft } = await on.write(session, 'work', exec.to)
      const asked = await on.write(session, 'run', tool.to)
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
      await on.subject.work.ensurePool('exec', key, {})
      const { draft } = await on.write(newSession(), 'early', toExec(key))
      const received = new Received()
      const consumption = await on.subject.work.consume('exec', key, {
        free: () => 1,
        on: received.on,
        failed: () => {},
      })
      const trigger = await received.next()
      expect(trigger.frame.id).toBe(draft.id)
      expect(trigger.earlier).toBe(true)
      trigger.ack()
      await consumption.close()
      expect(await on.subject.work.pools()).toContainEqual({ key, kind: 'exec', labels: {} })
    })

    it('lets who was given a trigger by its holder ack it, and gives it to nobody else', async () => {
      const { key, received, consumption, to } = await on.pool('exec')
      const { draft } = await on.write(newSession(), 'given', to)
      const { frame, handle } = await received.next()
      expect(await on.subject.work.given('exec', key, frame.seq + 1, handle)).toBeUndefined()
      expect(await on.subject.work.given('exec', newId(), frame.seq, handle)).toBeUndefined()
      const given = await on.subject.work.given('exec', key, frame.seq, handle)
      expect(given).toMatchObject({ frame: { id: draft.id, seq: frame.seq }, redelivered: false })
      given?.ack()
      const next = await on.write(newSession(), 'next', to)
      const after = await received.next()
      expect(after.frame.id).toBe(next.draft.id)
      after.ack()
      await consumption.close()
    })

    it('gives no more than a process has room for, until it says that there is room', async () => {
      const key = newId()
      await on.subject.work.ensurePool('exec', key, {})
      const received = new Received()
      let free = 1
      const consumption = await on.subject.work.consume('exec', key, {
        free: () => free,
        on: (trigger) => {
          free--
          received.on(trigger)
        },
        failed: () => {},
      })
      const written = [
        await on.write(newSession(), 'one', toExec(key)),
        await on.write(newSession(), 'two', toExec(key)),
      ]
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
      const { received, to, consumption } = await on.pool('exec')
      const { draft } = await on.write(newSession(), 'work', to)
      const first = await received.next()
      first.nak(on.subject.ackWaitMs / 10)
      const second = await received.next()
      expect(second).toMatchObject({ frame: { id: draft.id }, redelivered: true })
      second.ack()
      await consumption.close()
    })

    it('gives a trigger again after ack_wait, and never again after an ack', async () => {
      const { received, to, consumption } = await on.pool('exec')
      const acked = await on.write(newSession(), 'acked', to)
      const kept = await on.write(newSession(), 'kept', to)
      ;(await received.delivery(acked.draft.id, 1)).ack()
      const again = await received.delivery(kept.draft.id, 2)
      expect(again.redelivered).toBe(true)
      expect(received.times(acked.draft.id)).toBe(1)
      again.ack()
      await consumption.close()
    })

    it('keeps a trigger with the holder who says that it is working', async () => {
      const { received, to, consumption } = await on.pool('exec')
      // A holder that this machine lets fall silent for too long loses its trigger rightly: that try shows nothing.
      for (let punctual = false; !punctual; ) {
        punctual = true
        let spoke = performance.now()
        const speak = (holding: Trigger) => {
          if (performance.now() - spoke > on.subject.ackWaitMs / 2) punctual = false
          spoke = performance.now()
          holding.working()
        }
        const held = await on.write(newSession(), 'held', to)
        const dropped = await on.write(newSession(), 'dropped', to)
        const holding = await received.delivery(held.draft.id, 1)
        speak(holding)
        const speaking = setInterval(() => speak(holding), on.subject.ackWaitMs / 8)
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
      const { received, to, consumption } = await on.pool('exec')
      const work = await on.write(newSession(), 'work', to)
      const loser = await received.delivery(work.draft.id, 1)
      await received.delivery(work.draft.id, 2)
      loser.ack()
      const marker = await on.write(newSession(), 'marker', to)
      const again = await received.delivery(marker.draft.id, 2)
      expect(received.times(work.draft.id)).toBe(2)
      again.ack()
      await consumption.close()
    })

    it('counts what waits and what is being worked on', async () => {
      const key = newId()
      await on.subject.work.ensurePool('tool', key, {})
      // In one stream: whoever asks several streams is handed what then waits at its own door.
      const root = newSession()
      await on.write(root, 'one', toTool(key))
      await on.write(childId(root, 'c1'), 'two', toTool(key))
      // What a replica counts may lag behind what it has acknowledged.
      const counted = () => expect.poll(() => on.subject.work.backlog('tool', key), { timeout: 20_000 })
      await counted().toMatchObject({ backlog: 2, inProgress: 0 })
      const received = new Received()
      let free = 1
      const consumption = await on.subject.work.consume('tool', key, {
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
      await on.subject.work.ensurePool('tool', key, {})
      const sessions = Array.from({ length: 12 }, newSession)
      for (const session of sessions) await on.write(session, 'one', toTool(key))
      const done = new Set<string>()
      const all = Promise.withResolvers<void>()
      let held = 0
      let most = 0
      const consumption = await on.subject.work.consume('tool', key, {
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

  describe('timers', () => {
    it('fires each once, and what was armed again at its last time', async () => {
      const session = newSession()
      const start = on.subject.now()
      const at = (steps: number) => start + steps * on.subject.timerStepMs
      const fired: string[] = []
      const last = Promise.withResolvers<void>()
      const consumption = await on.subject.timers.consumeFired(
        async (of, timer) => {
          if (of !== session) return
          fired.push(timer)
          if (timer === 'last') last.resolve()
        },
        (error) => last.reject(error),
      )
      await on.subject.timers.arm(session, 'moved', at(3))
      await on.subject.timers.arm(session, 'first', at(1))
      await on.subject.timers.arm(session, 'moved', at(2))
      await on.subject.timers.arm(session, 'last', at(5))
      await last.promise
      await consumption.close()
      expect(fired).toEqual(['first', 'moved', 'last'])
    })

    it('hands a timer over again when it could not be taken', async () => {
      const session = newSession()
      let times = 0
      const taken = Promise.withResolvers<void>()
      const consumption = await on.subject.timers.consumeFired(
        async (of) => {
          if (of !== session) return
          times++
          if (times === 1) throw new Error('not now')
          taken.resolve()
        },
        (error) => taken.reject(error),
      )
      await on.subject.timers.arm(session, 'stubborn', on.subject.now())
      await taken.promise
      await consumption.close()
      expect(times).toBe(2)
    })

    it('keeps what fired while nobody listened', async () => {
      const session = newSession()
      await on.subject.timers.arm(session, 'early', on.subject.now())
      const heard = Promise.withResolvers<string>()
      const consumption = await on.subject.timers.consumeFired(
        async (of, timer) => {
          if (of === session) heard.resolve(timer)
        },
        (error) => heard.reject(error),
      )
      expect(await heard.promise).toBe('early')
      await consumption.close()
    })
  })
}
