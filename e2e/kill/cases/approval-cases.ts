// A call that waits for a person outlives every process: it waits without any, and whatever dies between the decision and the run, it runs
// at most once, no decision is lost, and nothing hangs.
import type { ApprovalDecided } from '@reins/contracts'
import { expect } from 'vitest'
import { Api } from '../../harness/api.ts'
import { eventually } from '../../harness/eventually.ts'
import { type Bench, type Case, countOf, eventsOf, type Watched } from '../bench.ts'

const asking = (bench: Bench) =>
  bench.world.agent(bench.slug, { affinity: bench.labels, tools: [{ shell: { approval: 'always' } }] })

interface Waiting extends Watched {
  readonly call: string
}

async function waits(bench: Bench): Promise<Waiting> {
  const watched = await bench.begin(bench.leavesLine())
  await watched.followers[0]?.sees(({ type }) => type === 'approval.requested')
  const asked = eventsOf(await bench.world.readLog(watched.session)).find(({ type }) => type === 'approval.requested')
  return { ...watched, call: asked?.type === 'approval.requested' ? asked.data.call : '' }
}

const pathOf = ({ session, call }: Waiting): string => `/v1/sessions/${session}/approvals/${call}`
const approve = (bench: Bench, waiting: Waiting, gateway = 0) =>
  bench.world.api.once<ApprovalDecided>('POST', pathOf(waiting), { verdict: 'approved' }, { gateway })

const killedWhileWaiting: Case = {
  slug: 'approval-waiting',
  title:
    'executor, tool-runner and gateway killed while a call waits for a person: it is approved afterwards, and runs once',
  async run(bench) {
    const { world } = bench
    const victims = [
      await world.start('executor', { labels: bench.labels }),
      await world.start('tool-runner', { labels: bench.labels }),
      await world.start('session-gateway', { pauseAt: 'nowhere' }),
    ]
    await asking(bench)
    const waiting = await waits(bench)
    await Promise.all(victims.map((victim) => victim.kill()))
    expect(bench.ran(waiting.session)).toBe(0)
    expect((await approve(bench, waiting)).status).toBe(202)
    const log = await bench.sound(waiting)
    expect(countOf(log, 'approval.requested')).toBe(1)
    expect(countOf(log, 'approval.decided')).toBe(1)
    expect(countOf(log, 'tool-call.completed', { status: 'ok' })).toBe(1)
    expect(bench.ran(waiting.session)).toBe(1)
  },
}

/** `ran`: how often the call of the session that was hit may have run. */
function killedAfterDecision(name: 'executor' | 'tool-runner', point: string, ran: readonly number[]): Case {
  return {
    slug: `approval-${point.replaceAll('.', '-')}`,
    title: `${name} killed at ${point}, after a person approved the call: the decision is not lost, and nothing runs twice`,
    async run(bench) {
      await asking(bench)
      const decided: Waiting[] = []
      // All of them wait before the victim comes: it has only decisions to act on, whichever of them the broker gives it.
      const asked = await Promise.all(Array.from({ length: 8 }, () => waits(bench)))
      const victim = await bench.victim(name, point)
      while (!victim.isPaused()) {
        const waiting = asked.shift()
        if (!waiting) throw new Error('the broker gave the victim none of eight decisions')
        decided.push(waiting)
        expect((await approve(bench, waiting)).status).toBe(202)
        await eventually(async () => victim.isPaused() || (await bench.world.checked(waiting.session)).atRest)
      }
      await victim.kill()
      for (const { followers } of asked) for (const follower of followers) follower.close()
      for (const [at, log] of (await bench.allSound(decided)).entries()) {
        const { session } = decided[at]!
        expect(countOf(log, 'approval.decided')).toBe(1)
        expect(countOf(log, 'turn.completed')).toBe(1)
        const ended = countOf(log, 'tool-call.completed', { status: 'ok' }) + countOf(log, 'tool-call.outcome-unknown')
        expect(ended).toBe(1)
        expect(at === decided.length - 1 ? ran : [1]).toContain(bench.ran(session))
      }
    },
  }
}

function gatewayKilled(point: string): Case {
  return {
    slug: `approval-${point.replaceAll('.', '-')}`,
    title: `a gateway killed at ${point} of a decision: said again elsewhere, it is in once`,
    async run(bench) {
      const { world } = bench
      const victim = await world.start('session-gateway', { pauseAt: point })
      await asking(bench)
      const waiting = await waits(bench)
      const cut = new Api(() => [victim.url], world.token)
        .once('POST', pathOf(waiting), { verdict: 'approved' })
        .catch(() => 'cut')
      await victim.paused()
      await victim.kill()
      expect(await cut).toBe('cut')
      const again = await approve(bench, waiting, 1)
      // By then the call may have run, and the turn be over: then it is told that it was decided.
      expect([200, 202, 409]).toContain(again.status)
      const log = await bench.sound(waiting)
      expect(countOf(log, 'approval.decided')).toBe(1)
      expect(bench.ran(waiting.session)).toBe(1)
    },
  }
}

export const approvalCases: readonly Case[] = [
  killedWhileWaiting,
  killedAfterDecision('executor', 'executor.trigger', [1]),
  killedAfterDecision('executor', 'executor.before-append', [1]),
  killedAfterDecision('executor', 'executor.after-append', [1]),
  killedAfterDecision('tool-runner', 'tool-runner.before-claim', [1]),
  killedAfterDecision('tool-runner', 'tool-runner.after-claim', [0]),
  killedAfterDecision('tool-runner', 'tool-runner.before-outcome', [1]),
  gatewayKilled('gateway.before-append'),
  gatewayKilled('gateway.after-append'),
]
