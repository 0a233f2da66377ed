import type { SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { e, g, given, started } from '../../test/given.ts'
import { evolve } from '../folding/evolve.ts'
import { due } from '../deciding/due.ts'
import { reviveSession, type Session } from '../session.ts'
import { OperationList } from './operation-list.ts'
import { type Operation, openOf } from './run-state.ts'

const open = (name: string): Operation => ({
  ...{ name, operation: 'step', n: 1, state: 'open' },
  waits: { kind: 'step', attempt: 1, replay: 'never' },
})
const done = (name: string, order: number): Operation => ({
  ...{ name, operation: 'step', n: 1, state: 'done', order },
  result: { kind: 'value', value: name },
})
const names = (list: OperationList) => [...list].map(({ name }) => name)
const replay = { replay: 'r2', attempt: 1 }
const run = given(
  g(
    started(),
    { type: 'run.declared', data: { file: 'w.ts', digest: 'd' } },
    { type: 'run.invoked', data: { workflow: 'w', project: 'p' } },
  ),
  e({ type: 'run.replay-started', data: replay }),
)

describe('the operations of a run', () => {
  it('are found by their positions, however many there are, and each version stays as it was', () => {
    const all = Array.from({ length: 2_000 }, (_, at) => String(at))
    const list = OperationList.of(all.map((name, at) => done(name, at)))
    expect(names(list)).toEqual(all)
    expect([list.at(0)?.name, list.at(1_999)?.name, list.at(-1)?.name]).toEqual(['0', '1999', '1999'])
    expect([list.at(2_000), list.at(-2_001)]).toEqual([undefined, undefined])
    const other = list.with(1_234, done('other', 1_234))
    expect([list.at(1_234)?.name, other.at(1_234)?.name, other.length]).toEqual(['1234', 'other', 2_000])
    const one = list.append(done('a', 2_000))
    const two = list.append(done('b', 2_000))
    expect([one.at(-1)?.name, two.at(-1)?.name, list.length]).toEqual(['a', 'b', 2_000])
    expect(list.with(2_000, done('x', 0))).toBe(list)
  })

  it('that are open are known by themselves, in their order', () => {
    const list = OperationList.of([open('a'), done('b', 0), open('c')])
    expect(list.open().map(([position, { name }]) => [position, name])).toEqual([
      [0, 'a'],
      [2, 'c'],
    ])
    const closed = list.with(0, done('a', 1))
    expect(closed.open().map(([position]) => position)).toEqual([2])
    expect(closed.with(0, open('a')).open()).toHaveLength(2)
    expect(list.with(0, done('a', -1)).inLine(5).at(0)).toMatchObject({ order: 5 })
  })

  it('are the same out of a snapshot', () => {
    const events: readonly SessionEvent[] = [
      { type: 'run.step-started', data: { position: 0, name: 's', attempt: 1, replay: 'never' } },
      { type: 'run.recorded', data: { position: 1, name: 'now', operation: 'now', value: 1 } },
    ]
    const { session } = run.and(e(...events))
    const again = reviveSession(JSON.parse(JSON.stringify(session)))
    expect(JSON.stringify(again)).toBe(JSON.stringify(session))
    expect(again.run && openOf(again.run, 'step')).toMatchObject([{ position: 0, name: 's' }])
    expect(due(again, 9)).toEqual(due(session, 9))
  })

  it('cost the same each, also when there are ten thousand: what is copied for all grows as their number does', () => {
    const copiedFor = (count: number): number => {
      let { session } = run
      const known = new Set<object>()
      let slots = 0
      const say = (event: SessionEvent, n: number): void => {
        const before: Session = session
        session = evolve(session, event, { role: 'e', n, at: 0, by: 'e1' })
        if (session === before) throw new Error(`${event.type} changes nothing`)
        for (const part of session.run?.operations.parts(known) ?? []) {
          known.add(part)
          slots += part.length
        }
      }
      for (let position = 0; position < count; position++) {
        const name = `s${position}`
        say({ type: 'run.step-started', data: { position, name, attempt: 1, replay: 'never' } }, position)
        say({ type: 'run.step-ended', data: { position, attempt: 1, status: 'ok', value: 1 } }, position)
      }
      expect([session.run?.operations.length, session.run?.done]).toEqual([count, count])
      return slots / count
    }
    const few = copiedFor(1_000)
    expect(copiedFor(10_000)).toBeLessThan(2 * few)
  })
})
