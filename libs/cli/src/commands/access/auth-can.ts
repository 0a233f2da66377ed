// reins auth can
import { type Command, Option } from 'commander'
import { QuietExit } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

const format = () => new Option('--format <form>', 'print in this form').choices(['simple', 'json'])

export function authCanCommand(auth: Command, act: Act): void {
  auth
    .command('can')
    .description('Say whether you, or another principal, may an action, and why; the exit code is 1 where not')
    .argument('<action>', 'a permission, such as agent:coder:start')
    .option('--as <principal>', 'ask for this principal')
    .addOption(format())
    .addHelpText(
      'after',
      examples(['reins auth can agent:coder:start', "reins auth can 'approval:coder:shell' --as ann"]),
    )
    .action((action: string, options: { as?: string }, command: Command) => act(can)([action, options.as], command))
}

async function can(run: Invocation, action: string, as: string | undefined): Promise<void> {
  const client = await run.client()
  const answer = await client.access.can(action, as)
  if (run.json) run.printJson(answer)
  else {
    run.print(`${answer.allowed ? 'Yes' : 'No'}: ${oneLine(answer.why)}`)
    for (const { grant, from } of answer.because.slice(1)) run.print(`     also ${oneLine(grant)} (${oneLine(from)})`)
    if (answer.next !== undefined) run.hint(oneLine(answer.next))
  }
  if (!answer.allowed) throw new QuietExit(1)
}
