// reins session upgrade: the version that its agent has now, for a session that has begun.
import type { SessionUpgraded, UpgradeChange } from '@reins/contracts'
import type { Command } from 'commander'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

interface UpgradeOptions {
  readonly dryRun?: boolean
  readonly force?: boolean
}

export function upgradeCommand(session: Command, act: Act): void {
  session
    .command('upgrade')
    .description('Let a session go on with the version that its agent has now; it counts from the next turn')
    .argument('<session>', 'the id of the session')
    .option('--dry-run', 'only show what would change, and what would break')
    .option('--force', 'upgrade the session also where something breaks')
    .addHelpText('after', examples(['reins session upgrade 01JD… --dry-run', 'reins session upgrade 01JD…']))
    .action((id: string, options: UpgradeOptions, command: Command) => act(upgrade)([id, options], command))
}

async function upgrade(run: Invocation, id: string, { dryRun, force }: UpgradeOptions): Promise<void> {
  const client = await run.client()
  const came = await client.sessions.upgrade(id, {
    ...(dryRun ? { dry_run: true } : {}),
    ...(force ? { force: true } : {}),
  })
  if (run.json) return run.printJson(came)
  for (const line of linesOf(came)) run.print(line)
  if (came.upgraded) run.hint('The session is upgraded. It counts from its next turn.')
  else if (dryRun) run.hint(nextOf(came))
}

function linesOf({ from, to, changes, breaks, obstacles }: SessionUpgraded): readonly string[] {
  if (from.digest === to.digest && from.build === to.build)
    return ['The session has the version that its agent has now.']
  const named = ({ digest, build }: SessionUpgraded['from']) =>
    build === undefined ? digest : `${digest} (build ${build})`
  return [
    `from ${named(from)}`,
    `to   ${named(to)}`,
    ...changes.map(changeLine),
    ...breaks.map((one) => `! ${oneLine(one)}`),
    ...obstacles.map((one) => `x ${oneLine(one)}`),
  ]
}

const signs = { added: '+', removed: '-', changed: '~' } as const

function changeLine({ what, change, from, to }: UpgradeChange): string {
  const values = [from, to].flatMap((value) => (value === undefined ? [] : [oneLine(value)]))
  return `${signs[change]} ${oneLine(what)}${values.length === 0 ? '' : `: ${values.join(' -> ')}`}`
}

function nextOf({ from, to, breaks, obstacles }: SessionUpgraded): string {
  if (from.digest === to.digest && from.build === to.build) return 'There is nothing to upgrade.'
  if (obstacles.length > 0) return 'The session cannot be upgraded. Start a new one.'
  return breaks.length > 0
    ? 'Nothing was changed. Where this is right, upgrade the session with --force.'
    : 'Nothing was changed. Upgrade the session without --dry-run.'
}
