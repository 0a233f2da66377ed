// What `run(ctx)` of a workflow is given: the operations of a replay, in the words of workflows.
//   FL1. All that it does goes through operations of the replay, in an order that follows from what is recorded alone.
//   FL2. A step that is tried again is a step of its own each time, and what lies between is a sleep: waiting takes no process. The
//        idempotency key stays that of the first attempt.
import type { ProjectModule } from '@reins/agent/project'
import type { RunInput } from '../messages.ts'
import { harnessOf } from './harness.ts'
import { msOf, OperationError } from './replay.ts'

export interface RunOperations {
  ask(operation: 'init' | 'prompt' | 'wait', name: string, more: Readonly<Record<string, unknown>>): Promise<unknown>
  step(name: unknown, run: unknown, options: unknown, key?: number): Promise<unknown>
  sleep(duration: unknown, name?: string): Promise<unknown>
  /** Of the next operation. */
  position(): number
  getConfig(name: string): Promise<unknown>
  now(): number
  random(): number
  uuid(): string
}

interface Surroundings {
  readonly log: unknown
  readonly agents: Readonly<Record<string, ProjectModule>>
}

export function runContext(
  input: RunInput,
  workflow: NonNullable<RunInput['workflow']>,
  { log, agents }: Surroundings,
  operations: RunOperations,
): object {
  const id = `run_${input.session}`
  const { getConfig, now, random, uuid } = operations
  const harnesses = new Set<string>()
  return Object.freeze({
    id,
    payload: workflow.payload,
    env: Object.freeze({ ...workflow.env }),
    /** A replay has no request. */
    req: undefined,
    log,
    session: Object.freeze({ id: input.session }),
    init: async (agent: unknown, options: unknown = {}) => {
      const { name = 'default' } = (options ?? {}) as { readonly name?: unknown }
      if (typeof name !== 'string' || name === '' || name.length > 60)
        throw new TypeError('"name" of init() is the name of the harness: a text of at most 60 characters')
      if (harnesses.has(name)) throw new Error(`init() has already been called with name "${name}" in this request.`)
      harnesses.add(name)
      try {
        const named = agentName(agent, agents)
        await operations.ask('init', name, { agent: named })
        return harnessOf(name, named, input.limits.valueChars, operations)
      } catch (error) {
        harnesses.delete(name)
        throw error
      }
    },
    step: (name: unknown, run: unknown, options: unknown) => retried(operations, name, run, options),
    sleep: (duration: unknown) => operations.sleep(duration),
    pause: (first: unknown, ...rest: unknown[]) =>
      rest.length > 0
        ? operations.ask('wait', String(first), { output: rest[0] ?? null })
        : operations.ask('wait', 'pause', { output: first ?? null }),
    waitFor: async (event: unknown) => {
      if (typeof event !== 'string' || event === '' || event.length > 128)
        throw new TypeError('ctx.waitFor() takes the name of an event: a text of at most 128 characters')
      return operations.ask('wait', event, { event })
    },
    getConfig,
    get_config: getConfig,
    now,
    random,
    uuid,
  })
}

function agentName(agent: unknown, agents: Surroundings['agents']): string {
  if (typeof agent === 'string' && agent !== '') return agent
  for (const [name, { module }] of Object.entries(agents)) if (module.default === agent) return name
  throw new TypeError(
    'init() takes an agent of this project (what agents/<name>.ts exports by default), or the name of an agent',
  )
}

const mostRetries = 100
const firstWaitMs = 1_000
const longestWaitMs = 3_600_000

/** FL2. */
async function retried(operations: RunOperations, name: unknown, run: unknown, options: unknown): Promise<unknown> {
  const { retries = 0, backoff = firstWaitMs } = (options ?? {}) as {
    readonly retries?: unknown
    readonly backoff?: unknown
  }
  const first = msOf(backoff)
  if (typeof retries !== 'number' || !Number.isInteger(retries) || retries < 0 || retries > mostRetries)
    throw new TypeError(`"retries" of ctx.step() is a whole number from 0 to ${mostRetries}`)
  if (!(first >= 0))
    throw new TypeError('"backoff" of ctx.step() is the first wait: milliseconds, or a text such as "5s"')
  const key = operations.position()
  for (let again = 0; ; again++) {
    try {
      return await operations.step(name, run, options, key)
    } catch (error) {
      if (again >= retries || !mayAgain(error)) throw error
    }
    await operations.sleep(Math.min(first * 2 ** again, longestWaitMs), `backoff ${String(name)}`.slice(0, 128))
  }
}

/** What was cancelled stays so; and of what may have had its effect nobody knows whether it may happen twice. */
const mayAgain = (error: unknown): boolean =>
  error instanceof OperationError && error.code !== 'cancelled' && error.code !== 'outcome-unknown'
