import type { SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { claimed, result, turnCancelled } from '../../test/given.ts'
import {
  afterLoss,
  evolveView,
  isFresh,
  isStoredLate,
  type RunnerView,
  runnerVerdict,
  viewOf,
  wakesExecutor,
} from './runner.ts'

const view = (...calls: readonly (readonly [string, 'safe' | 'never'])[]): RunnerView =>
  viewOf(calls.map(([call, replay]) => ({ call, name: 'x', arguments: {}, replay })))
const after = (start: RunnerView, by: string, ...events: readonly SessionEvent[]) => evolveView(start, { events, by })
const r1 = (runs: readonly string[] = [], begun: readonly string[] = runs) => ({
  instance: 'r1',
  runs: (call: string, attempt: number) => runs.includes(`${call}/${attempt}`),
  started: (call: string, attempt: number) => begun.includes(`${call}/${attempt}`),
  asksNobody: () => false,
})
const safe = view(['k1', 'safe'])
const never = view(['k1', 'never'])

describe('a runner', () => {
  it('runs a safe tool straight from a fresh trigger, and claims it on any other delivery', () => {
    expect(runnerVerdict(safe[0]!, r1(), true)).toEqual({ do: 'run', attempt: 1 })
    expect(runnerVerdict(safe[0]!, r1(), false)).toEqual({ do: 'claim', attempt: 1 })
  })

  it('claims a call that looks on any delivery, so that what its tool said of the arguments is recorded before it runs', () => {
    const [looking] = viewOf([{ call: 'k1', name: 'x', arguments: {}, replay: 'safe', looks: true }])
    expect(runnerVerdict(looking!, r1(), true)).toEqual({ do: 'claim', attempt: 1 })
  })

  it('takes for fresh what nobody can have been given before, whatever servers forget and clocks say', () => {
    const first = { redelivered: false, earlier: false, ageMs: 3, saidAgoMs: 4 }
    expect(isFresh(first, 250)).toBe(true)
    expect(isFresh({ ...first, redelivered: true }, 250)).toBe(false)
    expect(isFresh({ ...first, earlier: true }, 250)).toBe(false)
    expect(isFresh({ ...first, ageMs: 250 }, 250)).toBe(false)
    expect(isFresh({ ...first, ageMs: -3 }, 250)).toBe(true)
    expect(isFresh({ ...first, ageMs: -3_600_000 }, 250)).toBe(false)
    expect(isFresh({ ...first, saidAgoMs: 1_000 }, 250)).toBe(false)
    expect([4, 1_003, -1_000].map((saidAgoMs) => isStoredLate({ ageMs: 3, saidAgoMs }))).toEqual([false, true, true])
  })

  it('always claims what must not run twice', () => {
    expect(runnerVerdict(never[0]!, r1(), true)).toEqual({ do: 'claim', attempt: 1 })
  })

  it('does nothing about a call that it is at, or that has its outcome', () => {
    expect(runnerVerdict(safe[0]!, r1(['k1/1']), true)).toEqual({ do: 'nothing' })
    expect(runnerVerdict(after(safe, 'r2', result('k1'))[0]!, r1(), false)).toEqual({ do: 'nothing' })
  })

  it('asks the owner of a claim, and itself where it lost what it had begun', () => {
    expect(runnerVerdict(after(never, 'r2', claimed('k1'))[0]!, r1(), false)).toEqual({
      do: 'ask',
      owner: 'r2',
      attempt: 1,
    })
    expect(runnerVerdict(after(never, 'r1', claimed('k1'))[0]!, r1([], ['k1/1']), false)).toMatchObject({ do: 'ask' })
  })

  it('runs a claim of its own that it learnt of late', () => {
    expect(runnerVerdict(after(never, 'r1', claimed('k1'))[0]!, r1(), false)).toEqual({ do: 'run', attempt: 1 })
  })

  it('takes an outcome of the claimed attempt only', () => {
    const second = after(safe, 'r2', claimed('k1'), claimed('k1', 2))
    expect(after(second, 'r1', result('k1', 'late', 1))).toEqual(second)
    expect(after(second, 'r2', result('k1', 'right', 2))[0]?.state).toEqual({ kind: 'done' })
  })

  it('does not take for claimed what another holds at this attempt', () => {
    const theirs = after(never, 'r2', claimed('k1'))
    expect(after(theirs, 'r1', claimed('k1'))).toEqual(theirs)
  })

  it('takes every call for closed when its turn is', () => {
    expect(
      after(view(['k1', 'safe'], ['k2', 'never']), 'e1', turnCancelled('t2')).map(({ state }) => state.kind),
    ).toEqual(['done', 'done'])
  })
})

describe('after a loss', () => {
  it('what must not run twice ends as unknown', () => {
    expect(afterLoss(never[0]!, 1)).toMatchObject({ outcome: { type: 'tool-call.outcome-unknown' } })
  })

  it('what is safe runs again, three times in all', () => {
    expect(afterLoss(safe[0]!, 1)).toEqual({ claim: 2 })
    expect(afterLoss(safe[0]!, 2)).toEqual({ claim: 3 })
    expect(afterLoss(safe[0]!, 3)).toMatchObject({
      outcome: { type: 'tool-call.completed', data: { code: 'crashed' } },
    })
  })
})

describe('an outcome wakes the executor', () => {
  it('where it closes the last call that this runner was asked for', () => {
    const both = view(['k1', 'safe'], ['k2', 'safe'])
    expect(wakesExecutor([both], ['k1'])).toBe(false)
    expect(wakesExecutor([both], ['k1', 'k2'])).toBe(true)
    expect(wakesExecutor([after(both, 'r2', result('k1'))], ['k2'])).toBe(true)
    expect(wakesExecutor([safe, view(['k9', 'safe'])], ['k1'])).toBe(false)
  })
})
