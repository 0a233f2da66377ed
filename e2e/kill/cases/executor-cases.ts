// PROTOCOL 12, the rows of the executor: killed at each step, stalled, and what the model and the tools then saw of it.
import { expect } from 'vitest'
import { eventually } from '../../harness/eventually.ts'
import { attemptOf, type Bench, type Case, countOf, eventsOf, wrongIn } from '../bench.ts'

/** A turn with one tool that may run once only: whatever step the executor dies at, it runs once, and the turn is answered. */
function killedInToolTurn(point: string, title: string): Case {
  return {
    slug: point.replaceAll('.', '-'),
    title: `${title} (${point}): the turn goes on, its tool runs once`,
    async run(bench: Bench) {
      const victim = await bench.victim('executor', point)
      await bench.agent()
      const begun = await bench.untilPaused(victim, bench.leavesLine())
      await victim.kill()
      const logs = await bench.allSound(begun)
      for (const [at, log] of logs.entries()) {
        expect(countOf(log, 'turn.completed', { reason: 'answered' })).toBe(1)
        expect(countOf(log, 'tool-call.completed', { status: 'ok' })).toBe(1)
        expect(bench.ran(begun[at]?.session ?? '')).toBe(1)
      }
    },
  }
}

const killedInStream: Case = {
  slug: 'executor-in-stream',
  title: 'an executor killed in the model stream: another takes the call over as attempt 2',
  async run(bench) {
    const victim = await bench.victim('executor', 'executor.in-stream')
    await bench.agent()
    const begun = await bench.untilPaused(victim, 'stream 120 every 50', 'model-call.started')
    const hit = begun.at(-1)
    // Only who has seen some of the answer can be told that it begins anew; what the executor has said may still be on its way.
    for (const follower of hit?.followers ?? [])
      await eventually(() => follower.deltas > 0, { describe: () => `text of ${follower.session}` })
    await victim.kill()
    const logs = await bench.allSound(begun)
    const log = logs.at(-1) ?? []
    const [failed] = eventsOf(log).filter(({ type }) => type === 'model-call.failed')
    expect(failed?.data).toMatchObject({ attempt: 1, error: { code: 'lost' } })
    expect(failed?.by).not.toBe(victim.instance())
    expect(countOf(log, 'model-call.completed')).toBe(1)
    // Who looked on was told that the answer begins anew, and was shown the one that counts.
    for (const follower of hit?.followers ?? []) expect(follower.restarted).toBeGreaterThan(0)
    expect(wrongIn(hit?.followers ?? [], log)).toEqual([])
  },
}

const killedBetweenAnswerAndRequest: Case = {
  slug: 'executor-between',
  title:
    'an executor killed between the answer and the tool request (it was paused there): the calls without a request are seen',
  async run(bench) {
    await bench.agent()
    const words = Array.from({ length: 120 }, (_, at) => `word${at}`).join(' ')
    const paused = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const watched = await bench.begin(`${bench.leavesLine()} # ${words}`)
        await watched.followers[0]?.sees(({ type }) => type === 'model-call.started')
        await bench.world.api.control(watched.session, 'pause')
        // The call that is in flight ends and is recorded; nothing new starts.
        await watched.followers[0]?.sees(({ type }) => type === 'model-call.completed')
        return watched
      }),
    )
    for (const { session } of paused) {
      const { log } = await bench.world.checked(session)
      expect(countOf(log, 'tool-calls.requested')).toBe(0)
    }
    const victim = await bench.victim('executor', 'executor.before-intent')
    for (const { session } of paused) await bench.world.api.control(session, 'resume')
    const more = victim.isPaused() ? [] : await bench.untilPaused(victim, 'say more')
    await victim.kill()
    await bench.allSound(more)
    for (const [at, log] of (await bench.allSound(paused)).entries()) {
      expect(countOf(log, 'tool-calls.requested')).toBe(1)
      expect(bench.ran(paused[at]?.session ?? '')).toBe(1)
    }
  },
}

const stalled: Case = {
  slug: 'executor-stalled',
  title:
    'an executor stopped past ack_wait and continued: it forgets what it lost, and the death of the winner stops nothing',
  async run(bench) {
    const { world } = bench
    // Only these two: the survivor of the other cases would take the call over, and could not be killed.
    const pair = await Promise.all([bench.victim('executor'), bench.victim('executor')])
    await bench.agent()
    const watched = await bench.begin('stream 60 every 50')
    const holderOf = async (attempt: number) =>
      eventually(async () => {
        const { log } = await world.checked(watched.session)
        const started = eventsOf(log).find(
          ({ type, data }) => type === 'model-call.started' && 'attempt' in data && data.attempt === attempt,
        )
        return pair.find((one) => one.instance() === started?.by)
      })
    const loser = await holderOf(1)
    await watched.followers[0]?.seesText()
    loser.stop()
    const winner = await holderOf(2)
    loser.continue()
    await watched.followers[0]?.seesText()
    await winner.kill()
    const log = await bench.sound(watched)
    expect(countOf(log, 'model-call.completed')).toBe(1)
    expect(attemptOf(log)).toBeGreaterThanOrEqual(3)
    await loser.kill()
  },
}

export const executorCases: readonly Case[] = [
  killedInToolTurn('executor.trigger', 'an executor killed with a trigger in its hands'),
  killedInToolTurn('executor.before-intent', 'an executor killed before the intent'),
  killedInToolTurn('executor.before-append', 'an executor killed before it appends'),
  killedInToolTurn('executor.sent-early', 'an executor killed with a call under way that the log may not tell of'),
  killedInToolTurn('executor.after-append', 'an executor killed between the intent and the call'),
  killedInToolTurn('executor.before-outcome', 'an executor killed with an answer that is not recorded'),
  killedInToolTurn('executor.before-ack', 'an executor killed before it acks'),
  killedInStream,
  killedBetweenAnswerAndRequest,
]
/** Not in the survivors' pools. */
export const pairCases: readonly Case[] = [stalled]
