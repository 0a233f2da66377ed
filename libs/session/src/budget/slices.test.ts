import { type DeclaredAgent, type EventData, noUsage, type SessionEvent } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { asks, calling, e, type Given, g, given, id, message, started, turn } from '../../test/given.ts'
import { settlement } from '../delegation/errand-frames.ts'
import type { Session } from '../session.ts'
import { left } from './budget.ts'

const helper: DeclaredAgent = { name: 'helper', description: 'helps', onPause: 'wait', digest: 'h1', pool: 'helpers' }

function parent(
  budget: EventData<'budget.declared'>,
  member: Partial<DeclaredAgent>,
  ...calls: readonly string[]
): Given {
  const content = calls.map((call) => asks(call, 'delegate', { agent: 'helper', instruction: 'do it' }))
  return given(
    g(
      started(),
      {
        type: 'agents.declared',
        data: { agents: [{ ...helper, ...member }], levels: 2, fanOut: 5, perTurn: 9, sessions: 9 },
      },
      { type: 'budget.declared', data: budget },
      message('m1'),
    ),
  ).and(
    e(turn('t2', 'm1'), calling('c2', 't2')),
    e({
      type: 'model-call.completed',
      data: { call: 'c2', attempt: 1, content, usage: noUsage, finish: 'tool-calls' },
    }),
  )
}

/** All delegations that are asked for. */
function delegated(at: Given): { readonly at: Given; readonly asked: readonly EventData<'delegation.requested'>[] } {
  const asked: EventData<'delegation.requested'>[] = []
  for (let now = at; ; ) {
    const next = now.verdict('e1')
    const events =
      next.do === 'append'
        ? next.plan.events.flatMap((event) => (event.type === 'delegation.requested' ? [event.data] : []))
        : []
    if (next.do !== 'append' || events.length === 0) return { at: now, asked }
    asked.push(...events)
    now = now.and(e(...next.plan.events))
  }
}

/** The session of a child that has ended with so many tokens spent. */
const child = (from: EventData<'delegation.requested'>, tokens: number): Session =>
  given(
    e(
      started({ parent: { session: id, call: from.call, pool: 'default' } }),
      { type: 'budget.declared', data: from.budget ?? {} },
      message('m'),
    ),
  ).and(
    e(turn('t2', 'm'), calling('c2', 't2')),
    e(
      {
        type: 'model-call.completed',
        data: {
          call: 'c2',
          attempt: 1,
          content: [{ type: 'text', text: 'x' }],
          usage: { ...noUsage, inputTokens: tokens },
          finish: 'stop',
        },
      },
      { type: 'turn.completed', data: { turn: 't2', call: 'c2', usage: noUsage, reason: 'answered' } },
    ),
  ).session
const withId = (session: Session, of: EventData<'delegation.requested'>): Session => ({ ...session, id: of.child })

describe('children that work side by side', () => {
  test('share what is left, and one share stays with the parent', () => {
    const { asked, at } = delegated(parent({ tokens: 9_000 }, {}, 'k1', 'k2'))
    expect(asked.map(({ budget }) => budget)).toEqual([{ tokens: 3_000 }, { tokens: 3_000 }])
    expect(left(at.session).tokens).toBe(3_000)
  })

  test('get what their entry says, and never more than is left', () => {
    const { asked } = delegated(parent({ tokens: 9_000 }, { budget: { tokens: 5_000 } }, 'k1', 'k2', 'k3'))
    expect(asked.map(({ budget }) => budget)).toEqual([{ tokens: 5_000 }, { tokens: 4_000 }])
  })

  test('are limited by their entry also where nothing limits the parent', () => {
    const { asked } = delegated(parent({ toolCalls: 10 }, { budget: { usd: 1, wallTime: 60_000 } }, 'k1'))
    expect(asked[0]?.budget).toEqual({ usd: 1, toolCalls: 4, wallTime: 60_000 })
  })

  test('are not asked for when nothing is left: the model is told', () => {
    const next = parent({ tokens: 1 }, {}, 'k1').verdict('e1')
    expect(next.do === 'append' && next.plan.events[0]).toMatchObject({
      type: 'tool-call.completed',
      data: { code: 'limit', output: expect.stringContaining('the budget of tokens is used up') },
    })
  })
})

describe('what a child has not used', () => {
  const { asked, at } = delegated(parent({ tokens: 8_000 }, {}, 'k1'))
  const of = asked[0]!
  const settled = settlement(at.session, withId(child(of, 1_000), of))

  test('comes back with its end', () => {
    expect(settled).toMatchObject({ type: 'delegation.settled', data: { spent: { tokens: 1_000 } } })
    expect(left(at.and(e(settled!)).session).tokens).toBe(7_000)
  })

  test('stays set aside when the parent has stopped to wait, until the child has ended', () => {
    const cancelled: SessionEvent = {
      type: 'delegation.settled',
      data: { call: of.call, child: of.child, status: 'cancelled', output: 'The turn was cancelled.' },
    }
    const after = at.and(
      e(cancelled, { type: 'turn.cancelled', data: { turn: 't2', usage: noUsage, reason: 'cancelled' } }),
    )
    expect(left(after.session).tokens).toBe(4_000)
    const late = settlement(after.session, withId(child(of, 1_000), of))
    expect(late).toMatchObject({ data: { spent: { tokens: 1_000 } } })
    const back = after.and(e(late!))
    expect(left(back.session).tokens).toBe(7_000)
    expect(settlement(back.session, withId(child(of, 1_000), of))).toBeNull()
  })

  test('is not there for whoever talks to the child later', () => {
    expect(left(child(of, 1_000)).tokens).toBe(0)
  })
})
