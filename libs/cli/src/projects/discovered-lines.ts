// What was discovered of a project, as lines for people.
import type { FoundModule, FoundProject } from '@reins/project'
import { oneLine } from '../text/neutralise.ts'

export function discoveredLines({
  sourceRoot,
  agents,
  workflows,
  channels,
  app,
  notUsed,
  unsteady,
}: FoundProject): readonly string[] {
  const root = sourceRoot === '.' ? 'the folder itself: it has neither .flue nor src' : sourceRoot
  const list = (title: string, modules: readonly FoundModule[]): readonly string[] =>
    modules.length === 0 ? [] : [title, ...modules.map(({ name, file }) => `  ${oneLine(name)}  (${oneLine(file)})`)]
  return [
    `Source root: ${root}`,
    ...(agents.length === 0 ? ['Agents: none'] : list('Agents:', agents)),
    ...(workflows.length === 0 ? ['Workflows: none'] : list('Workflows:', workflows)),
    ...list('Channels:', channels),
    ...(app === undefined ? [] : [`App: ${oneLine(app)}`]),
    ...notUsed.map(({ file, why }) => `Not used: ${oneLine(file)}. ${why}.`),
    ...unsteady.map(
      ({ file, line, call, instead }) =>
        `Look at ${oneLine(file)}:${line}: ${call} gives another value in each replay. Outside of a step, write ${instead}.`,
    ),
  ]
}
