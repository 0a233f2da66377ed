import type { EventOf, SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { answered, asks, calling, e, g, given, message, started, text, turn, types } from '../../test/given.ts'
import { offered } from '../deciding/offered.ts'
import { plan as framePlan } from '../deciding/plan.ts'
import { reviveSession } from '../session.ts'
import { outputDeclared, uncheckedAnswer } from './output.ts'

const schema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] }
const declared = (retries = 1): SessionEvent => ({ type: 'output.declared', data: { schema, retries } })
const requested = (of: string, more: object = {}): SessionEvent => ({
  type: 'output.requested',
  data: { message: of, schema: { type: 'array', items: { type: 'string' } }, ...more },
})
const checked = (call: string, ...problems: readonly string[]): SessionEvent => ({
  type: 'output.checked',
  data: { call, problems: [...problems] },
})
const next = (state: ReturnType<typeof given>, ...events: readonly SessionEvent[]) =>
  framePlan(state.session, events, { n: state.head.n + 1, at: 1000, by: 'e1' }, true)
const asked = (retries = 1) =>
  given(g(started({ agents: {} }), declared(retries), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
const lastSaid = (frame: ReturnType<typeof next>) => frame?.after.transcript.at(frame.after.transcript.length - 1)
const last = (events: readonly SessionEvent[] = []) => events.at(-1)

describe('a turn whose answer has to fit a schema', () => {
  it('is completed with the value of an answer that fits', () => {
    const frame = next(asked(), answered('c2', text('Here: ```json\n{"total":3}\n```')), checked('c2'))
    expect(types(frame?.events ?? [])).toEqual(['model-call.completed', 'output.checked', 'turn.completed'])
    expect(last(frame?.events)).toMatchObject({ data: { reason: 'answered', result: { total: 3 } } })
    expect(frame?.after.settled).toMatchObject({ status: 'completed', result: { total: 3 } })
  })

  it('asks its model again for an answer that does not fit, with what is wrong with it', () => {
    const frame = next(asked(), answered('c2', text('{"total":"3"}')), checked('c2', '"total" must be a number'))
    expect(types(frame?.events ?? [])).toEqual(['model-call.completed', 'output.checked', 'model-call.started'])
    expect(last(frame?.events)).toMatchObject({ data: { call: 'c3', attempt: 1 } })
    const told = lastSaid(frame)
    expect(told).toMatchObject({ role: 'user', correction: true })
    expect(JSON.stringify(told)).toContain('- \\"total\\" must be a number')
  })

  it('fails with the last text and its problems when it was asked often enough', () => {
    const refusedOnce = asked().and(
      e(answered('c2', text('one')), checked('c2', 'the answer is no JSON'), calling('c3', 't2')),
    )
    const frame = next(refusedOnce, answered('c3', text('two')), checked('c3', 'the answer is no JSON'))
    expect(last(frame?.events)).toEqual({
      type: 'turn.failed',
      data: {
        turn: 't2',
        usage: expect.anything(),
        error: {
          code: 'no-result',
          message: 'No answer fitted the schema, in 2 attempts. Of the last one: the answer is no JSON.',
        },
        text: 'two',
        problems: ['the answer is no JSON'],
      },
    })
    expect(frame?.after.settled?.output).toContain('The last answer: two')
  })

  it('is asked once where the definition wants no second attempt', () => {
    const frame = next(asked(0), answered('c2', text('no')), checked('c2', 'the answer is no JSON'))
    expect(last(frame?.events)).toMatchObject({ type: 'turn.failed', data: { error: { code: 'no-result' } } })
  })

  it('is not asked again where the model refused', () => {
    const refusal: EventOf<'model-call.completed'> = {
      type: 'model-call.completed',
      data: { ...(answered('c2', text('No.')) as EventOf<'model-call.completed'>).data, finish: 'refused' },
    }
    expect(last(next(asked(), refusal, checked('c2', 'the answer is no JSON'))?.events)).toMatchObject({
      type: 'turn.failed',
      data: { error: { message: expect.stringContaining('The model refused to answer') } },
    })
  })

  it('is never completed by an answer that nobody has checked', () => {
    const frame = next(asked(), answered('c2', text('{"total":3}')))
    expect(types(frame?.events ?? [])).toEqual(['model-call.completed', 'model-call.started'])
    const again = asked().and(e(answered('c2', text('{"total":3}')), calling('c3', 't2')))
    expect(last(next(again, answered('c3', text('{"total":3}')))?.events)).toMatchObject({ type: 'turn.failed' })
  })

  it('calls tools first, as often as it likes: only an answer without calls is held against the schema', () => {
    const state = asked(0).and(e(answered('c2', text('Looking.'), asks('k', 'grep'))))
    expect(uncheckedAnswer(state.session)).toBeNull()
    expect(state.session.turn?.output).toMatchObject({ answers: 0 })
  })

  it('takes a verdict once, and of its newest answer alone', () => {
    const state = asked().and(e(answered('c2', text('x')), checked('c2', 'no')))
    expect(state.and(e(checked('c2'))).session).toBe(state.session)
    expect(asked().and(e(checked('c2'))).session).toEqual(asked().session)
    expect(uncheckedAnswer(asked().and(e(answered('c2', text('x')))).session)).toMatchObject({ call: 'c2', text: 'x' })
  })

  it('goes on with a message that joins it, whatever its answer was', () => {
    const joining = given(
      g(started({ agents: {} }), declared(), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      g(message('m2', 'join')),
    )
    const frame = next(joining, answered('c2', text('{"total":3}')), checked('c2'))
    expect(types(frame?.events ?? [])).toEqual([
      ...['model-call.completed', 'output.checked', 'message.joined', 'model-call.started'],
    ])
    expect(lastSaid(frame)).not.toMatchObject({ correction: true })
  })

  it('keeps all that through a snapshot', () => {
    const state = asked().and(e(answered('c2', text('x')), checked('c2', 'no'), calling('c3', 't2'))).session
    expect(reviveSession(JSON.parse(JSON.stringify(state)))).toEqual(state)
  })
})

describe('the schema that counts', () => {
  it('is that of the message, where the message has one', () => {
    const state = given(
      g(started({ agents: {} }), declared(), message('m1'), requested('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
    )
    expect(state.session.turn?.output).toMatchObject({ from: 'message', retries: 1, schema: { type: 'array' } })
    const frame = next(state, answered('c2', text('{"result":["a"]}')), checked('c2'))
    expect(last(frame?.events)).toMatchObject({ data: { result: ['a'] } })
  })

  it('of a message is told behind it, and that of the definition in the system prompt', () => {
    const own = asked().session
    expect(offered(own)).toMatchObject({ sections: [expect.stringContaining('"total"')], notices: [] })
    const other = given(
      g(started({ agents: {} }), declared(), message('m1'), requested('m1')),
      e(turn('t2', 'm1')),
    ).session
    expect(offered(other).sections).toEqual(offered(own).sections)
    expect(offered(other).notices).toEqual([expect.stringContaining('"type":"array"')])
    const alone = given(g(started({ agents: {} }), message('m1'), requested('m1')), e(turn('t2', 'm1'))).session
    expect(offered(alone)).toMatchObject({ sections: [], notices: [expect.stringContaining('JSON Schema')] })
    expect(alone.turn?.output?.retries).toBe(2)
  })

  it('of a message holds for its turn alone', () => {
    const state = given(
      g(started({ agents: {} }), message('m1'), requested('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', text('["a"]')), checked('c2'), {
        type: 'turn.completed',
        data: {
          turn: 't2',
          call: 'c2',
          usage: (answered('c2') as EventOf<'model-call.completed'>).data.usage,
          reason: 'answered',
        },
      }),
      g(message('m2')),
      e(turn('t5', 'm2')),
    )
    expect(state.session.turn?.output).toBeUndefined()
  })

  it('of a child is that which the session above gives it', () => {
    const base = { name: 'a', model: 'm/m', system_prompt: 'x' }
    expect(outputDeclared(base)).toEqual([])
    expect(outputDeclared({ ...base, output_schema: schema })).toEqual([declared(2)])
    expect(outputDeclared({ ...base, output_schema: schema, output_retries: 0 }, { type: 'string' })).toEqual([
      { type: 'output.declared', data: { schema: { type: 'string' }, retries: 0 } },
    ])
  })
})
