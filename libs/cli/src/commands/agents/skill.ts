// reins skill …
import { type Skill, storedSkills } from '@reins/contracts'
import type { Command } from 'commander'
import { QuietExit } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { examples } from '../examples.ts'

export function skillCommands(program: Command, act: Act): void {
  const skill = program.command('skill').description('Check folders of skills, and list the skills of agents')
  skill
    .command('list')
    .argument('<agent>', 'the name of the agent')
    .description('List the skills that an agent has')
    .addHelpText('after', examples(['reins skill list coder', 'reins skill list coder --json']))
    .action((agent: string, _options: object, command: Command) => act(list)([agent], command))
  skill
    .command('validate')
    .argument('<path>', 'the folder that holds the skills, one folder each')
    .description('Check a folder of skills as reins agent apply would; exit code 1 where something is wrong')
    .addHelpText(
      'after',
      `\nThis reads the folder on this machine, and needs no server.\n${examples([
        'reins skill validate ./skills',
        'reins skill validate ./skills --json',
      ])}`,
    )
    .action((folder: string, _options: object, command: Command) => act(validate)([folder], command))
}

async function list(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  const { definition } = await client.agents.get(name)
  const stored = storedSkills(definition)
  const skills = stored?.skills ?? []
  if (run.json)
    return run.printJson({ agent: name, ...(stored ? { dir: stored.dir, digest: stored.digest } : {}), skills })
  if (skills.length === 0)
    return run.hint(`The agent ${oneLine(name)} has no skills. skills_dir in its definition names a folder of skills.`)
  printSkills(run, skills)
}

async function validate(run: Invocation, folder: string): Promise<void> {
  const bundled = await run.context.bundleSkills(folder)
  const problems = bundled.kind === 'failed' ? bundled.problems : []
  if (run.json)
    run.printJson(
      bundled.kind === 'failed'
        ? { valid: false, problems }
        : { valid: true, skills: bundled.skills, size: Buffer.byteLength(bundled.text) },
    )
  else if (bundled.kind === 'failed')
    for (const problem of problems) run.print(`${run.style.red('✗')} ${oneLine(problem)}`)
  else {
    printSkills(run, bundled.skills)
    const { length } = bundled.skills
    const which = length === 1 ? 'The skill' : `All ${length} skills`
    run.hint(`${which} can be used (${Buffer.byteLength(bundled.text)} bytes).`)
  }
  if (bundled.kind === 'failed') throw new QuietExit(1)
}

function printSkills(run: Invocation, skills: readonly Skill[]): void {
  const rows = skills.map(({ name, description, allowed_tools: allowed }) => [
    oneLine(name),
    allowed === undefined ? 'all' : allowed.length === 0 ? 'none' : allowed.map(oneLine).join(', '),
    oneLine(description),
  ])
  const columns = [{ title: 'SKILL' }, { title: 'TOOLS' }, { title: 'DESCRIPTION', gives: true }]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}
