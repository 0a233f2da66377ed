// reins config …
import type { Config } from '@reins/contracts'
import { type Command, Option } from 'commander'
import { usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { neutralise, oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { ago } from '../../text/when.ts'
import { examples } from '../examples.ts'

type Format = 'simple' | 'json'
const format = (what = 'print in this form') => new Option('--format <form>', what).choices(['simple', 'json'])

const plain =
  '\nThe values of configs are kept and shown in plain text. Do not put secrets there: use reins secret set for them.\n'

export function configCommands(program: Command, act: Act): void {
  const config = program
    .command('config')
    .description('Keep settings for tools, agents and workflows, in plain text')
    .addHelpText('after', plain)
  config
    .command('set')
    .description('Give a config a value, in plain text')
    .argument('<config>', 'the name of the config, such as logging.level')
    .argument('<value>', 'its value: a text; with --format json any JSON value')
    .addOption(format('read the value, and print, in this form'))
    .addHelpText(
      'after',
      plain +
        examples([
          'reins config set logging.level debug',
          `reins config set retry '{"times": 3, "waitMs": 500}' --format json`,
        ]),
    )
    .action((name: string, value: string, options: { format?: Format }, command: Command) =>
      act(set)([name, value, options.format], command),
    )
  config
    .command('get')
    .description('Print the value of a config; agent:<name> gives the definition of an agent, as JSON')
    .argument('<config>', 'the name of the config')
    .addOption(format())
    .addHelpText('after', plain + examples(['reins config get logging.level', 'reins config get agent:coder']))
    .action((name: string, _options: object, command: Command) => act(get)([name], command))
  config
    .command('list')
    .description('List the configs with their values')
    .addOption(format())
    .addHelpText('after', plain + examples(['reins config list', 'reins config list --format json']))
    .action((_options: object, command: Command) => act(list)([], command))
  config
    .command('remove')
    .description('Remove a config')
    .argument('<config>', 'the name of the config')
    .addOption(format())
    .addHelpText('after', examples(['reins config remove logging.level']))
    .action((name: string, _options: object, command: Command) => act(remove)([name], command))
}

async function set(run: Invocation, name: string, text: string, form: Format | undefined): Promise<void> {
  const client = await run.client()
  const { config, outcome } = await client.configs.set(name, form === 'json' ? parsed(text) : text)
  if (run.json) return run.printJson({ config, outcome })
  run.print(`${outcome === 'created' ? 'Set' : 'Changed'} the config ${config.name}.`)
  if (/token|secret|password|api_?key/i.test(name))
    run.hint(
      run.style.yellow(
        `Its value is kept in plain text. If it is a secret, remove it (reins config remove ${config.name}), and use reins secret set ${config.name}`,
      ),
    )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw usageFailure('The value is not JSON.', `Quote it for the shell, such as '{"times": 3}' or '"a text"'.`)
  }
}

/** A text as it is, anything else as JSON. */
const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value, null, 2))

async function get(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  const { value } = await client.configs.get(name)
  if (run.json) return run.printJson(value)
  run.print(run.context.stdout.isTTY === true ? neutralise(shown(value)) : shown(value))
}

async function list(run: Invocation): Promise<void> {
  const client = await run.client()
  const configs = await client.configs.list()
  if (run.json) return run.printJson({ configs })
  if (configs.length === 0) return run.hint('There are no configs. Set one with reins config set NAME VALUE')
  const rows = configs.map(({ name, value, updatedAt, by }: Config) => [
    oneLine(name),
    oneLine(typeof value === 'string' ? value : JSON.stringify(value)),
    ago(updatedAt, run.context.now()),
    oneLine(by),
  ])
  const columns = [{ title: 'NAME' }, { title: 'VALUE', gives: true }, { title: 'SET' }, { title: 'BY' }]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

async function remove(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  await client.configs.delete(name)
  if (run.json) return run.printJson({ name })
  run.print(`Removed the config ${name}.`)
}
