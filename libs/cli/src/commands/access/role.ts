// reins role …
import type { RoleInfo } from '@reins/contracts'
import { type Command, Option } from 'commander'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { examples } from '../examples.ts'
import { several } from '../several.ts'

const format = () => new Option('--format <form>', 'print in this form').choices(['simple', 'json'])

interface PutOptions {
  readonly permission: readonly string[]
  readonly description?: string
}

export function roleCommands(program: Command, act: Act): void {
  const role = program
    .command('role')
    .alias('roles')
    .description('Make roles: lists of permissions under a name, which principals are given')
  role
    .command('list')
    .description('List the roles, those of Reins first')
    .addOption(format())
    .addHelpText('after', examples(['reins role list']))
    .action((_options: object, command: Command) => act(list)([], command))
  role
    .command('show')
    .description('Show the permissions of a role, one on a line')
    .argument('<role>', 'the name of the role')
    .addOption(format())
    .addHelpText('after', examples(['reins role show operator']))
    .action((name: string, _options: object, command: Command) => act(show)([name], command))
  const put = (verb: 'create' | 'update', description: string, example: string) =>
    role
      .command(verb)
      .description(description)
      .argument('<role>', 'the name of the role: lower-case letters, digits and hyphens')
      .requiredOption('--permission <permissions>', 'all its permissions, with commas between them', several)
      .option('--description <text>', 'what the role is for')
      .addOption(format())
      .addHelpText('after', examples([example]))
      .action((name: string, options: PutOptions, command: Command) =>
        act(verb === 'create' ? create : update)([name, options], command),
      )
  put(
    'create',
    'Make a role, of permissions that you have',
    'reins role create coder-user --permission agent:coder:start,workflow:agents:agent_chat:run,session:coder:read',
  )
  put(
    'update',
    'Give a role other permissions; whoever has the role may that at once',
    'reins role update coder-user --permission agent:coder:start,workflow:agents:agent_chat:run',
  )
  role
    .command('delete')
    .description('Delete a role that nobody has any more')
    .argument('<role>', 'the name of the role')
    .addOption(format())
    .addHelpText('after', examples(['reins role delete coder-user']))
    .action((name: string, _options: object, command: Command) => act(remove)([name], command))
}

async function list(run: Invocation): Promise<void> {
  const client = await run.client()
  const roles = await client.access.roles.list()
  if (run.json) return run.printJson({ roles })
  const rows = roles.map(({ name, description, permissions, builtin }) => [
    oneLine(name),
    builtin ? 'Reins' : 'own',
    oneLine(permissions.join(', ')),
    oneLine(description ?? ''),
  ])
  const columns = [
    ...[{ title: 'NAME' }, { title: 'OF' }],
    ...[
      { title: 'PERMISSIONS', gives: true },
      { title: 'DESCRIPTION', gives: true },
    ],
  ]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

async function show(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  const role = await client.access.roles.get(name)
  if (run.json) return run.printJson({ role })
  for (const permission of role.permissions) run.print(oneLine(permission))
  if (role.description !== undefined) run.hint(oneLine(role.description))
}

const body = ({ permission, description }: PutOptions) => ({
  permissions: [...permission],
  ...(description === undefined ? {} : { description }),
})

async function create(run: Invocation, name: string, options: PutOptions): Promise<void> {
  const client = await run.client()
  const role: RoleInfo = await client.access.roles.create(name, body(options))
  if (run.json) return run.printJson({ role })
  run.print(`Made the role ${role.name}.`)
  run.hint(`Give it to somebody: reins principal grant NAME --role ${role.name}`)
}

async function update(run: Invocation, name: string, options: PutOptions): Promise<void> {
  const client = await run.client()
  const role = await client.access.roles.update(name, body(options))
  if (run.json) return run.printJson({ role })
  run.print(`Updated the role ${role.name}.`)
}

async function remove(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  await client.access.roles.delete(name)
  if (run.json) return run.printJson({ name })
  run.print(`Deleted the role ${name}.`)
}
