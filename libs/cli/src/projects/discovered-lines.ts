// What was discovered of a project, as lines for people.
import type { Project } from '@reins/contracts'
import type { FoundModule, FoundProject } from '@reins/project'
import { oneLine } from '../text/neutralise.ts'

type Exposed = Project['manifest']['agents'][number]

/** Over what a module can be reached without a token of Reins. */
export const doorsOf = ({ route, websocket }: Pick<Exposed, 'route' | 'websocket'>): string =>
  [route ? 'HTTP' : '', websocket ? 'WebSocket' : ''].filter(Boolean).join(', ') || 'not exposed'

/** `manifest`: what the modules export, once they were loaded. */
export function discoveredLines(
  { sourceRoot, agents, workflows, channels, app, notUsed, unsteady }: FoundProject,
  manifest?: Pick<Project['manifest'], 'agents' | 'workflows'>,
): readonly string[] {
  const root = sourceRoot === '.' ? 'the folder itself: it has neither .flue nor src' : sourceRoot
  const list = (title: string, modules: readonly FoundModule[], loaded: readonly Exposed[] = []): readonly string[] =>
    modules.length === 0 ? [] : [title, ...modules.map((module) => line(module, loaded))]
  return [
    `Source root: ${root}`,
    ...(agents.length === 0 ? ['Agents: none'] : list('Agents:', agents, manifest?.agents)),
    ...(workflows.length === 0 ? ['Workflows: none'] : list('Workflows:', workflows, manifest?.workflows)),
    ...list('Channels:', channels),
    ...(app === undefined ? [] : [`App: ${oneLine(app)}`]),
    ...notUsed.map(({ file, why }) => `Not used: ${oneLine(file)}. ${why}.`),
    ...unsteady.map(
      ({ file, line, call, instead }) =>
        `Look at ${oneLine(file)}:${line}: ${call} gives another value in each replay. Outside of a step, write ${instead}.`,
    ),
  ]
}

function line({ name, file }: FoundModule, loaded: readonly Exposed[]): string {
  const one = loaded.find((module) => module.name === name)
  return `  ${oneLine(name)}  (${oneLine(file)})${one ? `  ${doorsOf(one)}` : ''}`
}
