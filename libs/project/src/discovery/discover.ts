// What a project consists of, by where its files lie. Nothing is loaded here.
//   D1. One source root: the first of `.flue`, `src` and the project's own folder. Layouts are never mixed.
//   D2. A module's name is its file's, without the ending. Modules lie flat in their folder; what lies deeper is support code.
//   D3. Everything that is wrong is said at once, with the file and what to do.
//   D4. The data folder `.reins` is no part of a project.
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { type Unsteady, unsteadyIn } from './unsteady.ts'

export interface FoundModule {
  readonly name: string
  /** From the project's folder, with slashes. */
  readonly file: string
}

export interface FoundProject {
  /** Absolute. */
  readonly root: string
  /** From the project's folder, with slashes; `.`: the folder itself. */
  readonly sourceRoot: string
  readonly agents: readonly FoundModule[]
  readonly workflows: readonly FoundModule[]
  readonly channels: readonly FoundModule[]
  /** The project's own `app`. */
  readonly app: string | undefined
  /** `reins.config.ts`, in the project's folder. */
  readonly config: string | undefined
  /** Files that have a meaning elsewhere and none here, each with what to know. */
  readonly notUsed: readonly { readonly file: string; readonly why: string }[]
  /** In workflows: what their replays would not give again. */
  readonly unsteady: readonly (Unsteady & { readonly file: string })[]
}

export type Discovery =
  | { readonly kind: 'found'; readonly project: FoundProject }
  | { readonly kind: 'failed'; readonly problems: readonly string[] }

const endings = ['.ts', '.mts', '.js', '.mjs'] as const
const modulePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Files of other programs' layouts. */
const unused: readonly { readonly name: string; readonly why: string }[] = [
  { name: 'db', why: 'Reins keeps all sessions in its own event log, so a project configures no database' },
  { name: 'cloudflare', why: 'Reins runs on Node; there is nothing to configure for Cloudflare' },
]

/** Names that addresses need for something else. */
const reserved: Readonly<Record<string, string>> = {
  sessions: '"sessions" is no name for an agent: GET /agents/sessions lists sessions',
}

/** `folder`: the project's. */
export async function discover(folder: string): Promise<Discovery> {
  const root = path.resolve(folder)
  const there = await stat(root).catch(() => undefined)
  if (!there?.isDirectory())
    return { kind: 'failed', problems: [`${folder}: there is no such folder; name the folder of a project`] }
  const sourceRoot = await sourceRootOf(root)
  const base = path.join(root, sourceRoot)
  const problems: string[] = []
  const at = (...parts: readonly string[]) => path.posix.join(sourceRoot, ...parts)
  const kinds = { agents: 'agent', workflows: 'workflow', channels: 'channel' } as const
  const found = { agents: [] as FoundModule[], workflows: [] as FoundModule[], channels: [] as FoundModule[] }
  for (const kind of ['agents', 'workflows', 'channels'] as const) {
    const files = await filesOf(path.join(base, kind))
    found[kind] = modulesOf(files, kinds[kind], (name) => at(kind, name), problems)
  }
  const entries = await filesOf(base)
  const app = entryNamed('app', entries, at, problems)
  const config = entryNamed('reins.config', await filesOf(root), (file) => file, problems)
  const notUsed = unused.flatMap(({ name, why }) =>
    endings
      .map((ending) => `${name}${ending}`)
      .filter((file) => entries.includes(file))
      .map((file) => ({ file: at(file), why })),
  )
  if (problems.length === 0 && found.agents.length === 0 && found.workflows.length === 0)
    problems.push(nothingFound(folder, sourceRoot, found.channels.length > 0))
  if (problems.length > 0) return { kind: 'failed', problems }
  const unsteady = await Promise.all(
    found.workflows.map(async ({ file }) => {
      const text = await readFile(path.join(root, file), 'utf8').catch(() => '')
      return unsteadyIn(text).map((one) => ({ ...one, file }))
    }),
  )
  return { kind: 'found', project: { root, sourceRoot, ...found, app, config, notUsed, unsteady: unsteady.flat() } }
}

/** D1. */
async function sourceRootOf(root: string): Promise<string> {
  for (const candidate of ['.flue', 'src']) {
    const there = await stat(path.join(root, candidate)).catch(() => undefined)
    if (there?.isDirectory()) return candidate
  }
  return '.'
}

/** Names of the files in a folder, sorted. A folder that is not there has none. */
async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .sort()
}

const isModule = (file: string): boolean =>
  endings.some((ending) => file.endsWith(ending)) && !/\.d\.m?ts$/.test(file) && !/\.(test|spec)\.m?[jt]s$/.test(file)

/** D2, D3. */
function modulesOf(
  files: readonly string[],
  kind: 'agent' | 'workflow' | 'channel',
  at: (name: string) => string,
  problems: string[],
): FoundModule[] {
  const modules = new Map<string, string>()
  for (const base of files.filter(isModule)) {
    const name = base.replace(/\.[^.]+$/, '')
    const file = at(base)
    const other = modules.get(name)
    if (other !== undefined)
      problems.push(
        `Duplicate ${kind} basename "${name}" found: ${other}, ${file}. Keep only one ${kind} source file per basename.`,
      )
    else if (!modulePattern.test(name))
      problems.push(
        `${file}: "${name}" is no name for ${kind === 'agent' ? 'an' : 'a'} ${kind}: letters, digits, ".", "_" and "-", a letter or a digit first, at most 64. Rename the file.`,
      )
    else if (kind === 'agent' && reserved[name] !== undefined)
      problems.push(`${file}: ${reserved[name]}. Rename the file.`)
    else modules.set(name, file)
  }
  return [...modules].map(([name, file]) => ({ name, file }))
}

function entryNamed(
  name: string,
  files: readonly string[],
  at: (file: string) => string,
  problems: string[],
): string | undefined {
  const found = endings.map((ending) => `${name}${ending}`).filter((file) => files.includes(file))
  if (found.length > 1)
    problems.push(`Several files are named ${name}: ${found.map((file) => at(file)).join(', ')}. Keep only one.`)
  return found[0] === undefined ? undefined : at(found[0])
}

function nothingFound(folder: string, sourceRoot: string, channels: boolean): string {
  const where = sourceRoot === '.' ? folder : path.join(folder, sourceRoot)
  const only = channels ? 'only channels' : 'neither agents nor workflows'
  return `${where} has ${only}: write an agent in ${path.posix.join(sourceRoot, 'agents/<name>.ts')}, or a workflow in ${path.posix.join(sourceRoot, 'workflows/<name>.ts')}. "reins init" makes a project to begin with.`
}
