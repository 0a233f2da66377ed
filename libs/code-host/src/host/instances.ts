// The agents of a project in a host: their initializers run here, and the tools of each instance stay here.
//   IN1. A tool is that of one instance of one agent: it is looked for in what the initializer gave for that id, and nowhere else. So a
//        function that holds one id is never given a call of another.
//   IN2. What an initializer throws, or gives wrongly, names the module.
//   IN3. A function may hold values of `env`: where they are others now, the initializer runs again before it is called.
//   IN4. An initializer may give other tools for another message: each version has its own, for which the initializer has run.
import type { AgentForm, LiveTools, ToolForm } from '@reins/agent'
import type { ProjectModules } from '@reins/agent/project'
import type { AgentInstance } from '../messages.ts'
import type { LoadedTool } from './exports.ts'
import { withPlace } from './thrown.ts'

const marker = Symbol.for('reins.agent')
/** What the project declares, by name. */
export type Environment = Readonly<Record<string, string>>

/** Instances whose tools are kept; of those that were asked for longest ago the initializer runs again. */
const mostInstances = 256

export class Instances {
  readonly #modules: Pick<ProjectModules, 'agents' | 'workflows'>
  readonly #inline: readonly object[]
  readonly #live = new Map<string, { readonly env: string; readonly tools: LiveTools }>()

  /** `inline`: agents that no module exports. */
  constructor(modules: Pick<ProjectModules, 'agents' | 'workflows'>, inline: readonly object[] = []) {
    this.#modules = modules
    this.#inline = inline
  }

  /** Runs the initializer, and gives the configuration. Rejects with what is wrong (IN2). */
  async configure(instance: AgentInstance, env: Environment = {}): Promise<unknown> {
    const { agent, id, payload } = instance
    const { file, form } = this.#form(agent)
    const configured = await form
      .configure(Object.freeze({ id, env: Object.freeze({ ...env }), payload }))
      .catch((error: unknown) => {
        throw new Error(`${file}: the initializer failed: ${withPlace(error)}`)
      })
    if (configured.kind === 'problems') throw new Error(`${file}: ${configured.problems.join('; ')}.`)
    this.#keep(keyOf(instance), { env: JSON.stringify(env), tools: configured.live })
    return configured.configuration
  }

  /** IN1, IN3. undefined: the instance has no such tool now. Without `env`: what was given last does. */
  async tool(instance: AgentInstance, name: string, env?: Environment): Promise<LoadedTool | undefined> {
    const key = keyOf(instance)
    const known = this.#live.get(key)
    if (!known || (env !== undefined && known.env !== JSON.stringify(env))) await this.configure(instance, env)
    let live = this.#live.get(key)?.tools
    for (const profile of instance.path ?? []) live = live?.subagents.get(profile)
    return loadedTool(live?.tools.get(name), name)
  }

  #form(name: string): { readonly file: string; readonly form: AgentForm } {
    const { file, created } = this.#created(name)
    const form = (created as { readonly [marker]?: AgentForm } | undefined)?.[marker]
    if (form?.version !== 1)
      throw new Error(`${file}: was built with another @reins/agent than this Reins knows: build the project anew`)
    return { file, form }
  }

  /** `report~1`: the first agent that no module exports, of the workflow `report`. */
  #created(name: string): { readonly file: string; readonly created: unknown } {
    const { agents, workflows } = this.#modules
    const one = Object.hasOwn(agents, name) ? agents[name] : undefined
    if (one) return { file: one.file, created: one.module.default }
    const [, workflow = '', place] = /^(.+)~(\d{1,3})$/.exec(name) ?? []
    const from = Object.hasOwn(workflows, workflow) ? workflows[workflow] : undefined
    const created = this.#inline[Number(place) - 1]
    if (!from || !created) throw new Error(`the project has no agent "${name}"`)
    return { file: from.file, created }
  }

  #keep(key: string, live: { readonly env: string; readonly tools: LiveTools }): void {
    this.#live.delete(key)
    this.#live.set(key, live)
    const [oldest] = this.#live.keys()
    if (this.#live.size > mostInstances && oldest !== undefined) this.#live.delete(oldest)
  }
}

export async function loadedTool(form: ToolForm | undefined, name: string): Promise<LoadedTool | undefined> {
  if (!form) return undefined
  const described = await form.describe(name)
  const asks = described.kind === 'tool' ? [described.tool.secret_requests, described.tool.config_requests] : []
  return { form, takesValues: asks.some((names = []) => names.length > 0) }
}

const keyOf = ({ agent, id, payload, version }: AgentInstance): string =>
  JSON.stringify([agent, id, payload ?? null, version ?? null])
