// The module that a project's bundle begins with: it imports all that was discovered, and exports it under the marker of a project.
import path from 'node:path'
import type { FoundModule, FoundProject } from '../discovery/discover.ts'

/** Its imports are relative to the project's folder. */
export function generatedEntry({ agents, workflows, channels, app, config }: FoundProject): string {
  const imports: string[] = []
  const listed = (letter: string, modules: readonly FoundModule[]): string => {
    const lines = modules.map(({ name, file }, index) => {
      imports.push(`import * as ${letter}${index} from ${quoted(`./${file}`)}`)
      return `    ${quoted(name)}: { module: ${letter}${index}, file: ${quoted(file)} },`
    })
    return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n  }`
  }
  const fields = [
    `  agents: ${listed('a', agents)},`,
    `  workflows: ${listed('w', workflows)},`,
    `  channels: ${listed('c', channels)},`,
  ]
  if (app !== undefined) {
    imports.push(`import * as app from ${quoted(`./${app}`)}`)
    fields.push(`  app: { module: app.default, file: ${quoted(app)} },`)
  }
  if (config !== undefined) {
    imports.push(`import * as config from ${quoted(`./${config}`)}`)
    fields.push(`  config: { module: config.default, file: ${quoted(config)} },`)
  }
  return [
    "import { defineProject } from '@reins/agent/project'",
    ...imports,
    'export default defineProject({',
    ...fields,
    '})',
    '',
  ].join('\n')
}

const quoted = (text: string): string => JSON.stringify(text.split(path.sep).join('/'))
