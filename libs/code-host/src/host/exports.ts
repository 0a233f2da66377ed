// What a bundle exports, as far as it is for an agent. The bundle's own copy of @reins/agent describes its tools, by the form that
// stands below a registered symbol, so that nothing of that package is needed here.
import type { ToolForm } from '@reins/agent'
import type { ProjectForm, ProjectModules } from '@reins/agent/project'
import type { FoundExport } from '../messages.ts'
import { messageOf, withPlace } from './thrown.ts'

export interface LoadedTool {
  readonly form: ToolForm
  /** It declares secrets or configs, so their values are asked for before it runs. */
  readonly takesValues: boolean
}

export type LoadedBundle =
  | {
      readonly kind: 'loaded'
      readonly tools: ReadonlyMap<string, LoadedTool>
      readonly found: readonly FoundExport[]
      /** Code that decides for sessions: `agent_chat`, or the default export. */
      readonly workflow?: Workflow
      /** The modules of a project, whose bundle this is. */
      readonly project?: ProjectModules
      /** Agents that no module of agents/ exports, in the order in which they were made. */
      readonly inline: readonly object[]
      /** What is done with it. */
      readonly form?: ProjectForm
    }
  | { readonly kind: 'not-loaded'; readonly message: string }

export type Workflow = (context: unknown) => unknown

const marker = Symbol.for('reins.tool')
const projectMarker = Symbol.for('reins.project')

/** `probes`: initializers of a project are called once. */
export async function loadBundle(url: string, probes = false): Promise<LoadedBundle> {
  let module: Record<string, unknown>
  const made: object[] = []
  Object.defineProperty(globalThis, Symbol.for('reins.made-agents'), { value: made, configurable: true })
  try {
    module = await import(url)
    Object.freeze(made)
  } catch (error) {
    return { kind: 'not-loaded', message: withPlace(error) }
  }
  const project = projectOf(module.default)
  if (project) return loadedProject(project, made, probes)
  const tools = new Map<string, LoadedTool>()
  const found: FoundExport[] = []
  const decides = typeof module.agent_chat === 'function' ? 'agent_chat' : 'default'
  const workflow = typeof module[decides] === 'function' ? (module[decides] as Workflow) : undefined
  if (workflow) {
    const { affinity } = module
    found.push({ kind: 'workflow', export: decides, facts: affinity === undefined ? {} : { affinity } })
  }
  const seen = new Map<unknown, string>()
  // A default export may be one of the named ones once more; those have the better name.
  const names = Object.keys(module).sort((a, b) => Number(a === 'default') - Number(b === 'default'))
  for (const name of names) {
    const value = module[name]
    const form = formOf(value)
    if (form === undefined) {
      const message = notATool(value)
      if (message !== undefined) found.push({ kind: 'problem', export: name, message })
      continue
    }
    if (seen.has(value)) continue
    seen.set(value, name)
    if (form.version !== 1) {
      const message = 'was made by a newer @reins/agent than this Reins knows: update Reins, or use an older one'
      found.push({ kind: 'problem', export: name, message })
      continue
    }
    try {
      const described = await form.describe(name)
      if (described.kind === 'problems')
        for (const message of described.problems) found.push({ kind: 'problem', export: name, message })
      else {
        const { tool } = described
        const takesValues = [tool.secret_requests, tool.config_requests].some((asked = []) => asked.length > 0)
        tools.set(tool.name, { form, takesValues })
        found.push({ kind: 'tool', export: name, facts: tool })
      }
    } catch (error) {
      found.push({ kind: 'problem', export: name, message: `cannot be described: ${messageOf(error)}` })
    }
  }
  return { kind: 'loaded', tools, found, inline: [], ...(workflow ? { workflow } : {}) }
}

function projectOf(value: unknown): ProjectForm | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, projectMarker)) return undefined
  return (value as { [projectMarker]: ProjectForm })[projectMarker]
}

/** A project's modules are its own: what they export beside is nobody's business here. */
async function loadedProject(form: ProjectForm, made: readonly object[], probes: boolean): Promise<LoadedBundle> {
  const problem = (message: string): FoundExport => ({ kind: 'problem', message })
  const exported = new Set(Object.values(form.modules?.agents ?? {}).map(({ module }) => module.default))
  const inline = made.filter((agent) => !exported.has(agent))
  const loaded = { kind: 'loaded', tools: new Map<string, LoadedTool>(), inline } as const
  if (form.version !== 1)
    return {
      ...loaded,
      found: [problem('was built by a newer Reins than this one: update Reins, or build it with this one')],
    }
  try {
    const described = form.describe()
    const problems = described.kind === 'problems' ? described.problems : probes ? ((await form.probe?.()) ?? []) : []
    if (described.kind === 'problems' || problems.length > 0)
      return { ...loaded, found: problems.map((one) => problem(`${one.module}: ${one.message}`)) }
    const models = probes ? ((await form.models?.()) ?? {}) : {}
    const { manifest } = described
    const agents = manifest.agents.map((one) => {
      const model = Object.hasOwn(models, one.name) ? models[one.name] : undefined
      return model === undefined ? one : { ...one, model }
    })
    return {
      ...loaded,
      found: [{ kind: 'project', export: 'default', facts: { ...manifest, agents } }],
      project: form.modules,
      form,
    }
  } catch (error) {
    return { ...loaded, found: [problem(`the project cannot be described: ${messageOf(error)}`)] }
  }
}

function formOf(value: unknown): ToolForm | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, marker)) return undefined
  return (value as { [marker]: ToolForm })[marker]
}

/** Exports that are no tools are nobody's business, but for those that were meant to be some. */
function notATool(value: unknown): string | undefined {
  if (Array.isArray(value) && value.length > 0 && value.every((one) => formOf(one) !== undefined))
    return 'is a list of tools: export each tool by itself, under its own name'
  if (typeof value !== 'object' || value === null) return undefined
  const looks = 'execute' in value && typeof value.execute === 'function' && 'parameters' in value
  return looks ? 'looks like a tool, but was not made by defineTool: write defineTool({ … }) around it' : undefined
}
