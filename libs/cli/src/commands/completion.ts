// reins completion bash|zsh|fish: scripts that ask the program itself what could come next, so they are never out of step.
import type { Command, Option } from 'commander'
import { Argument } from 'commander'
import type { Act, Invocation } from '../invocation.ts'
import { examples } from './examples.ts'

export type Wanted =
  | 'agent'
  | 'session'
  | 'secret'
  | 'config'
  | 'webhook'
  | 'token'
  | 'role'
  | 'principal'
  | 'project'
  | 'workflow'
  | 'run'
  | 'file'
  | undefined

export interface Candidates {
  readonly words: readonly string[]
  /** Names that only the server knows, or files. */
  readonly wanted: Wanted
}

const scripts: Readonly<Record<string, string>> = {
  bash: `# reins completion for bash: eval "$(reins completion bash)"
_reins() {
  local IFS=$'\\n'
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(reins __complete -- "\${words[@]}" 2>/dev/null))
}
complete -o default -F _reins reins
`,
  zsh: `#compdef reins
# reins completion for zsh: eval "$(reins completion zsh)"
_reins() {
  local -a found
  found=("\${(@f)$(reins __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if (( \${#found} )); then compadd -- "\${found[@]}"; else _files; fi
}
compdef _reins reins
`,
  fish: `# reins completion for fish: reins completion fish | source
function __reins_complete
  set -l words (commandline -opc) (commandline -ct)
  reins __complete -- $words[2..-1] 2>/dev/null
end
complete -c reins -a '(__reins_complete)'
`,
}

export function completionCommands(program: Command, act: Act): void {
  program
    .command('completion')
    .description('Print a script that makes a shell complete commands, flags, agents and sessions')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      examples([
        'eval "$(reins completion bash)"      # in ~/.bashrc',
        'eval "$(reins completion zsh)"       # in ~/.zshrc, behind compinit',
        'reins completion fish | source       # in ~/.config/fish/config.fish',
      ]),
    )
    .action((shell: string, _options: object, command: Command) =>
      act(async (run, name: string) => {
        run.context.stdout.write(scripts[name] ?? '')
      })([shell], command),
    )
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action((words: string[], _options: object, command: Command) =>
      act((run, typed: readonly string[]) => complete(run, program, typed))([words], command),
    )
}

/** What could stand in place of the last word of `typed`. */
export function candidates(program: Command, typed: readonly string[]): Candidates {
  const last = typed.at(-1) ?? ''
  const before = typed.slice(0, -1)
  let command = program
  let place = 0
  for (let at = 0; at < before.length; at++) {
    const word = before[at] ?? ''
    if (word.startsWith('-')) {
      const option = optionOf(program, command, word)
      if (option && takesValue(option) && !word.includes('=')) {
        if (at === before.length - 1) return valuesOf(option, last)
        at++
      }
      continue
    }
    const next = visible(command).find((one) => one.name() === word || one.aliases().includes(word))
    if (next && place === 0) command = next
    else place++
  }
  if (last.startsWith('-')) {
    const inherited = command === program ? [] : program.options
    const options = [...command.options, ...inherited].filter((option) => !option.hidden)
    return begin([...options.flatMap((option) => option.long ?? []), '--help'], last)
  }
  const names = visible(command).map((one) => one.name())
  if (names.length > 0) return begin(names, last)
  const argument = command.registeredArguments[place] ?? command.registeredArguments.find((one) => one.variadic)
  if (!argument) return { words: [], wanted: undefined }
  if (argument.argChoices) return begin(argument.argChoices, last)
  return { words: [], wanted: wantedBy(argument.name()) }
}

const visible = (command: Command): Command[] => {
  const shown = command.createHelp().visibleCommands(command)
  return shown.filter((one) => one.name() !== 'help')
}
const begin = (words: readonly string[], start: string): Candidates => ({
  words: [...new Set(words)].filter((word) => word.startsWith(start)).sort(),
  wanted: undefined,
})
const optionOf = (program: Command, command: Command, word: string): Option | undefined =>
  [...command.options, ...program.options].find((option) => [option.short, option.long].includes(word.split('=')[0]))
const takesValue = (option: Option): boolean => option.required || option.optional

function valuesOf(option: Option, start: string): Candidates {
  if (option.argChoices) return begin(option.argChoices, start)
  const value = /<([^>]+)>/.exec(option.flags)?.[1] ?? ''
  const wanted = option.long === '--agent' ? 'agent' : option.long === '--session' ? 'session' : wantedBy(value)
  return { words: [], wanted }
}

const serverNames = [
  'agent',
  'session',
  'secret',
  'config',
  'webhook',
  'token',
  'role',
  'principal',
  'project',
  'workflow',
  'run',
] as const
type ServerName = (typeof serverNames)[number]

const wantedBy = (name: string): Wanted => (name === 'path' ? 'file' : serverNames.find((one) => one === name))

/** Prints one candidate a line; what the server does not tell in time is left out, and nothing is ever said on failure. */
async function complete(run: Invocation, program: Command, typed: readonly string[]): Promise<void> {
  const { words, wanted } = candidates(program, typed)
  const start = typed.at(-1) ?? ''
  const names = wanted === undefined || wanted === 'file' ? [] : await namesOf(run, wanted)
  for (const word of [...words, ...names.filter((name) => name.startsWith(start))]) run.print(word)
}

async function namesOf(run: Invocation, wanted: ServerName): Promise<readonly string[]> {
  const ask = async () => {
    const client = await run.client()
    if (wanted === 'agent')
      return [...(await client.agents.list()), ...(await client.agents.modules())].map(({ name }) => name)
    if (wanted === 'secret') return (await client.secrets.list()).map(({ name }) => name)
    if (wanted === 'config') return (await client.configs.list()).map(({ name }) => name)
    if (wanted === 'webhook') return (await client.webhooks.list()).map(({ id }) => id)
    if (wanted === 'token') return (await client.access.tokens.list()).map(({ id }) => id)
    if (wanted === 'role') return (await client.access.roles.list()).map(({ name }) => name)
    if (wanted === 'principal') return (await client.access.principals.list()).map(({ name }) => name)
    if (wanted === 'project') return (await client.projects.list()).map(({ name }) => name)
    if (wanted === 'workflow')
      return (await client.projects.list()).flatMap(({ manifest }) => manifest.workflows.map(({ name }) => name))
    if (wanted === 'run') return (await client.runs.list({ limit: 50 })).runs.map(({ runId }) => runId)
    return (await client.sessions.list({ limit: 50 })).sessions.map((session) => session.id)
  }
  const late = run.context.sleep(1500, run.signal).then((): readonly string[] => [])
  return Promise.race([ask().catch((): readonly string[] => []), late])
}
