// A budget, where an executor is killed between what it set aside and what it would have settled.
import { expect } from 'vitest'
import { type Bench, type Case, countOf, eventsOf } from '../bench.ts'

/** Enough for one attempt, whatever the prompt takes of it, and never for two. */
const tokens = 8_000

const killedInStream: Case = {
  slug: 'budget-in-stream',
  title:
    'an executor killed in a call that a budget has room for once: what was set aside is spent, and no other begins',
  async run(bench: Bench) {
    const victim = await bench.victim('executor', 'executor.in-stream')
    await bench.world.agent(bench.slug, { affinity: bench.labels, budget: { tokens } })
    const begun = await bench.untilPaused(victim, 'stream 120 every 50', 'model-call.started')
    await victim.kill()
    const log = (await bench.allSound(begun)).at(-1) ?? []
    const started = eventsOf(log).filter(({ type }) => type === 'model-call.started')
    const [failed] = eventsOf(log).filter(({ type }) => type === 'model-call.failed')
    const reserved = started[0]?.data as { readonly reserved: { readonly tokens: number } }
    expect(started).toHaveLength(1)
    expect(failed?.data).toMatchObject({ error: { code: 'lost' }, charged: reserved.reserved })
    expect(failed?.by).not.toBe(victim.instance())
    expect(countOf(log, 'budget.reached', { budget: 'tokens', limit: tokens, spent: reserved.reserved.tokens })).toBe(1)
    expect(countOf(log, 'turn.failed')).toBe(1)
    expect(reserved.reserved.tokens).toBeLessThanOrEqual(tokens)
  },
}

export const budgetCases: readonly Case[] = [killedInStream]
