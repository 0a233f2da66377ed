// What a build can know of initializers before an instance is there: each is called once, for an id that is nobody's. Only what follows from
// no id is a mistake of the module: a field that no agent has, and a model that is none where no value of the project was read for it. What an
// initializer throws for an unknown id says nothing.
import { configModelProblems, unknownConfigFields } from '../authoring/check-profile.ts'
import { isCreatedAgent } from '../authoring/created-agent.ts'
import type { ModuleProblem } from './check-project.ts'
import type { ProjectModule, ProjectModules } from './define-project.ts'

const id = 'reins-build'
/** That all may take together: one that waits says nothing. */
const withinMs = 500
const longestModel = 300

export interface Probed {
  readonly problems: readonly ModuleProblem[]
  /** By the name of the agent: the model that it has, where no value of the project was read. */
  readonly models: Readonly<Record<string, string>>
}

const nothing: Probed = { problems: [], models: {} }

export async function probeAgents({ agents }: ProjectModules): Promise<Probed> {
  const late = new Promise<Probed>((resolve) => setTimeout(() => resolve(nothing), withinMs))
  const all = await Promise.all(Object.entries(agents).map(([name, one]) => Promise.race([probed(name, one), late])))
  return {
    problems: all.flatMap(({ problems }) => problems),
    models: Object.assign({}, ...all.map(({ models }) => models)) as Probed['models'],
  }
}

async function probed(name: string, { module, file }: ProjectModule): Promise<Probed> {
  const agent = module.default
  if (!isCreatedAgent(agent)) return nothing
  let read = false
  const env = anyValue(() => {
    read = true
  })
  try {
    const config: unknown = await agent.initialize({ id, env, payload: undefined })
    const problems = [...unknownConfigFields(config), ...(read ? [] : configModelProblems(config))]
    const model = read ? undefined : modelIn(config)
    return {
      problems: problems.map((message) => ({ module: file, message: `${message}.` })),
      models: problems.length > 0 || model === undefined ? {} : { [name]: model },
    }
  } catch {
    return nothing
  }
}

function modelIn(config: unknown): string | undefined {
  const { model, profile } = (config ?? {}) as {
    readonly model?: unknown
    readonly profile?: { readonly model?: unknown }
  }
  const found = model ?? profile?.model
  return typeof found === 'string' && found.length <= longestModel ? found : undefined
}

/** Whatever is declared is a text. `read`: told when one is. */
const anyValue = (read: () => void): Readonly<Record<string, string>> =>
  new Proxy(
    {},
    {
      get(_, name) {
        read()
        return typeof name === 'string' ? '' : undefined
      },
    },
  )
