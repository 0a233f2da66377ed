// reins build, deploy, rollback, project …
import path from 'node:path'
import type { Project, ProjectAnswer } from '@reins/contracts'
import { clientTypes } from '@reins/project'
import { type Command, Option } from 'commander'
import { CommandFailure, usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { discoveredLines, doorsOf } from '../../projects/discovered-lines.ts'
import { projectName } from '../../projects/project-name.ts'
import type { ProjectTools } from '../../projects/project-tools.ts'
import { amount } from '../../text/amount.ts'
import { oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { ago } from '../../text/when.ts'
import { examples } from '../examples.ts'

const format = () => new Option('--format <form>', 'print in this form').choices(['simple', 'json'])
const nameOption = () =>
  new Option('--name <name>', 'the name of the project (default: the name in its package.json, or that of its folder)')

interface BuildOptions {
  readonly output: string
}
interface DeployOptions {
  readonly name?: string
  readonly built?: string
}
interface RollbackOptions {
  readonly to?: string
}

export function projectCommands(program: Command, act: Act): void {
  program
    .command('build')
    .description('Build a project of TypeScript modules to one file that runs on any Reins')
    .argument('[folder]', 'the folder of the project', '.')
    .option('--output <folder>', 'the folder that the build is written to, from the folder of the project', 'dist')
    .addOption(format())
    .addHelpText('after', examples(['reins build', 'reins build ./support --output out']))
    .action((folder: string, options: BuildOptions, command: Command) => act(build)([folder, options], command))
  program
    .command('deploy')
    .description('Build a project and put it on the server: its agents and workflows run there from now on')
    .argument('[folder]', 'the folder of the project', '.')
    .addOption(nameOption())
    .option('--built <file>', 'deploy this file, which reins build made, in place of building the project')
    .addOption(format())
    .addHelpText(
      'after',
      examples(['reins deploy', 'reins deploy ./support --name support', 'reins deploy --built dist/project.mjs']),
    )
    .action((folder: string, options: DeployOptions, command: Command) => act(deploy)([folder, options], command))
  program
    .command('rollback')
    .description('Put an earlier build of a project back; Reins keeps the last ten')
    .argument('<project>', 'the name of the project')
    .option('--to <version>', 'the version to go back to (default: the latest before the present one)')
    .addOption(format())
    .addHelpText('after', examples(['reins rollback support', 'reins rollback support --to 3']))
    .action((name: string, options: RollbackOptions, command: Command) => act(rollback)([name, options], command))
  const project = program.command('project').description('Show and delete projects on the server')
  project
    .command('list')
    .description('List the projects')
    .addOption(format())
    .addHelpText('after', examples(['reins project list']))
    .action((_options: object, command: Command) => act(list)([], command))
  project
    .command('show')
    .description('Show what a project consists of, and its earlier builds')
    .argument('<project>', 'the name of the project')
    .addOption(format())
    .addHelpText('after', examples(['reins project show support']))
    .action((name: string, _options: object, command: Command) => act(show)([name], command))
  project
    .command('delete')
    .description('Delete a project; sessions of its agents stay')
    .argument('<project>', 'the name of the project')
    .addOption(format())
    .addHelpText('after', examples(['reins project delete support']))
    .action((name: string, _options: object, command: Command) => act(remove)([name], command))
}

function toolsOf(run: Invocation): ProjectTools {
  if (run.context.projects) return run.context.projects
  throw new CommandFailure('Projects cannot be built here.', { next: 'Use the command reins on a machine of yours.' })
}

/** Shows what there is before it bundles. Throws what is wrong. */
async function built(run: Invocation, tools: ProjectTools, folder: string) {
  const builder = tools.builder(folder)
  try {
    const outcome = await builder.build((project) => {
      if (!run.json) for (const line of discoveredLines(project)) run.print(line)
    })
    if (outcome.kind === 'built') return outcome
    throw notBuilt(outcome.problems)
  } finally {
    await builder.close()
  }
}

export const notBuilt = (problems: readonly string[]): CommandFailure =>
  new CommandFailure(`The project cannot be built:\n${problems.map(indented).join('\n')}`, {
    next: 'Correct the files, and give the command again. docs/code-first.md says how they are written.',
  })

const indented = (text: string): string => `  ${text.replaceAll('\n', '\n  ')}`

async function build(run: Invocation, folder: string, { output }: BuildOptions): Promise<void> {
  const tools = toolsOf(run)
  const out = path.resolve(folder, output)
  if (out === path.resolve(folder))
    throw usageFailure(
      'The build would be written among the files of the project.',
      'Give --output a folder of its own.',
    )
  const { text, digest, project } = await built(run, tools, folder)
  const described = await tools.describe(text)
  if (described.kind === 'failed') throw notBuilt(described.problems)
  const { manifest } = described
  const size = Buffer.byteLength(text)
  const whole = {
    name: await projectName(tools, folder, undefined),
    digest,
    size,
    sourceRoot: project.sourceRoot,
    ...manifest,
  }
  const files = {
    bundle: path.join(folder, output, 'project.mjs'),
    manifest: path.join(folder, output, 'manifest.json'),
    types: path.join(folder, output, 'client.d.ts'),
  }
  await tools.write({
    [files.bundle]: text,
    [files.manifest]: `${JSON.stringify(whole, null, 2)}\n`,
    [files.types]: clientTypes(project, output),
  })
  if (run.json) return run.printJson({ ...files, ...whole })
  run.print(`Built ${files.bundle} (${amount(size)}, ${digest.slice(0, 19)}…), ${files.manifest} and ${files.types}.`)
  run.hint('Put it on a Reins with: reins deploy')
}

async function deploy(run: Invocation, folder: string, { name: given, built: file }: DeployOptions): Promise<void> {
  const tools = toolsOf(run)
  const name = await projectName(tools, folder, given)
  const client = await run.client()
  const text = file === undefined ? (await built(run, tools, folder)).text : await tools.read(file)
  if (text === undefined)
    throw new CommandFailure(`${file}: there is no such file.`, { next: 'Make it with: reins build' })
  const answer = await client.projects.deploy(name, text)
  if (run.json) return run.printJson(answer)
  said(run, answer)
}

function said(run: Invocation, { project, outcome, rolledBack, warnings = [] }: ProjectAnswer): void {
  const { name, version, previous } = project
  const words = {
    created: `Deployed the project ${name} (version ${version}) to ${run.server}.`,
    updated: `Deployed version ${version} of the project ${name} to ${run.server}.`,
    unchanged: `The project ${name} is at this build already (version ${version}). Nothing changed.`,
    'rolled-back': rolledBack
      ? `The project ${name} went from version ${rolledBack.from} back to the build of version ${rolledBack.to}, which is version ${version} now.`
      : `The project ${name} is back at an earlier build, as version ${version}.`,
  } as const
  run.print(words[outcome])
  const [before] = previous
  for (const warning of warnings) run.hint(`Note: ${warning}`)
  if (outcome === 'updated' && before) run.hint(`Go back with: reins rollback ${name}`)
}

async function rollback(run: Invocation, name: string, { to }: RollbackOptions): Promise<void> {
  if (to !== undefined && !/^[1-9]\d{0,8}$/.test(to))
    throw usageFailure(
      `${JSON.stringify(to)} is no version.`,
      `Versions are numbers; this lists them: reins project show ${name}`,
    )
  const client = await run.client()
  const answer = await client.projects.rollback(name, to === undefined ? undefined : Number(to))
  if (run.json) return run.printJson(answer)
  said(run, answer)
}

async function list(run: Invocation): Promise<void> {
  const client = await run.client()
  const projects = await client.projects.list()
  if (run.json) return run.printJson({ projects })
  if (projects.length === 0) return run.hint('There are no projects. Make one with: reins init')
  const rows = projects.map(({ name, version, manifest, updatedAt, by }) => [
    oneLine(name),
    String(version),
    String(manifest.agents.length),
    String(manifest.workflows.length),
    ago(updatedAt, run.context.now()),
    oneLine(by),
  ])
  const columns = ['NAME', 'VERSION', 'AGENTS', 'WORKFLOWS', 'DEPLOYED', 'BY'].map((title) => ({ title }))
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

async function show(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  const project = await client.projects.get(name)
  if (run.json) return run.printJson(project)
  for (const line of projectLines(project, run.context.now())) run.print(line)
}

function projectLines({ name, version, digest, size, manifest, previous, updatedAt, by }: Project, now: number) {
  const modules = (title: string, all: Project['manifest']['agents']): readonly string[] =>
    all.map((one) => `${title} ${one.name}  ${doorsOf(one)}${one.description ? `  ${oneLine(one.description)}` : ''}`)
  return [
    `${name}  version ${version}, ${amount(size)}, deployed ${ago(updatedAt, now)} by ${oneLine(by)}`,
    `digest ${digest}`,
    ...modules('agent', manifest.agents),
    ...modules('workflow', manifest.workflows),
    ...manifest.channels.map(
      ({ name: channel, routes }) =>
        `channel ${channel}  ${routes.map(({ method, path: at }) => `${method} ${oneLine(at)}`).join(', ')}`,
    ),
    ...(manifest.app ? ['app'] : []),
    ...(manifest.env ? [`env ${manifest.env.map(oneLine).join(', ')}`] : []),
    ...(manifest.secrets ? [`secrets ${manifest.secrets.map(oneLine).join(', ')}`] : []),
    ...previous.map((one) => `before: version ${one.version}, deployed ${ago(one.at, now)} by ${oneLine(one.by)}`),
  ]
}

async function remove(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  await client.projects.delete(name)
  if (run.json) return run.printJson({ name })
  run.print(`Deleted the project ${name}.`)
}
