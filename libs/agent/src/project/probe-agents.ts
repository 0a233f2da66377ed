// What a build can know of initializers before an instance is there: each is called once, for an id that is nobody's. Only what follows from
// no id is a mistake of the module: a field that no agent has, and a model that is none where no value of the project was read for it. What an
// initializer throws for an unknown id says nothing.
import { configModelProblems, unknownConfigFields } from '../authoring/check-profile.ts'
import { isCreatedAgent } from '../authoring/created-agent.ts'
import type { ModuleProblem } from './check-project.ts'
import type { ProjectModules } from './define-project.ts'

const id = 'reins-build'
/** That all may take together: one that waits says nothing. */
const withinMs = 500

export async function probeAgents({ agents }: ProjectModules): Promise<readonly ModuleProblem[]> {
  const probed = Object.values(agents).map(async ({ module, file }): Promise<readonly ModuleProblem[]> => {
    const agent = module.default
    if (!isCreatedAgent(agent)) return []
    let read = false
    const env = anyValue(() => {
      read = true
    })
    try {
      const config: unknown = await agent.initialize({ id, env, payload: undefined })
      const problems = [...unknownConfigFields(config), ...(read ? [] : configModelProblems(config))]
      return problems.map((message) => ({ module: file, message: `${message}.` }))
    } catch {
      return []
    }
  })
  const late = new Promise<readonly ModuleProblem[]>((resolve) => setTimeout(() => resolve([]), withinMs))
  return (await Promise.all(probed.map((one) => Promise.race([one, late])))).flat()
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
