// The reference of the commands, written from the commands themselves.
import type { Argument, Command, Option } from 'commander'

/** Markdown: a heading a command, with its usage, arguments, options and examples. */
export function cliReference(program: Command): string {
  const commands = leaves(program)
  const toc = commands.map((one) => `| [\`${one.path}\`](#${anchor(one.path)}) | ${one.command.description()} |`)
  return [
    '## Commands',
    '',
    '| command | what it does |',
    '|---|---|',
    ...toc,
    '',
    '## Options of every command',
    '',
    ...optionTable(program.options),
    '',
    ...commands.flatMap((one) => section(one)),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

interface Leaf {
  readonly path: string
  readonly command: Command
}

/** One line a command: for a README. */
export const commandList = (program: Command): string =>
  ['| command | what it does |', '|---|---|']
    .concat(leaves(program).map((one) => `| \`${one.path}\` | ${one.command.description()} |`))
    .join('\n')

function leaves(command: Command, above = ''): Leaf[] {
  const path = `${above} ${command.name()}`.trim()
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help')
  return below.length === 0 ? [{ path, command }] : below.flatMap((one) => leaves(one, path))
}

const anchor = (path: string): string => path.toLowerCase().replace(/ /g, '-')
const cell = (text: string): string => text.replace(/\|/g, '\\|')

function section({ path, command }: Leaf): string[] {
  const usage = [
    path,
    ...command.registeredArguments.map(argumentText),
    ...(command.options.length > 0 ? ['[options]'] : []),
  ]
  const options = command.options.filter((option) => !option.hidden)
  const help = afterHelp(command)
  return [
    `### ${path}`,
    '',
    `${sentence(command.description())}`,
    '',
    '```',
    usage.join(' '),
    '```',
    '',
    ...(options.length === 0 ? [] : [...optionTable(options), '']),
    ...(help.notes === '' ? [] : [help.notes, '']),
    ...(help.examples.length === 0 ? [] : ['```sh', ...help.examples, '```', '']),
  ]
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
const argumentText = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function optionTable(options: readonly Option[]): string[] {
  return [
    '| option | what it does |',
    '|---|---|',
    ...options.map((option) => {
      const choices = option.argChoices ? ` (${option.argChoices.join(', ')})` : ''
      const standard = option.defaultValue === undefined ? '' : ` (default: ${String(option.defaultValue)})`
      return `| \`${cell(option.flags)}\` | ${cell(option.description)}${choices}${standard} |`
    }),
  ]
}

/** What addHelpText put behind the help: prose, then the examples. */
function afterHelp(command: Command): { readonly notes: string; readonly examples: readonly string[] } {
  let text = ''
  const before = command.configureOutput()
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  command.configureOutput(before)
  const own = command.helpInformation()
  const behind = text.slice(text.indexOf(own) + own.length)
  const [notes = '', shown = ''] = behind.split('Examples:\n')
  const examples = shown.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim().replace(/^\$ /, '')]))
  return { notes: notes.trim(), examples }
}
