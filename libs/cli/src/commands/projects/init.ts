// reins init, reins test: a new project, and its tests.
//   IN1. Nothing that is there is overwritten: a folder with any of the files is left as it is, and they are named.
import path from 'node:path'
import { agentPackageFolder, projectTemplate } from '@reins/project'
import type { Command } from 'commander'
import { CommandFailure, QuietExit } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { clientPackageFolder } from '../../projects/link-packages.ts'
import { projectName } from '../../projects/project-name.ts'
import type { ProjectTools } from '../../projects/project-tools.ts'
import { examples } from '../examples.ts'

interface InitOptions {
  readonly name?: string
  readonly workflow?: boolean
}

export function initCommands(program: Command, act: Act): void {
  program
    .command('init')
    .description('Make a project to begin with: an agent with a tool, and tests that pass')
    .argument('[folder]', 'the folder of the project; it is made where it is not there', '.')
    .option('--name <name>', 'the name of the project (default: that of its folder)')
    .option('--workflow', 'add a workflow')
    .addHelpText('after', examples(['reins init', 'reins init ./support --workflow']))
    .action((folder: string, options: InitOptions, command: Command) => act(init)([folder, options], command))
  program
    .command('test')
    .description('Run the tests of a project: files that end in .test.ts, with the test runner of Node')
    .argument('[folder]', 'the folder of the project', '.')
    .addHelpText('after', examples(['reins test', 'reins test ./support']))
    .action((folder: string, _options: object, command: Command) => act(runTests)([folder], command))
}

const toolsOf = (run: Invocation): ProjectTools => {
  if (run.context.projects) return run.context.projects
  throw new CommandFailure('Projects cannot be made here.')
}

async function init(run: Invocation, folder: string, { name: given, workflow = false }: InitOptions): Promise<void> {
  const tools = toolsOf(run)
  const name = await projectName(tools, folder, given)
  const packages = { agent: agentPackageFolder(), client: clientPackageFolder(), hono: await versionOfHono(tools) }
  const files = projectTemplate(name, packages, workflow)
  const placed = Object.fromEntries(Object.entries(files).map(([file, text]) => [path.join(folder, file), text]))
  const there: string[] = []
  for (const file of Object.keys(placed)) if ((await tools.read(file)) !== undefined) there.push(file)
  if (there.length > 0)
    throw new CommandFailure(
      `There is a project already, and nothing was written. These files are there: ${there.join(', ')}.`,
      {
        next: 'Name an empty folder: reins init ./my-project',
      },
    )
  await tools.write(placed)
  await tools.link(folder)
  if (run.json) return run.printJson({ name, folder, files: Object.keys(placed) })
  run.print(`Made the project ${name}:`)
  for (const file of Object.keys(placed)) run.print(`  ${file}`)
  const at = path.normalize(folder) === '.' ? '' : ` ${folder}`
  run.hint(`Run its tests with: reins test${at}`)
  run.hint(`Run it, with reload: reins dev${at}`)
}

/** That of @reins/agent: a build takes Hono from there. */
async function versionOfHono(tools: ProjectTools): Promise<string> {
  const manifest = JSON.parse((await tools.read(path.join(agentPackageFolder(), 'package.json'))) ?? '{}')
  return String(manifest.dependencies?.hono ?? '*')
}

async function runTests(run: Invocation, folder: string): Promise<void> {
  const code = await toolsOf(run).test(folder, run.signal)
  if (code === 'none')
    throw new CommandFailure(`${folder} has no tests: no file ends in .test.ts, .test.mts, .test.js or .test.mjs.`)
  if (code !== 0) throw new QuietExit(code)
}
