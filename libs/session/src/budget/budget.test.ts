import { type EventOf, noUsage, type SessionEvent, usdOf } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import {
  asks,
  by,
  calling,
  e,
  type Given,
  g,
  given,
  lost,
  message,
  started,
  text,
  turn,
  types,
} from '../../test/given.ts'
import { announced } from '../model-call/announced.ts'
import { offered } from '../deciding/offered.ts'
import { type Plan, plan } from '../deciding/plan.ts'
import { left } from './budget.ts'
import { budgetInfo } from './budget-info.ts'

const price = { input: 1, output: 10, cacheRead: 0.1, cacheWrite: 1.25 }
const declared = (limits: EventOf<'budget.declared'>['data']): SessionEvent => ({
  type: 'budget.declared',
  data: limits,
})
const begun = (limits: EventOf<'budget.declared'>['data']) => given(g(started(), declared(limits), message('m1')))

/** What the holder appends where a call sends 800 tokens, and may be answered with 1,000: 2,000 are set aside. */
const size = { tokens: 800, answer: 1_000 }
function next(at: Given, priced: typeof price | undefined = price): Plan {
  const found = at.verdict('e1')
  if (found.do !== 'append') throw new Error(`it does ${found.do}`)
  return announced(found.plan, at.session, { size, price: priced }, { n: at.head.n + 1, at: 1000, by: 'e1' })
}
const appended = (at: Given, priced?: typeof price): Given => at.and(e(...next(at, priced).events))
const used = (call: string, input: number, output: number, ...asked: Parameters<typeof asks>[0][]): SessionEvent => ({
  type: 'model-call.completed',
  data: {
    call,
    attempt: 1,
    content: asked.length > 0 ? asked.map((one) => asks(one, 'grep')) : [text('done')],
    usage: { ...noUsage, inputTokens: input, outputTokens: output },
    finish: asked.length > 0 ? 'tool-calls' : 'stop',
  },
})
const ended = (plan: Plan) => plan.events.find((event) => event.type === 'turn.failed')?.data.error
const reached = (plan: Plan) => plan.events.find((event) => event.type === 'budget.reached')?.data

describe('a model call', () => {
  test('is announced with its price and what it takes at most', () => {
    const plan = next(begun({ tokens: 10_000 }))
    expect(plan.events.at(-1)).toMatchObject({
      type: 'model-call.started',
      data: { price, reserved: { tokens: 2_000, usd: 0.01125 } },
    })
    expect(plan.effect).toMatchObject({ kind: 'call-model' })
  })

  test('sets that aside, and settles it with what it has used', () => {
    const running = appended(begun({ tokens: 10_000, usd: 1 }))
    expect(left(running.session)).toMatchObject({ tokens: 8_000, usd: 0.98875 })
    const found = running.verdict('e1', ['c2/1'])
    expect(found.do).toBe('hold')
    const after = running.and(
      e({ ...used('c2', 700, 20), data: { ...used('c2', 700, 20).data, usd: 0.0009 } } as SessionEvent),
    )
    expect(left(after.session)).toMatchObject({ tokens: 9_280, usd: 0.9991 })
    expect(budgetInfo(after.session)).toMatchObject({ tokens: { limit: 10_000, spent: 720, held: 0 } })
  })

  test('that takes more than is left is not made: the turn ends, and says which budget it was and what to do', () => {
    const plan = next(begun({ tokens: 1_999 }))
    expect(plan.effect).toBeNull()
    expect(types(plan.events)).toEqual(['turn.started', 'budget.reached', 'turn.failed'])
    expect(reached(plan)).toEqual({ turn: 't2', budget: 'tokens', spent: 0, limit: 1_999, needed: 2_000 })
    expect(ended(plan)).toMatchObject({
      code: 'budget_reached',
      message: expect.stringContaining('reins session budget 01HZZZZZZZZZZZZZZZZZZZZZZZ --raise tokens=3998'),
    })
  })

  test('is not made where its price is not known, and the budget is in dollars', () => {
    const at = begun({ usd: 5 })
    const found = at.verdict('e1')
    if (found.do !== 'append') throw new Error('nothing is due')
    const plan = announced(found.plan, at.session, { size }, { n: 2, at: 1000, by: 'e1' })
    expect(ended(plan)).toMatchObject({ code: 'price_unknown', message: expect.stringContaining('REINS_PRICES_FILE') })
  })

  test('has its price also where nothing limits it', () => {
    const free = given(g(started(), message('m1')))
    expect(next(free).events.at(-1)).toMatchObject({ data: { price, reserved: { tokens: 2_000 } } })
  })
})

describe('an attempt that nobody knows the usage of', () => {
  test('is charged with what was set aside for it, and the next one needs as much again', () => {
    const running = appended(begun({ tokens: 3_000 }))
    const gone = by(
      'e2',
      e({ ...lost('c2'), data: { ...lost('c2').data, charged: { tokens: 2_000, usd: 0.01 } } } as SessionEvent),
    )
    const after = running.and(gone)
    expect(left(after.session).tokens).toBe(1_000)
    expect(reached(next(after))).toMatchObject({ spent: 2_000, limit: 3_000, needed: 2_000 })
  })

  test('says so itself: whoever takes it over appends the charge', async () => {
    const { takeover } = await import('../model-call/takeover.ts')
    const running = appended(begun({ tokens: 10_000 }))
    const holder = { instance: 'e2', at: 1000 }
    const plan = takeover(running.session, running.head, holder, { call: 'c2', attempt: 1 })
    expect(plan?.events[0]).toMatchObject({
      data: { error: { code: 'lost' }, charged: { tokens: 2_000, usd: 0.01125 } },
    })
  })
})

describe('near a limit', () => {
  test('the model is told behind the newest message, and its prompt stays as it was', () => {
    const before = begun({ tokens: 10_000 })
    expect(offered(before.session).notices).toEqual([])
    const after = before.and(e(turn('t2', 'm1'), calling('c2', 't2')), e(used('c2', 8_000, 100, 'k1')))
    expect(offered(after.session).notices[0]).toMatch(/^\[Budget: 8,100 of 10,000 tokens that you may use are used\./)
    expect(offered(after.session).sections).toEqual(offered(before.session).sections)
  })
})

describe('tool calls', () => {
  const asked = begun({ toolCalls: 2 }).and(
    e(turn('t2', 'm1'), calling('c2', 't2')),
    e(used('c2', 1, 1, 'k1', 'k2', 'k3')),
  )

  test('beyond the budget are not run, and the turn ends when the others have', () => {
    const plan = next(asked)
    expect(types(plan.events)).toEqual(['tool-call.completed', 'tool-calls.requested'])
    expect(plan.events[0]).toMatchObject({ data: { call: 'k3', status: 'error', code: 'limit' } })
    const done = asked
      .and(e(...plan.events))
      .and(
        e(
          { type: 'tool-call.completed', data: { call: 'k1', attempt: 1, status: 'ok', output: '' } },
          { type: 'tool-call.completed', data: { call: 'k2', attempt: 1, status: 'ok', output: '' } },
        ),
      )
    expect(reached(next(done))).toMatchObject({ budget: 'tool_calls', spent: 2, limit: 2 })
  })

  test('go on when a person has raised it meanwhile', () => {
    const raised = asked.and(e(...next(asked).events), g({ type: 'budget.raised', data: { toolCalls: 9 } }))
    expect(left(raised.session).toolCalls).toBe(7)
    expect(raised.session.budget?.refusedFrom).toBeUndefined()
  })
})

describe('time', () => {
  test('of a turn is over when its timer fires: what runs is stopped, and the turn ends', () => {
    const running = appended(begun({ wallTime: 60_000 }))
    expect(running.session.timers).toEqual([
      { timer: 'b-t2-60000-nearly', at: 49_000 },
      { timer: 'b-t2-60000', at: 61_000 },
    ])
    const over = running.and({
      role: 'm',
      by: 'memory',
      events: [{ type: 'timer.fired', data: { timer: 'b-t2-60000' } }],
    })
    const found = over.verdict('e1', ['c2/1'])
    expect(found.do === 'append' && types(found.plan.events)).toEqual([
      'model-call.failed',
      'budget.reached',
      'turn.failed',
    ])
    const closed = over.and(e(...(found.do === 'append' ? found.plan.events : [])))
    expect(closed.session).toMatchObject({ turn: null, cancel: null, timers: [] })
  })

  test('that is nearly over is told to the model', () => {
    const near = appended(begun({ wallTime: 60_000 })).and({
      ...{ role: 'm', by: 'memory' },
      events: [{ type: 'timer.fired', data: { timer: 'b-t2-60000-nearly' } }],
    })
    expect(offered(near.session).notices[0]).toContain('most of the 1m')
  })
})

describe('the cost', () => {
  const running = appended(given(g(started(), message('m1'))))

  test('stands in the outcome and in the end of the turn, at the price that the call was begun with', () => {
    const outcome = plan(running.session, [used('c2', 1_000, 100)], { n: 3, at: 1000, by: 'e1' }, false)
    expect(outcome?.events).toMatchObject([
      { type: 'model-call.completed', data: { usd: 0.002 } },
      { type: 'turn.completed', data: { usd: 0.002 } },
    ])
    expect(outcome?.after).toMatchObject({ usd: 0.002, usage: { inputTokens: 1_000 } })
  })

  test('of what is read from the cache and written to it has prices of its own', () => {
    const usage = { ...noUsage, inputTokens: 1_000_000, cacheReadTokens: 500_000, cacheWriteTokens: 400_000 }
    expect(usdOf(price, usage)).toBe(0.1 + 0.05 + 0.5)
  })
})

describe('a summary of the context', () => {
  const turns = ['t2', 't4', 't6'].flatMap((id, at) => [
    e(turn(id, `m${at + 1}`), calling(`c${id}`, id)),
    e(used(`c${id}`, 100, 10), {
      type: 'turn.completed' as const,
      data: { turn: id, call: `c${id}`, usage: noUsage, reason: 'answered' as const },
    }),
  ])
  const asked = begun({ tokens: 2_330 })
    .and(g(message('m2'), message('m3')), ...turns)
    .and(g({ type: 'context.compaction-requested', data: { request: 'r1' } }))

  test('that a person asks for, and that takes more than is left, is declined', () => {
    const found = asked.verdict('e1')
    if (found.do !== 'append') throw new Error('nothing is due')
    const large = { tokens: 5_000, answer: 1_000 }
    const declined = announced(found.plan, asked.session, { size: large }, { n: 9, at: 1000, by: 'e1' })
    expect(types(declined.events)).toEqual(['context.compaction-declined'])
    expect(declined.effect).toBeNull()
  })

  test('is set aside and counts as its session has used it', () => {
    const plan = next(asked)
    const started = plan.events[0]
    expect(started).toMatchObject({ type: 'context.compaction-started', data: { price, reserved: { tokens: 2_000 } } })
    if (started?.type !== 'context.compaction-started') throw new Error('it has not begun')
    const { compaction, from, to } = started.data
    const done = asked.and(e(started)).and(
      e({
        type: 'context.compacted',
        data: {
          ...{ compaction, attempt: 1, from, to, how: 'summary', summary: 's' },
          ...{ usage: { ...noUsage, inputTokens: 50 }, usd: 0.00005 },
        },
      }),
    )
    expect(done.session).toMatchObject({ usage: { inputTokens: 350 }, usd: 0.00005 })
    expect(left(done.session).tokens).toBe(2_330 - 330 - 50)
  })
})
