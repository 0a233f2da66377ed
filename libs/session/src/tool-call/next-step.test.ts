import { describe, expect, it } from 'vitest'
import { claimed } from '../../test/given.ts'
import { claimOf, nextStep } from './next-step.ts'
import { evolveView, type RunnerHolder, viewOf } from './runner.ts'

const looking = viewOf([
  { call: 'k1', name: 'x', arguments: {}, replay: 'safe', looks: true },
  { call: 'k2', name: 'y', arguments: {}, replay: 'safe' },
])
const r1 = (...wantNobody: readonly string[]): RunnerHolder => ({
  instance: 'r1',
  runs: () => false,
  started: () => false,
  asksNobody: (call) => wantNobody.includes(call),
})

describe('a call whose tool decides by the arguments', () => {
  it('is looked at before anything of its request begins', () => {
    expect(nextStep(looking, r1(), true, new Map())).toEqual({ do: 'look', calls: ['k1'] })
  })

  it('is claimed with what its tool said, once that is that nobody is asked', () => {
    const step = nextStep(looking, r1('k1'), true, new Map())
    expect(step).toMatchObject({ do: 'work', runs: [{ call: { call: 'k2' } }], claims: [{ call: { call: 'k1' } }] })
    expect(step.do === 'work' && step.claims.map(claimOf)).toEqual([
      { type: 'tool-call.started', data: { call: 'k1', attempt: 1, approval: 'auto' } },
    ])
  })

  it('is not looked at again when whoever claimed it is gone', () => {
    const lost = evolveView(looking, { events: [claimed('k1')], by: 'r2' })
    const step = nextStep(lost, r1(), false, new Map([['r2/k1/1', 'gone']]))
    expect(step).toMatchObject({ do: 'work', claims: [{ attempt: 1 }, { attempt: 2 }] })
    expect(step.do === 'work' && step.claims.map(claimOf).at(-1)).toEqual({
      type: 'tool-call.started',
      data: { call: 'k1', attempt: 2 },
    })
  })
})
