import type { PlanStep } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  createPlan,
  getPlan,
  getReadySteps,
  markStepDone,
  markStepFailed,
  type PlanAnswer,
  type Planning,
  planSummary,
  startStep,
} from './rules.ts'

const empty: Planning = { maxSteps: 20, strict: false, approve: false, steps: [] }
const step = (name: string, ...dependsOn: readonly string[]) => ({
  name,
  description: `Do ${name}.`,
  ...(dependsOn.length === 0 ? {} : { depends_on: dependsOn }),
})
const stepsOf = (answer: PlanAnswer): readonly PlanStep[] => {
  if (answer.kind === 'error') throw new Error(answer.output)
  return answer.steps ?? []
}
const planned = (...steps: readonly object[]): Planning => ({ ...empty, steps: stepsOf(createPlan(empty, { steps })) })
const errorOf = (answer: PlanAnswer): string => (answer.kind === 'error' ? answer.output : `fine: ${answer.output}`)
const then = (planning: Planning, answer: PlanAnswer): Planning => ({ ...planning, steps: stepsOf(answer) })
const many = (count: number) => Array.from({ length: count }, (_, index) => step(`s${index}`))

describe('a plan', () => {
  const broken: readonly (readonly [string, readonly unknown[], RegExp])[] = [
    ['one step', [step('a')], /at least 2 steps; this one has 1/],
    ['more steps than it may have', many(21), /at most 20 steps; this one has 21/],
    ['a name twice', [step('a'), step('a')], /steps\[1\]\.name: "a" is the name of an earlier step too/],
    [
      'a dependency that is not there',
      [step('a'), step('b', 'c')],
      /steps\[1\]\.depends_on: there is no step "c".*Steps: a, b/,
    ],
    ['a step that depends on itself', [step('a'), step('b', 'b')], /"b" cannot depend on itself/],
    ['steps that wait for each other', [step('a', 'b'), step('b', 'a'), step('c')], /a, b wait for each other/],
    ['a step without a name', [step('a'), { description: 'x' }], /steps\[1\]\.name/],
    ['a step that is a text', [step('a'), 'b'], /steps\[1\]: a step is an object/],
    ...['A', 'a b', '-a', 'a-', 'a--b', 'a__b', '', 'x'.repeat(65)].map(
      (name) =>
        [
          `the name "${name.slice(0, 8)}"`,
          [step('a'), step(name)],
          /steps\[1\]\.name: use 1 to 64 lower-case/,
        ] as const,
    ),
  ]
  it.each(broken)('with %s is refused, and says why', (_what, steps, says) => {
    expect(errorOf(createPlan(empty, { steps }))).toMatch(says)
  })

  it('may have as many steps as it may have', () => {
    expect(planned(...many(20)).steps).toHaveLength(20)
  })

  it('is taken as JSON text, and inside an object, too', () => {
    const steps = [step('a'), step('b', 'a')]
    const expected = stepsOf(createPlan(empty, { steps }))
    expect(stepsOf(createPlan(empty, { steps: JSON.stringify(steps) }))).toEqual(expected)
    expect(stepsOf(createPlan(empty, { steps: { steps } }))).toEqual(expected)
    expect(errorOf(createPlan(empty, { steps: '[' }))).toMatch(/this text is not JSON/)
    expect(errorOf(createPlan(empty, {}))).toMatch(/give an array/)
  })

  it('that is made anew keeps the completed steps that it names, and says which are gone', () => {
    const before = then(
      planned(step('a'), step('b')),
      markStepDone(planned(step('a'), step('b')), { step_name: 'a', result: 'yes' }),
    )
    const again = createPlan(before, { steps: [{ name: 'a', description: 'Other words.' }, step('c')] })
    expect(stepsOf(again)[0]).toEqual({ name: 'a', description: 'Do a.', status: 'completed', result: 'yes' })
    const without = createPlan(before, { steps: [step('c'), step('d')] })
    expect(without.output).toContain('no longer in the plan: a.')
  })
})

describe('a step', () => {
  const plan = planned(step('a'), step('b', 'a'), step('c'))

  it('begins, and only one is in progress at a time', () => {
    const started = then(plan, startStep(plan, { step_name: 'a' }))
    expect(started.steps[0]?.status).toBe('in_progress')
    expect(errorOf(startStep(started, { step_name: 'c' }))).toMatch(/"a" is in progress\. Mark it done or failed/)
    expect(startStep(started, { step_name: 'a' })).toMatchObject({ kind: 'ok' })
  })

  it('before what it depends on: with a warning, or not at all where dependencies are strict', () => {
    expect(startStep(plan, { step_name: 'b' }).output).toContain('b depends on a, not completed yet')
    expect(errorOf(startStep({ ...plan, strict: true }, { step_name: 'b' }))).toMatch(
      /depends on a\. Complete it first/,
    )
  })

  it('that depends on a failed one does not begin', () => {
    const failed = then(plan, markStepFailed(plan, { step_name: 'a', reason: 'no' }))
    expect(errorOf(startStep(failed, { step_name: 'b' }))).toMatch(/depends on a, which failed/)
  })

  it('is done without having been started, and twice is as once', () => {
    const done = then(plan, markStepDone(plan, { step_name: 'c', result: 'found' }))
    expect(done.steps[2]).toMatchObject({ status: 'completed', result: 'found' })
    expect(markStepDone(done, { step_name: 'c', result: 'other' })).not.toHaveProperty('steps')
  })

  it('stays as it ended', () => {
    const done = then(plan, markStepDone(plan, { step_name: 'c' }))
    expect(errorOf(markStepFailed(done, { step_name: 'c', reason: 'x' }))).toMatch(/completed already/)
    expect(errorOf(startStep(done, { step_name: 'c' }))).toMatch(/completed already/)
    const failed = then(plan, markStepFailed(plan, { step_name: 'c', reason: 'x' }))
    expect(errorOf(markStepDone(failed, { step_name: 'c' }))).toMatch(/Replan to retry/)
    expect(errorOf(startStep(failed, { step_name: 'c' }))).toMatch(/has failed/)
    expect(markStepFailed(failed, { step_name: 'c', reason: 'y' })).not.toHaveProperty('steps')
  })

  it('of another name, or without a plan, is told', () => {
    expect(errorOf(startStep(plan, { step_name: 'z' }))).toMatch(
      /no step "z" in the plan\. step_name is one of: a, b, c/,
    )
    expect(errorOf(startStep(plan, {}))).toMatch(/one of: a, b, c/)
    expect(errorOf(startStep(empty, { step_name: 'a' }))).toMatch(/There is no plan/)
  })

  it('keeps the beginning of a long result', () => {
    const done = then(plan, markStepDone(plan, { step_name: 'a', result: 'x'.repeat(5000) }))
    expect(done.steps[0]?.result).toHaveLength(1000)
  })
})

describe('what a model is told of its plan', () => {
  const plan = planned(...['a', 'b', 'c', 'd'].map((name) => step(name)), step('last', 'a'))

  it('names what is active, what failed, and at most three that are ready', () => {
    let now = then(plan, markStepFailed(plan, { step_name: 'b', reason: 'no' }))
    now = then(now, startStep(now, { step_name: 'c' }))
    expect(planSummary(now.steps)).toBe('[Plan: 0/5 done, 1 failed ("b"). Active: "c". Ready: "a", "d".]')
    expect(planSummary(plan.steps)).toBe('[Plan: 0/5 done. Ready: "a", "b", "c", ….]')
  })

  it('hands on what came of the steps that a ready one depends on', () => {
    const done = then(plan, markStepDone(plan, { step_name: 'a', result: 'y'.repeat(300) }))
    expect(planSummary(done.steps)).toContain(`"b", "c", "d", …`)
    const ready = JSON.parse(getReadySteps(done).output).ready.map(({ name }: { name: string }) => name)
    expect(ready).toEqual(['b', 'c', 'd', 'last'])
    const few = { ...done, steps: done.steps.filter(({ name }) => name === 'a' || name === 'last') }
    expect(planSummary(few.steps)).toBe(`[Plan: 1/2 done. Ready: "last" (from a: ${'y'.repeat(200)}…).]`)
  })

  it('is nothing when there is no plan, or all of it has ended', () => {
    expect(planSummary([])).toBeUndefined()
    let now = planned(step('a'), step('b'))
    now = then(now, markStepDone(now, { step_name: 'a' }))
    now = then(now, markStepFailed(now, { step_name: 'b' }))
    expect(planSummary(now.steps)).toBeUndefined()
  })

  it('shows the plan in the form in which it is proposed', () => {
    expect(JSON.parse(getPlan(planned(step('a'), step('b', 'a'))).output).steps[1]).toEqual({
      ...step('b', 'a'),
      status: 'pending',
    })
  })
})
