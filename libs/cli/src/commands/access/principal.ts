// reins principal …
import type { Principal, PrincipalKind } from '@reins/contracts'
import { type Command, Option } from 'commander'
import { usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { examples } from '../examples.ts'
import { several } from '../several.ts'

const format = () => new Option('--format <form>', 'print in this form').choices(['simple', 'json'])

interface GrantOptions {
  readonly role?: readonly string[]
  readonly permission?: readonly string[]
  readonly kind?: PrincipalKind
}

export function principalCommands(program: Command, act: Act): void {
  const principal = program
    .command('principal')
    .alias('principals')
    .description('Make people and service accounts, and say what they may')
  principal
    .command('list')
    .description('List the principals with their roles')
    .addOption(format())
    .addHelpText('after', examples(['reins principal list']))
    .action((_options: object, command: Command) => act(list)([], command))
  const granting = (verb: 'create' | 'grant' | 'revoke', description: string, example: string) => {
    const command = principal
      .command(verb)
      .description(description)
      .argument('<principal>', 'the name of the principal')
      .option('--role <roles>', 'roles, with commas between them', several)
      .option('--permission <permissions>', 'permissions, with commas between them', several)
    if (verb === 'create')
      command.addOption(new Option('--kind <kind>', 'what it is (default: person)').choices(['person', 'service']))
    command
      .addOption(format())
      .addHelpText('after', examples([example]))
      .action((name: string, options: GrantOptions, under: Command) => act(changes[verb])([name, options], under))
  }
  granting(
    'create',
    'Make a principal, which then can be given tokens',
    'reins principal create ci --kind service --role operator',
  )
  granting(
    'grant',
    'Give a principal roles and permissions that you have',
    'reins principal grant ann --role operator --permission approval:*',
  )
  granting(
    'revoke',
    'Take roles and permissions from a principal, at once',
    'reins principal revoke ann --role operator',
  )
  principal
    .command('ban')
    .description('Ban a principal: whatever comes in its name is refused at once')
    .argument('<principal>', 'the name of the principal')
    .option('--reason <text>', 'why')
    .addOption(format())
    .addHelpText('after', examples(["reins principal ban ann --reason 'left the company'"]))
    .action((name: string, options: { reason?: string }, command: Command) => act(ban)([name, options.reason], command))
  principal
    .command('unban')
    .description('Take a ban back')
    .argument('<principal>', 'the name of the principal')
    .addOption(format())
    .addHelpText('after', examples(['reins principal unban ann']))
    .action((name: string, _options: object, command: Command) => act(unban)([name], command))
}

async function list(run: Invocation): Promise<void> {
  const client = await run.client()
  const principals = await client.access.principals.list()
  if (run.json) return run.printJson({ principals })
  if (principals.length === 0) return run.hint('There are no principals. Make one with reins principal create NAME')
  const rows = principals.map(({ name, kind, roles, permissions, banned }) => [
    oneLine(name),
    kind,
    banned ? 'banned' : '',
    oneLine(roles.join(', ')),
    oneLine(permissions.join(', ')),
  ])
  const columns = [
    ...[{ title: 'NAME' }, { title: 'KIND' }, { title: '' }],
    ...[
      { title: 'ROLES', gives: true },
      { title: 'GRANTS', gives: true },
    ],
  ]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

const granted = ({ role, permission }: GrantOptions) => ({
  ...(role === undefined ? {} : { roles: [...role] }),
  ...(permission === undefined ? {} : { permissions: [...permission] }),
})

function mustName({ role, permission }: GrantOptions, verb: string): void {
  if (role === undefined && permission === undefined)
    throw usageFailure('Nothing is named.', `Name what to ${verb}: --role ROLE or --permission PERMISSION.`)
}

const changes = {
  async create(run: Invocation, name: string, options: GrantOptions): Promise<void> {
    const client = await run.client()
    const kind = options.kind === undefined ? {} : { kind: options.kind }
    const made = await client.access.principals.create({ name, ...kind, ...granted(options) })
    if (run.json) return run.printJson({ principal: made })
    run.print(`Made the principal ${made.name}. It has${mayOf(made)}.`)
    run.hint(`Make a token for it: reins token create --principal ${made.name} --expires 30d`)
  },
  async grant(run: Invocation, name: string, options: GrantOptions): Promise<void> {
    mustName(options, 'grant')
    const client = await run.client()
    const now = await client.access.principals.grant(name, granted(options))
    if (run.json) return run.printJson({ principal: now })
    run.print(`${now.name} has now${mayOf(now)}.`)
  },
  async revoke(run: Invocation, name: string, options: GrantOptions): Promise<void> {
    mustName(options, 'revoke')
    const client = await run.client()
    const now = await client.access.principals.revoke(name, granted(options))
    if (run.json) return run.printJson({ principal: now })
    run.print(`${now.name} has now${mayOf(now)}.`)
  },
}

function mayOf({ roles, permissions }: Principal): string {
  const parts = [
    ...(roles.length > 0 ? [`the ${roles.length === 1 ? 'role' : 'roles'} ${oneLine(roles.join(', '))}`] : []),
    ...(permissions.length > 0
      ? [`the ${permissions.length === 1 ? 'grant' : 'grants'} ${oneLine(permissions.join(', '))}`]
      : []),
  ]
  return parts.length === 0 ? ' no roles and no grants' : ` ${parts.join(' and ')}`
}

async function ban(run: Invocation, name: string, reason: string | undefined): Promise<void> {
  const client = await run.client()
  const now = await client.access.principals.ban(name, reason)
  if (run.json) return run.printJson({ principal: now })
  run.print(`Banned ${now.name}.`)
}

async function unban(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  const now = await client.access.principals.unban(name)
  if (run.json) return run.printJson({ principal: now })
  run.print(`${now.name} is banned no more.`)
}
