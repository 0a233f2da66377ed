// reins token …
import type { Token } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { ago, span } from '../../text/when.ts'
import { examples } from '../examples.ts'
import { several } from '../several.ts'

const format = () => new Option('--format <form>', 'print in this form').choices(['simple', 'json'])
const duration = (text: string): string => {
  if (/^[1-9][0-9]{0,4}(s|m|h|d)$/.test(text)) return text
  throw new InvalidArgumentError('A time such as 12h or 30d is valid.')
}

interface CreateOptions {
  readonly principal?: string
  readonly permission?: readonly string[]
  readonly role?: readonly string[]
  readonly expires?: string
  readonly label?: string
}

export function tokenCommands(program: Command, act: Act): void {
  const token = program
    .command('token')
    .alias('tokens')
    .description('Make tokens for people and programs, each with what it may and until when')
  token
    .command('create')
    .description('Make a token and print it once; it may no more than you and its principal may')
    .option('--principal <name>', 'the principal that it stands for (default: yourself)')
    .option('--permission <permissions>', 'what it may at most, with commas between them (default: all)', several)
    .option('--role <roles>', 'what it may at most: as much as these roles, with commas between them', several)
    .option('--expires <time>', 'how long it lives, such as 12h or 30d (default: until it is revoked)', duration)
    .option('--label <text>', 'what you call it')
    .addOption(format())
    .addHelpText(
      'after',
      '\nThe token goes to stdout alone, so that a program can take it. Reins keeps its hash, and cannot show it again.\n' +
        examples([
          'reins token create --principal ci --permission agent:coder:start,workflow:agents:agent_chat:run --expires 30d',
          'export REINS_TOKEN=$(reins token create --role viewer --expires 8h)',
        ]),
    )
    .action((options: CreateOptions, command: Command) => act(create)([options], command))
  token
    .command('list')
    .description('List the tokens that are not revoked; no token is shown')
    .option('--principal <name>', 'the tokens of this principal alone')
    .addOption(format())
    .addHelpText('after', examples(['reins token list', 'reins token list --principal ci --json']))
    .action((options: { principal?: string }, command: Command) => act(list)([options.principal], command))
  token
    .command('revoke')
    .description('Revoke a token: requests with it are refused from now on')
    .argument('<token>', 'the id of the token, as reins token list shows it')
    .addOption(format())
    .addHelpText('after', examples(['reins token revoke 3f9a0c12bb47d1e0']))
    .action((id: string, _options: object, command: Command) => act(revoke)([id], command))
}

async function create(run: Invocation, options: CreateOptions): Promise<void> {
  const { principal, permission, role, expires, label } = options
  const client = await run.client()
  const created = await client.access.tokens.create({
    ...(principal === undefined ? {} : { principal }),
    ...(permission === undefined ? {} : { permissions: [...permission] }),
    ...(role === undefined ? {} : { roles: [...role] }),
    ...(expires === undefined ? {} : { expires }),
    ...(label === undefined ? {} : { label }),
  })
  if (run.json) return run.printJson(created)
  run.print(created.text)
  const { id, expiresAt, principal: whose } = created.token
  const until = expiresAt === undefined ? 'until it is revoked' : `for ${span(expiresAt - run.context.now())}`
  run.hint(
    `This token is shown only now. It stands for ${whose} ${until}.\n` +
      `Use it: export REINS_TOKEN=…     Revoke it: reins token revoke ${id}`,
  )
}

async function list(run: Invocation, principal: string | undefined): Promise<void> {
  const client = await run.client()
  const tokens = await client.access.tokens.list(principal === undefined ? {} : { principal })
  if (run.json) return run.printJson({ tokens })
  if (tokens.length === 0) return run.hint('There are no tokens. Make one with reins token create')
  const now = run.context.now()
  const rows = tokens.map(({ id, principal: whose, permissions, label, createdAt, expiresAt }) => [
    oneLine(id),
    oneLine(whose),
    oneLine(label ?? ''),
    ago(createdAt, now),
    endOf(expiresAt, now),
    oneLine(permissions.join(', ')),
  ])
  const columns = [
    ...[{ title: 'ID' }, { title: 'PRINCIPAL' }, { title: 'LABEL', gives: true }, { title: 'MADE' }],
    ...[{ title: 'EXPIRES' }, { title: 'MAY AT MOST', gives: true }],
  ]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

function endOf(expiresAt: Token['expiresAt'], now: number): string {
  if (expiresAt === undefined) return 'never'
  return expiresAt <= now ? 'expired' : `in ${span(expiresAt - now)}`
}

async function revoke(run: Invocation, id: string): Promise<void> {
  const client = await run.client()
  await client.access.tokens.revoke(id)
  if (run.json) return run.printJson({ id })
  run.print(`Revoked the token ${id}.`)
}
