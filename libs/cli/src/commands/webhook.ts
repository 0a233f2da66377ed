// reins webhook …
import type { Delivery } from '@reins/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { QuietExit } from '../failure.ts'
import type { Act, Invocation } from '../invocation.ts'
import { oneLine } from '../text/neutralise.ts'
import { table } from '../text/table.ts'
import { ago, span } from '../text/when.ts'
import { examples } from './examples.ts'

const format = () => new Option('--format <form>', 'print in this form').choices(['simple', 'json'])
const types = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
]
const count = (text: string): number => {
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1 || Number(text) > 1000)
    throw new InvalidArgumentError('A whole number from 1 to 1000 is valid.')
  return Number(text)
}

export function webhookCommands(program: Command, act: Act): void {
  const webhook = program
    .command('webhook')
    .description('Tell other systems what happens in sessions, such as an approval that waits')
  webhook
    .command('create')
    .description('Send events to an address from now on, signed; prints the secret of the signatures once')
    .argument('<url>', 'the address, which begins with https://')
    .requiredOption('--on <types>', 'the types of events, with commas between them; * means all', types)
    .addOption(format())
    .addHelpText(
      'after',
      examples([
        'reins webhook create https://example.com/reins --on approval.requested,elicitation.requested,turn.failed',
        "reins webhook create https://example.com/all --on '*' --json",
      ]),
    )
    .action((url: string, options: { on: readonly string[] }, command: Command) =>
      act(create)([url, options.on], command),
    )
  webhook
    .command('list')
    .description('List the webhooks')
    .addOption(format())
    .addHelpText('after', examples(['reins webhook list']))
    .action((_options: object, command: Command) => act(list)([], command))
  webhook
    .command('remove')
    .description('Remove a webhook; what was not delivered yet is not delivered any more')
    .argument('<webhook>', 'the id of the webhook')
    .addOption(format())
    .addHelpText('after', examples(['reins webhook remove wh_4f2c91d0']))
    .action((id: string, _options: object, command: Command) => act(remove)([id], command))
  webhook
    .command('test')
    .description('Send a webhook.test now, once, and say what came of it')
    .argument('<webhook>', 'the id of the webhook')
    .addOption(format())
    .addHelpText('after', examples(['reins webhook test wh_4f2c91d0']))
    .action((id: string, _options: object, command: Command) => act(test)([id], command))
  webhook
    .command('deliveries')
    .description('Show what was delivered, what is tried again and what was given up; the latest first')
    .argument('[webhook]', 'the id of a webhook (default: all webhooks)')
    .option('--limit <n>', 'show at most this many (default 50)', count)
    .addOption(format())
    .addHelpText('after', examples(['reins webhook deliveries', 'reins webhook deliveries wh_4f2c91d0 --limit 10']))
    .action((id: string | undefined, options: { limit?: number }, command: Command) =>
      act(deliveries)([id, options.limit ?? 50], command),
    )
}

async function create(run: Invocation, url: string, on: readonly string[]): Promise<void> {
  const client = await run.client()
  const created = await client.webhooks.create({ url, on: [...new Set(on)] })
  if (run.json) return run.printJson(created)
  const { webhook, secret } = created
  run.print(`Made the webhook ${webhook.id}.`)
  run.print(`secret  ${secret}`)
  run.hint(
    'Give this secret to the receiver, who checks the signatures with it (Standard Webhooks). It is shown only now.\n' +
      `Try it: reins webhook test ${webhook.id}`,
  )
}

async function list(run: Invocation): Promise<void> {
  const client = await run.client()
  const webhooks = await client.webhooks.list()
  if (run.json) return run.printJson({ webhooks })
  if (webhooks.length === 0)
    return run.hint('There are no webhooks. Make one with reins webhook create URL --on approval.requested')
  const rows = webhooks.map(({ id, url, on, createdAt }) => [
    oneLine(id),
    oneLine(url),
    oneLine(on.join(', ')),
    ago(createdAt, run.context.now()),
  ])
  const columns = [{ title: 'ID' }, { title: 'URL', gives: true }, { title: 'ON', gives: true }, { title: 'MADE' }]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

async function remove(run: Invocation, id: string): Promise<void> {
  const client = await run.client()
  await client.webhooks.delete(id)
  if (run.json) return run.printJson({ id })
  run.print(`Removed the webhook ${id}.`)
}

async function test(run: Invocation, id: string): Promise<void> {
  const client = await run.client()
  const delivery = await client.webhooks.test(id)
  if (run.json) run.printJson({ delivery })
  else run.print(`${outcome(delivery)} in ${span(delivery.last.ms)}`)
  if (delivery.last.outcome !== 'delivered') throw new QuietExit(1)
}

async function deliveries(run: Invocation, id: string | undefined, limit: number): Promise<void> {
  const client = await run.client()
  const found = await client.webhooks.deliveries({ ...(id === undefined ? {} : { webhook: id }), limit })
  if (run.json) return run.printJson({ deliveries: found })
  if (found.length === 0) return run.print('Nothing was delivered within the last 7 days.')
  const now = run.context.now()
  const rows = found.map((delivery) => [
    ago(delivery.last.at, now),
    oneLine(delivery.webhook),
    oneLine(delivery.type),
    oneLine(delivery.session ?? ''),
    String(delivery.last.attempt),
    outcome(delivery) +
      (delivery.last.next === undefined ? '' : `, again in ${span(Math.max(delivery.last.next - now, 0))}`),
  ])
  const columns = [
    { title: 'WHEN' },
    { title: 'WEBHOOK' },
    { title: 'EVENT' },
    { title: 'SESSION' },
    { title: 'TRY', align: 'right' as const },
    { title: 'OUTCOME', gives: true },
  ]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

function outcome({ last }: Delivery): string {
  const why = last.error ?? (last.status === undefined ? '' : `status ${last.status}`)
  const said = { delivered: 'delivered', failed: 'failed', 'given-up': 'given up' }[last.outcome]
  return oneLine(why === '' ? said : `${said} (${why})`)
}
