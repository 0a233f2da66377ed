// What `run(ctx)` of a workflow is given: the operations of a replay, in the words of workflows.
//   FL1. All that it does goes through operations of the replay, in an order that follows from what is recorded alone.
//   FL2. A step that is tried again is a step of its own each time, and what lies between is a sleep: waiting takes no process. The
//        idempotency key stays that of the first attempt.
import type { LiveTools } from '@reins/agent'
import type { ProjectModule } from '@reins/agent/project'
import type { RunInput } from '../../messages.ts'
import { harnessOf } from '../harness/harness.ts'
import { givesNothing, readGiven } from '../harness/given-tools.ts'
import { secretsRefused } from '../harness/recorded-secrets.ts'
import { msOf, OperationError } from './replay.ts'
import { requestReader } from './request.ts'

export interface RunOperations {
  /** `live`: functions that the code gives with it. */
  ask(
    operation: 'init' | 'prompt' | 'wait',
    name: string,
    more: Readonly<Record<string, unknown>>,
    live?: LiveTools,
  ): Promise<unknown>
  step(name: unknown, run: unknown, options: unknown, key?: number): Promise<unknown>
  /** Of a session, by the names of its harness and its own. */
  compact(session: string): Promise<unknown>
  sleep(duration: unknown, name?: string): Promise<unknown>
  /** Throws where one of these texts holds a secret of the project: what it is for would be recorded. */
  refuseSecrets?(what: string, texts: readonly unknown[]): void
  /** Whether the function of a step asks. */
  inStep(): boolean
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
  readonly inline: readonly object[]
}

export function runContext(
  input: RunInput,
  workflow: NonNullable<RunInput['workflow']>,
  { log, agents, inline }: Surroundings,
  operations: RunOperations,
): object {
  const id = `run_${input.session}`
  const { getConfig, now, random, uuid } = operations
  const harnesses = new Set<string>()
  const request = requestReader(workflow.request, operations.inStep)
  return Object.freeze({
    id,
    payload: workflow.payload,
    env: Object.freeze({ ...workflow.env }),
    get req() {
      return request()
    },
    log,
    session: Object.freeze({ id: input.session }),
    init: async (agent: unknown, options: unknown = {}) => {
      const {
        name = 'default',
        tools,
        skills,
        subagents,
        ...others
      } = (options ?? {}) as Readonly<Record<string, unknown>>
      const [other] = Object.keys(others)
      if (other !== undefined)
        throw new TypeError(
          `"${other}" is no option of init(): say it in createAgent(). init() takes name, tools, skills and subagents`,
        )
      if (typeof name !== 'string' || name === '' || name.length > 60)
        throw new TypeError('"name" of init() is the name of the harness: a text of at most 60 characters')
      if (harnesses.has(name)) throw new Error(`init() has already been called with name "${name}" in this request.`)
      harnesses.add(name)
      try {
        const named = agentName(agent, agents, inline, workflow.name)
        const refuseSecrets = secretsRefused(workflow)
        const giving = { tools, skills, subagents }
        const more = givesNothing(giving) ? undefined : await readGiven('init()', giving)
        if (more) refuseSecrets('What init() is given', [more.configuration])
        const asked = { agent: named, ...(more ? { more: more.configuration } : {}) }
        const found = (await operations.ask('init', name, asked, more?.live)) as
          | { readonly needsModel?: unknown }
          | undefined
        return harnessOf(name, named, found?.needsModel === true, input.limits.valueChars, {
          ...operations,
          refuseSecrets,
        })
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

/** An agent that no module exports has the name of the workflow and its place (inlineAgent of @reins/contracts). */
function agentName(
  agent: unknown,
  agents: Surroundings['agents'],
  inline: Surroundings['inline'],
  workflow: string,
): string {
  if (typeof agent === 'string' && agent !== '') return agent
  for (const [name, { module }] of Object.entries(agents)) if (module.default === agent) return name
  const place = inline.indexOf(agent as object) + 1
  if (place > 0) return `${workflow}~${place}`
  throw new TypeError(
    isAgent(agent)
      ? 'init() was given an agent that was made while the workflow ran: call createAgent() at the top of the file'
      : 'init() takes what createAgent() gave, here or in a module of agents/, or the name of an agent',
  )
}

const isAgent = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, Symbol.for('reins.agent'))

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
