// Under which name a project is deployed: the one that is given, else that of its package, else that of its folder.
import path from 'node:path'
import { isMapping, isProjectName } from '@reins/contracts'
import { usageFailure } from '../failure.ts'
import type { ProjectTools } from './project-tools.ts'

export async function projectName(tools: ProjectTools, folder: string, given: string | undefined): Promise<string> {
  const name = given ?? nameFrom((await packageName(tools, folder)) ?? tools.nameOf(folder))
  if (isProjectName(name)) return name
  throw usageFailure(
    `${JSON.stringify(name)} is no name for a project: lower-case letters, digits and single hyphens, at most 64 characters.`,
    'Give another one with --name.',
  )
}

async function packageName(tools: ProjectTools, folder: string): Promise<string | undefined> {
  const text = await tools.read(path.join(folder, 'package.json'))
  if (text === undefined) return undefined
  try {
    const { name }: { readonly name?: unknown } = asMapping(JSON.parse(text))
    return typeof name === 'string' && name !== '' ? name : undefined
  } catch {
    return undefined
  }
}

const asMapping = (value: unknown): Readonly<Record<string, unknown>> => (isMapping(value) ? value : {})

/** `@acme/Support Desk` is support-desk. */
const nameFrom = (text: string): string =>
  text
    .replace(/^@[^/]*\//, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64)
    .replace(/-$/, '') || 'project'
