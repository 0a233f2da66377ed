// What a client of the project may ask for, as types: the text of the file `client.d.ts` beside a build.
//   CT1. It names the modules and imports their types, so that it changes only when a module comes or goes.
//   CT2. The same modules give the same text.
import path from 'node:path'
import type { FoundProject } from './discovery/discover.ts'

/** `out`: the folder that the file stands in, from the folder of the project. */
export function clientTypes({ agents, workflows }: Pick<FoundProject, 'agents' | 'workflows'>, out: string): string {
  const up = path.posix.relative(out.split(path.sep).join('/'), '.')
  const from = (file: string): string => JSON.stringify(path.posix.join(up, file.split(path.sep).join('/')))
  const listed = workflows.map(
    ({ name, file }) => `    readonly ${JSON.stringify(name)}: WorkflowTypes<typeof import(${from(file)})>`,
  )
  return [
    '// Made by reins build and reins dev: what a client of this project may ask for. Use it with projectClient of @reins/client.',
    ...(listed.length === 0 ? [] : ["import type { WorkflowTypes } from '@reins/client'", '']),
    'export interface Project {',
    `  readonly agents: ${agents.length === 0 ? 'never' : agents.map(({ name }) => JSON.stringify(name)).join(' | ')}`,
    ...(listed.length === 0 ? ['  readonly workflows: {}'] : ['  readonly workflows: {', ...listed, '  }']),
    '}',
    '',
  ].join('\n')
}
