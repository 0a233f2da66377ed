// Tests of an agent without a server and without a model: given an instance, when a message comes, then these events.
//   AT1. The model is scripted: it does what the test says, step by step, and nothing else.
//   AT2. The tools are the agent's own, of the instance that the test names; their arguments are checked as a Reins checks them.
//   AT3. It is no Reins: there are no approvals, no sandbox, no sub-agents and no recording. It shows what the module itself does.
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { AgentConfiguration, LiveTools } from '../authoring/configure.ts'
import { agentMarker, type CreatedAgent } from '../authoring/created-agent.ts'
import type { Json, ToolContext } from '../context.ts'
import type { ToolForm } from '../tool.ts'

export interface Instance {
  readonly id?: string
  readonly env?: Readonly<Record<string, string>>
  readonly payload?: unknown
  /** Values of secrets and configs that tools ask for. */
  readonly secrets?: Readonly<Record<string, string>>
  readonly config?: Readonly<Record<string, Json>>
}

/** What the scripted model does next. */
export type ModelStep =
  | { readonly kind: 'call'; readonly tool: string; readonly arguments: unknown }
  | { readonly kind: 'say'; readonly text: string }

export const call = (tool: string, args: unknown = {}): ModelStep => ({ kind: 'call', tool, arguments: args })
export const say = (text: string): ModelStep => ({ kind: 'say', text })

export type TestEvent =
  | { readonly type: 'message.received'; readonly content: string }
  | { readonly type: 'tool-call.requested'; readonly tool: string; readonly arguments: unknown }
  | { readonly type: 'tool-call.completed'; readonly tool: string; readonly result: unknown }
  | { readonly type: 'tool-call.failed'; readonly tool: string; readonly message: string }
  | { readonly type: 'turn.completed'; readonly content: string }

export interface GivenAgent {
  /** What the initializer made for this instance. Rejects with what is wrong with it. */
  configuration(): Promise<AgentConfiguration>
  /** A turn: the message, and what the scripted model does with it. Answers with all that happened, in order. */
  when(message: string, ...model: readonly ModelStep[]): Promise<readonly TestEvent[]>
}

/** An instance of an agent. Each `when` runs the initializer again, as a Reins does for each interaction. */
export function given(agent: CreatedAgent<never> | CreatedAgent, instance: Instance = {}): GivenAgent {
  return {
    configuration: async () => (await configured(agent as CreatedAgent, instance)).configuration,
    when: async (message, ...model) => {
      const { live } = await configured(agent as CreatedAgent, instance)
      const events: TestEvent[] = [{ type: 'message.received', content: message }]
      let answer = ''
      for (const [index, step] of model.entries()) {
        if (step.kind === 'say') answer = step.text
        else events.push(...(await called(live, step, instance, index)))
      }
      return [...events, { type: 'turn.completed', content: answer }]
    },
  }
}

async function configured(agent: CreatedAgent, { id = 'test', env = {}, payload }: Instance) {
  const form = agent?.[agentMarker]
  if (!form) throw new TypeError('given() takes what createAgent() makes: import the default export of the module')
  const made = await form.configure({ id, env, payload })
  if (made.kind === 'configured') return made
  throw new TypeError(made.problems.map((problem) => `${problem}.`).join('\n'))
}

/** AT2. */
async function called(
  live: LiveTools,
  { tool, arguments: args }: Extract<ModelStep, { kind: 'call' }>,
  { id = 'test', secrets = {}, config = {} }: Instance,
  index: number,
): Promise<readonly TestEvent[]> {
  const requested: TestEvent = { type: 'tool-call.requested', tool, arguments: args }
  const failed = (message: string): TestEvent => ({ type: 'tool-call.failed', tool, message })
  const form = live.tools.get(tool)
  if (!form) {
    const names = [...live.tools.keys()].join(', ') || 'none'
    return [requested, failed(`the agent has no tool "${tool}"; its tools are: ${names}`)]
  }
  const problem = await formProblem(form, tool, args)
  if (problem !== undefined) return [requested, failed(`invalid arguments: ${problem}`)]
  const checked = await form.check(args)
  if (checked.kind === 'invalid') return [requested, failed(`invalid arguments: ${checked.problems.join('; ')}`)]
  const silent = () => undefined
  const context: ToolContext = {
    signal: new AbortController().signal,
    idempotencyKey: `${id}:${index}`,
    progress: silent,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    ...{ secrets, config, session: { id }, agent: { name: 'test' } },
  }
  try {
    return [requested, { type: 'tool-call.completed', tool, result: await form.execute(checked.value, context) }]
  } catch (error) {
    return [requested, failed(error instanceof Error ? error.message : String(error))]
  }
}

/** A Reins checks arguments against the schema that the model is told, before the tool is asked. */
async function formProblem(form: ToolForm, name: string, args: unknown): Promise<string | undefined> {
  const described = await form.describe(name)
  if (described.kind === 'problems') return described.problems.join('; ')
  const [error] = Compile(described.tool.parameters as TSchema).Errors(args)
  return error && `${error.instancePath === '' ? 'they' : error.instancePath} ${error.message}`
}
