// PROTOCOL 12, the row of the tool-runner: a tool that may run once only runs at most once, one that may run again does.
import { expect } from 'vitest'
import { eventually } from '../../harness/eventually.ts'
import { type Bench, type Case, countOf, eventsOf, type Watched } from '../bench.ts'

interface Expected {
  /** How the call of the session that was hit ended. */
  readonly outcome: 'completed' | 'unknown'
  /** How often its command may have run. */
  readonly ran: readonly number[]
}

function killedWithOnceOnly(point: string, title: string, expected: Expected, more = ''): Case {
  return {
    slug: point.replaceAll('.', '-'),
    title,
    async run(bench: Bench) {
      const victim = await bench.victim('tool-runner', point)
      await bench.agent()
      const begun = await bench.untilPaused(victim, bench.leavesLine(more))
      await victim.kill()
      const logs = await bench.allSound(begun)
      const hit = logs.at(-1) ?? []
      for (const [at, log] of logs.entries()) {
        expect(countOf(log, 'turn.completed')).toBe(1)
        const unknown = countOf(log, 'tool-call.outcome-unknown')
        const completed = countOf(log, 'tool-call.completed', { status: 'ok' })
        expect(unknown + completed).toBe(1)
        const ran = bench.ran(begun[at]?.session ?? '')
        if (log === hit) {
          expect(expected.ran).toContain(ran)
          // On a machine that let the victim wait too long, another one had given its call up before it came to its point.
          const givenUp = countOf(log, 'tool-call.late-result') > 0
          expect(unknown).toBe(expected.outcome === 'unknown' || givenUp ? 1 : 0)
        } else expect(ran).toBe(1)
      }
    },
  }
}

const safeRunsAgain: Case = {
  slug: 'tool-runner-safe',
  title: 'a tool-runner killed with the result of a tool that may run again: it runs again',
  async run(bench) {
    const victim = await bench.victim('tool-runner', 'tool-runner.before-outcome')
    await bench.agent()
    const begun = await bench.untilPaused(victim, `write ${bench.slug}.txt: hello`)
    await victim.kill()
    for (const log of await bench.allSound(begun)) {
      expect(countOf(log, 'tool-call.completed', { status: 'ok' })).toBe(1)
      expect(countOf(log, 'turn.completed')).toBe(1)
    }
    expect(bench.world.lines(`${bench.slug}.txt`)).toEqual(['hello'])
  },
}

const lateResult: Case = {
  slug: 'tool-runner-stalled',
  title: 'a tool-runner stopped in a tool past its silence and continued: what it still delivers is evidence',
  async run(bench) {
    const victim = await bench.victim('tool-runner', 'tool-runner.in-tool')
    await bench.agent()
    const begun = await bench.untilPaused(victim, bench.leavesLine('; sleep 1; echo done'))
    const hit = begun.at(-1)
    if (!hit) throw new Error('no session was begun')
    await eventually(() => bench.ran(hit.session) === 1)
    victim.stop()
    await hit.followers[0]?.sees(({ type }) => type === 'tool-call.outcome-unknown')
    victim.continue()
    await hit.followers[0]?.sees(({ type }) => type === 'tool-call.late-result')
    const logs = await bench.allSound(begun)
    const log = logs.at(-1) ?? []
    expect(countOf(log, 'tool-call.outcome-unknown')).toBe(1)
    expect(countOf(log, 'tool-call.completed')).toBe(0)
    const late = eventsOf(log).filter(({ type }) => type === 'tool-call.late-result')
    expect(late.map(({ by }) => by)).toEqual([victim.instance()])
    expect(bench.ran(hit.session)).toBe(1)
    await victim.kill()
  },
}

const crashed: Case = {
  slug: 'tool-runner-crashes',
  title: 'a tool call under which each tool-runner dies is run four times at most, and ends as crashed',
  async run(bench) {
    await bench.agent()
    let runs = 0
    const killed = async (): Promise<boolean> => {
      const victim = await bench.victim('tool-runner', 'tool-runner.before-outcome')
      const watched = hit ?? (await bench.begin(`write ${bench.slug}.txt: hello`))
      hit = watched
      const ended = async () => (await bench.world.checked(watched.session)).atRest
      await eventually(async () => victim.isPaused() || (await ended()), { withinMs: 45_000 })
      if (victim.isPaused()) runs++
      const goesOn = victim.isPaused()
      await victim.kill()
      return goesOn
    }
    let hit: Watched | undefined
    while (runs <= 4 && (await killed()));
    if (!hit) throw new Error('no session was begun')
    const log = await bench.sound(hit)
    expect(runs).toBeLessThanOrEqual(4)
    expect(runs).toBeGreaterThanOrEqual(3)
    expect(countOf(log, 'tool-call.completed', { status: 'error', code: 'crashed' })).toBe(1)
    expect(countOf(log, 'tool-call.started')).toBe(3)
    expect(countOf(log, 'turn.completed')).toBe(1)
  },
}

/** Not in the survivors' tool pools: each tool-runner that there is dies of it. */
export const crashCases: readonly Case[] = [crashed]

export const toolRunnerCases: readonly Case[] = [
  killedWithOnceOnly(
    'tool-runner.before-claim',
    'a tool-runner killed before its claim: another one runs the tool, once',
    { outcome: 'completed', ran: [1] },
  ),
  killedWithOnceOnly('tool-runner.after-claim', 'a tool-runner killed behind its claim: unknown, and not run again', {
    outcome: 'unknown',
    ran: [0],
  }),
  killedWithOnceOnly(
    'tool-runner.in-tool',
    'a tool-runner killed in a tool: unknown, and not run again',
    { outcome: 'unknown', ran: [0, 1] },
    '; sleep 20',
  ),
  killedWithOnceOnly(
    'tool-runner.before-outcome',
    'a tool-runner killed with a result that is not recorded: unknown, and not run again',
    { outcome: 'unknown', ran: [1] },
  ),
  killedWithOnceOnly('tool-runner.before-ack', 'a tool-runner killed before it acks: the result stands', {
    outcome: 'completed',
    ran: [1],
  }),
  safeRunsAgain,
  lateResult,
]
