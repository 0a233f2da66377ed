// An agent as a module: `export default createAgent(({ id }) => ({ model: 'provider/model' }))`.
//   C1. It is a frozen marker, known by a registered symbol, so that it is one over two copies of this package; a plain object of the
//       same look is none. What stands below the symbol says the version of this form.
//   C2. The initializer runs for each interaction, in the code host: what it returns is checked whole, and every mistake is named at once.
import { type Configured, configure } from './configure.ts'
import { noteAgent } from './made.ts'
import type { AgentRuntimeConfig } from './runtime-config.ts'

/** What an initializer is given. */
export interface AgentInitContext<Payload = unknown> {
  /** Of the instance: the part of the address that the caller chose; in a workflow, the run's. */
  readonly id: string
  /** What the project declares. */
  readonly env: Readonly<Record<string, string>>
  /** In a workflow, what that was given; else undefined. */
  readonly payload: Payload
}

export type AgentInitializer<Payload = unknown> = (
  context: AgentInitContext<Payload>,
) => AgentRuntimeConfig | Promise<AgentRuntimeConfig>

export const agentMarker: unique symbol = Symbol.for('reins.agent')

/** What a host does with an agent. One object for each version of this form. */
export interface AgentForm {
  readonly version: 1
  /** Runs the initializer, and tells what came of it. */
  configure(context: AgentInitContext): Promise<Configured>
}

/** What `createAgent` makes: the default export of a module in the folder `agents`. */
export interface CreatedAgent<Payload = unknown> {
  readonly initialize: AgentInitializer<Payload>
  readonly [agentMarker]: AgentForm
}

export function createAgent<Payload = unknown>(initialize: AgentInitializer<Payload>): CreatedAgent<Payload> {
  if (typeof initialize !== 'function')
    throw new TypeError(
      `createAgent() requires an initializer function. Write "createAgent(() => ({ model: 'provider/model' }))".`,
    )
  const form: AgentForm = Object.freeze({
    version: 1,
    configure: (context: AgentInitContext) => configure(initialize as AgentInitializer, context),
  })
  const agent = Object.freeze({ initialize, [agentMarker]: form })
  noteAgent(agent)
  return agent
}

export const isCreatedAgent = (value: unknown): value is CreatedAgent =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, agentMarker)
