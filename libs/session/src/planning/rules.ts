// What the calls of the plan tools make of a plan: its rules, and what the model is told. Pure.
//   PN1. A call that breaks a rule changes nothing, and says which rule and what to do.
//   PN2. One step is in progress at a time. A step that has ended stays as it ended, until a new plan is made.
//   PN3. A new plan keeps the completed steps that it names, as they were.
import { maxStepNameChars, maxStepTextChars, type PlanStep, quoted } from '@reins/contracts'

export interface Planning {
  readonly maxSteps: number
  readonly strict: boolean
  readonly approve: boolean
  /** Empty: there is no plan. */
  readonly steps: readonly PlanStep[]
}

export type PlanAnswer =
  | { readonly kind: 'error'; readonly output: string }
  /** `steps`: the plan as it is now; absent: as it was. */
  | { readonly kind: 'ok'; readonly output: string; readonly steps?: readonly PlanStep[] }

type Arguments = Readonly<Record<string, unknown>>

const error = (output: string): PlanAnswer => ({ kind: 'error', output })
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const names = (steps: readonly PlanStep[]): string => steps.map(({ name }) => name).join(', ')
const cut = (text: string): string =>
  text.length > maxStepTextChars ? `${text.slice(0, maxStepTextChars - 1).toWellFormed()}…` : text

const stepName = /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/

/** The steps that a model proposes, or what is wrong with them. */
export function proposedSteps(args: Arguments, maxSteps: number): readonly PlanStep[] | string {
  const given = listOf(args.steps)
  if (typeof given === 'string') return given
  if (given.length < 2)
    return `steps: a plan has at least 2 steps; this one has ${given.length}. Do a single step without a plan.`
  if (given.length > maxSteps)
    return `steps: a plan has at most ${maxSteps} steps; this one has ${given.length}. Join some of them.`
  const steps: PlanStep[] = []
  for (const [index, one] of given.entries()) {
    const step = proposedStep(one, `steps[${index}]`)
    if (typeof step === 'string') return step
    if (steps.some(({ name }) => name === step.name))
      return `steps[${index}].name: ${quoted(step.name)} is the name of an earlier step too. Each step needs a name of its own.`
    steps.push(step)
  }
  return dependencyProblem(steps) ?? steps
}

/** An array of steps; as JSON text, or inside an object, it means the same. */
function listOf(value: unknown): readonly unknown[] | string {
  let given = value
  if (typeof given === 'string')
    try {
      given = JSON.parse(given)
    } catch {
      return 'steps: this text is not JSON. Give an array of {"name", "description", "depends_on"}.'
    }
  if (isObject(given) && Array.isArray(given.steps)) given = given.steps
  return Array.isArray(given) ? given : 'steps: give an array of {"name", "description", "depends_on"}.'
}

function proposedStep(value: unknown, at: string): PlanStep | string {
  if (!isObject(value)) return `${at}: a step is an object with "name" and "description".`
  const { name, description = '', depends_on: dependsOn = [] } = value
  if (typeof name !== 'string' || name.length > maxStepNameChars || !stepName.test(name) || /--|__/.test(name))
    return `${at}.name: use 1 to ${maxStepNameChars} lower-case letters, digits and single hyphens or underscores, with a letter or digit at both ends, such as "write-tests".`
  if (typeof description !== 'string') return `${at}.description: give a text.`
  const depends = dependsOn === null ? [] : dependsOn
  if (!Array.isArray(depends) || depends.some((one) => typeof one !== 'string'))
    return `${at}.depends_on: give an array of names of steps.`
  return {
    name,
    description: cut(description.toWellFormed()),
    ...(depends.length === 0 ? {} : { dependsOn: [...new Set<string>(depends)] }),
    status: 'pending',
  }
}

function dependencyProblem(steps: readonly PlanStep[]): string | undefined {
  for (const [index, { name, dependsOn = [] }] of steps.entries())
    for (const on of dependsOn) {
      const at = `steps[${index}].depends_on`
      if (on === name) return `${at}: ${quoted(name)} cannot depend on itself.`
      if (!steps.some((step) => step.name === on))
        return `${at}: there is no step ${quoted(on)} in this plan. Steps: ${names(steps)}.`
    }
  const left = withoutReady(steps)
  return left.length === 0
    ? undefined
    : `steps: ${names(left)} wait for each other, so none of them could ever begin. Remove one of their dependencies.`
}

/** What is left when every step that depends on nothing that is left is taken away, again and again. */
function withoutReady(steps: readonly PlanStep[]): readonly PlanStep[] {
  const left = steps.filter(({ dependsOn = [] }) => dependsOn.some((on) => steps.some(({ name }) => name === on)))
  return left.length === steps.length ? left : withoutReady(left)
}

export function createPlan({ maxSteps, steps: before }: Planning, args: Arguments): PlanAnswer {
  const proposed = proposedSteps(args, maxSteps)
  if (typeof proposed === 'string') return error(`No plan was made: ${proposed}`)
  const completed = before.filter(({ status }) => status === 'completed')
  const steps = proposed.map((step) => completed.find(({ name }) => name === step.name) ?? step) // PN3
  const dropped = completed.filter(({ name }) => !steps.some((step) => step.name === name))
  return {
    kind: 'ok',
    steps,
    output: shown(steps, {
      ...(dropped.length === 0
        ? {}
        : { warning: `These completed steps are no longer in the plan: ${names(dropped)}.` }),
    }),
  }
}

export function startStep({ steps, strict }: Planning, args: Arguments): PlanAnswer {
  const step = namedStep(steps, args)
  if (typeof step === 'string') return error(step)
  const { name, status } = step
  if (status === 'completed') return error(`The step ${quoted(name)} is completed already.`)
  if (status === 'failed')
    return error(`The step ${quoted(name)} has failed. To try it again, make a new plan with create_plan.`)
  if (status === 'in_progress') return { kind: 'ok', output: shown(steps, {}) }
  const active = steps.find((one) => one.status === 'in_progress')
  if (active)
    return error(
      `The step ${quoted(active.name)} is in progress. Mark it done or failed before you start ${quoted(name)}.`,
    )
  const open = dependenciesOf(steps, step).filter((one) => one.status !== 'completed')
  const failed = open.filter((one) => one.status === 'failed')
  if (failed.length > 0)
    return error(
      `The step ${quoted(name)} depends on ${names(failed)}, which failed. Make a new plan with create_plan.`,
    )
  if (open.length > 0 && strict)
    return error(
      `The step ${quoted(name)} depends on ${names(open)}. Complete ${open.length === 1 ? 'it' : 'them'} first.`,
    )
  return changed(
    steps,
    { ...step, status: 'in_progress' },
    open.length === 0 ? {} : { warning: `${name} depends on ${names(open)}, not completed yet.` },
  )
}

export function markStepDone({ steps }: Planning, args: Arguments): PlanAnswer {
  const step = namedStep(steps, args)
  if (typeof step === 'string') return error(step)
  if (step.status === 'completed') return { kind: 'ok', output: shown(steps, {}) }
  if (step.status === 'failed')
    return error(`The step ${quoted(step.name)} has failed. Replan to retry: make a new plan with create_plan.`)
  const result = cut(textOf(args.result))
  return changed(steps, { ...step, status: 'completed', ...(result === '' ? {} : { result }) }, {})
}

export function markStepFailed({ steps }: Planning, args: Arguments): PlanAnswer {
  const step = namedStep(steps, args)
  if (typeof step === 'string') return error(step)
  if (step.status === 'failed') return { kind: 'ok', output: shown(steps, {}) }
  if (step.status === 'completed') return error(`The step ${quoted(step.name)} is completed already.`)
  const reason = cut(textOf(args.reason))
  return changed(steps, { ...step, status: 'failed', ...(reason === '' ? {} : { error: reason }) }, {})
}

export const getPlan = ({ steps }: Planning): PlanAnswer => ({ kind: 'ok', output: shown(steps, {}) })

export const getReadySteps = ({ steps }: Planning): PlanAnswer => ({
  kind: 'ok',
  output: JSON.stringify({ ready: readySteps(steps).map(asTold) }),
})

const textOf = (value: unknown): string =>
  value === undefined || value === null
    ? ''
    : (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed()

function namedStep(steps: readonly PlanStep[], { step_name: name }: Arguments): PlanStep | string {
  if (steps.length === 0) return 'There is no plan. Make one with create_plan first.'
  return (
    steps.find((step) => step.name === name) ??
    `${typeof name === 'string' ? `There is no step ${quoted(name)} in the plan` : 'The name of the step is missing'}. step_name is one of: ${names(steps)}.`
  )
}

const dependenciesOf = (steps: readonly PlanStep[], { dependsOn = [] }: PlanStep): readonly PlanStep[] =>
  steps.filter(({ name }) => dependsOn.includes(name))

export const readySteps = (steps: readonly PlanStep[]): readonly PlanStep[] =>
  steps.filter(
    (step) => step.status === 'pending' && dependenciesOf(steps, step).every(({ status }) => status === 'completed'),
  )

export const isEnded = ({ status }: PlanStep): boolean => status === 'completed' || status === 'failed'

function changed(steps: readonly PlanStep[], step: PlanStep, more: { readonly warning?: string }): PlanAnswer {
  const after = steps.map((one) => (one.name === step.name ? step : one))
  return { kind: 'ok', steps: after, output: shown(after, more) }
}

const shown = (steps: readonly PlanStep[], more: { readonly warning?: string }): string =>
  JSON.stringify({ ...more, steps: steps.map(asTold) })

/** As a model reads it: in the form in which it proposes steps. */
const asTold = ({ dependsOn, ...step }: PlanStep) => ({ ...step, ...(dependsOn ? { depends_on: dependsOn } : {}) })

const maxReadyShown = 3
const maxResultShown = 200

/** One line: how far the plan is, what is active, what can begin. undefined: there is no plan, or all of it has ended. */
export function planSummary(steps: readonly PlanStep[]): string | undefined {
  if (steps.every(isEnded)) return undefined
  const done = steps.filter(({ status }) => status === 'completed').length
  const failed = steps.filter(({ status }) => status === 'failed')
  const active = steps.find(({ status }) => status === 'in_progress')
  const ready = readySteps(steps)
  const parts = [
    `Plan: ${done}/${steps.length} done${
      failed.length === 0
        ? ''
        : `, ${failed.length} failed (${failed
            .slice(0, maxReadyShown)
            .map(({ name }) => quoted(name))
            .join(', ')})`
    }.`,
    ...(active ? [`Active: ${quoted(active.name)}.`] : []),
    ...(ready.length === 0
      ? []
      : [
          `Ready: ${ready
            .slice(0, maxReadyShown)
            .map((step) => readyText(steps, step))
            .join(', ')}${ready.length > maxReadyShown ? ', …' : ''}.`,
        ]),
  ]
  return `[${parts.join(' ')}]`
}

function readyText(steps: readonly PlanStep[], step: PlanStep): string {
  const from = dependenciesOf(steps, step).flatMap(({ name, result }) =>
    result === undefined
      ? []
      : [
          `from ${name}: ${result.length > maxResultShown ? `${result.slice(0, maxResultShown).toWellFormed()}…` : result}`,
        ],
  )
  return `${quoted(step.name)}${from.length === 0 ? '' : ` (${from.join('; ')})`}`
}
