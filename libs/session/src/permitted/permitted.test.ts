import type { SessionEvent } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { answered, asks, calling, e, type Given, g, given, message, started, turn } from '../../test/given.ts'
import { createChild } from '../delegation/errand-frames.ts'
import { emptyFold } from '../folding/fold.ts'
import { resumedBy } from './permitted.ts'

const permitted = (of: string, principal: string, ...tools: string[]): SessionEvent => ({
  type: 'tools.permitted',
  data: { message: of, principal, tools },
})
const next = (at: Given): readonly SessionEvent[] => {
  const found = at.verdict('e1')
  if (found.do !== 'append') throw new Error(`it does ${found.do}`)
  return found.plan.events
}
/** A turn of these messages, whose model calls the tool. */
const asking = (tool: string, ...said: readonly SessionEvent[]) =>
  given(
    g(started(), message('m1'), ...said.filter((event) => event.type === 'tools.permitted')),
    e(turn('t2', 'm1')),
    e(calling('c3', 't2')),
    e(answered('c3', asks('a', tool))),
  )

describe('a call that whoever began the turn may not have made', () => {
  test('is refused, and says whose permission is missing to the model and to the person', () => {
    expect(next(asking('shell', permitted('m1', 'ann', 'grep')))[0]).toMatchObject({
      type: 'tool-call.completed',
      data: {
        ...{ call: 'a', status: 'error', code: 'not-permitted' },
        output: expect.stringContaining(
          'ann, for whom this turn works, has no permission workflow:agents:agent_chat:task:shell:execute',
        ),
      },
    })
  })

  test('and one that is, is asked for; where nothing is said, all are', () => {
    for (const at of [asking('grep', permitted('m1', 'ann', 'grep')), asking('shell')])
      expect(next(at)[0]?.type).toBe('tool-calls.requested')
  })

  test('is refused also where another one, who may it, joined the turn, and the other way round', () => {
    const joined = (first: readonly SessionEvent[], second: readonly SessionEvent[]) =>
      given(
        g(started(), message('m1'), ...first),
        e(turn('t2', 'm1')),
        g(message('m2', 'join'), ...second),
        e({ type: 'message.joined', data: { message: 'm2', turn: 't2' } }, calling('c4', 't2')),
        e(answered('c4', asks('a', 'shell'))),
      )
    const may = [permitted('m1', 'ann', 'shell', 'grep')]
    expect(next(joined(may, [permitted('m2', 'bob', 'grep')]))[0]?.data).toMatchObject({
      output: expect.stringContaining('ann, bob, for whom'),
    })
    expect(next(joined([permitted('m1', 'ann')], [permitted('m2', 'bob', 'shell')]))[0]?.data).toMatchObject({
      code: 'not-permitted',
    })
    expect(next(joined([], [permitted('m2', 'bob', 'grep')]))[0]?.data).toMatchObject({ code: 'not-permitted' })
    expect(next(joined(may, []))[0]?.type).toBe('tool-calls.requested')
  })

  test('is refused whatever a second mark says', () => {
    expect(
      next(asking('shell', permitted('m1', 'ann', 'grep'), permitted('m1', 'eve', 'shell')))[0]?.data,
    ).toMatchObject({
      code: 'not-permitted',
    })
  })

  test('is none below either: what a delegation says has the same mark', () => {
    const above = asking('shell', permitted('m1', 'ann', 'grep')).session
    const creation = {
      ...{
        kind: 'create-child' as const,
        child: '01HZZZZZZZZZZZZZZZZZZZZZZZ-1',
        call: 'd',
        agent: 'helper',
        instruction: 'do',
      },
    }
    const data = started().data as Parameters<typeof createChild>[2]
    const made = createChild(emptyFold(creation.child), creation as never, data, above)
    expect(made?.events.at(-1)).toEqual(permitted('m-d', 'ann', 'grep'))
  })
})

describe('a workflow', () => {
  test('calls for whoever began the session', () => {
    const beginning: SessionEvent = { type: 'tools.permitted', data: { principal: 'ann', tools: ['grep'] } }
    const { session } = given(g(started(), beginning))
    expect(session.permitted).toEqual({ principal: 'ann', tools: ['grep'] })
    expect(resumedBy(session, { message: 'm1', content: [], onBusy: 'queue', n: 2 }).permitted).toBeUndefined()
    const bob = { principal: 'bob', tools: ['shell'] }
    expect(resumedBy(session, { message: 'm1', content: [], onBusy: 'queue', n: 2, permitted: bob }).permitted).toEqual(
      bob,
    )
  })
})
