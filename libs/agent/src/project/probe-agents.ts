// What a build can know of initializers before an instance is there: each is called once, for an id that is nobody's. Only what follows from
// no id is a mistake of the module, which is a field that no agent has; what an initializer throws for an unknown id says nothing.
import { unknownConfigFields } from '../authoring/check-profile.ts'
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
    try {
      const config: unknown = await agent.initialize({ id, env: anyValue, payload: undefined })
      return unknownConfigFields(config).map((message) => ({ module: file, message: `${message}.` }))
    } catch {
      return []
    }
  })
  const late = new Promise<readonly ModuleProblem[]>((resolve) => setTimeout(() => resolve([]), withinMs))
  return (await Promise.all(probed.map((one) => Promise.race([one, late])))).flat()
}

/** Whatever is declared is a text. */
const anyValue: Readonly<Record<string, string>> = new Proxy(
  {},
  { get: (_, name) => (typeof name === 'string' ? '' : undefined) },
)
