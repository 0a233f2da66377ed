// reins session verify …
import type { Command } from 'commander'
import type { Verified, VerifiedDecision } from '../../context.ts'
import { CommandFailure, usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { dateTime } from '../../text/when.ts'
import { examples } from '../examples.ts'
import { verifierOf, verifyAll } from './verify-all.ts'

interface VerifyOptions {
  readonly key: readonly string[]
  readonly signed?: true
  readonly all?: true
  readonly agent?: string
  readonly after?: string
}

export function verifyCommand(session: Command, act: Act): void {
  session
    .command('verify')
    .description('Check that nobody changed, removed or added an event of a session, and who signed its decisions')
    .argument('[session]', 'the id of the session; with --all none')
    .option(
      '--all',
      'check every session that the list has, also what lies in the archive, and name each that is damaged',
    )
    .option('--agent <name>', 'with --all: check only sessions of this agent')
    .option('--after <next>', 'with --all: go on behind an earlier check, which printed this value')
    .option(
      '--key <file>',
      'the public key of a gateway on another machine (its signing.pub); may be given several times',
      (file: string, before: readonly string[]) => [...before, file],
      [],
    )
    .option('--signed', 'fail also where a decision has no signature by a known key')
    .addHelpText(
      'after',
      examples([
        'reins session verify 01JD…',
        'reins session verify 01JD… --signed --key gateway-2.pub',
        'reins session verify --all',
        'reins session verify --all --json > damaged.jsonl',
      ]),
    )
    .action((id: string | undefined, options: VerifyOptions, command: Command) =>
      act(verifyAsked)([id, options], command),
    )
}

async function verifyAsked(run: Invocation, id: string | undefined, options: VerifyOptions): Promise<void> {
  const { all, agent, after } = options
  if (all && id !== undefined) throw usageFailure('A session is checked, or all of them: leave out the id, or --all.')
  if (!all && (agent !== undefined || after !== undefined))
    throw usageFailure('--agent and --after say which of all sessions are checked.', 'Give --all too.')
  if (all) return verifyAll(run, { ...options, keys: await keysIn(run, options.key) })
  if (id === undefined) throw usageFailure('No session is named.', 'Give the id of a session, or --all.')
  return verify(run, id, options)
}

const keysIn = (run: Invocation, files: readonly string[]): Promise<readonly string[]> =>
  Promise.all(files.map((file) => keyIn(run, file)))

async function verify(run: Invocation, id: string, { key, signed }: VerifyOptions): Promise<void> {
  const { context, style } = run
  const result = await verifierOf(context)(await run.client(), id, { keys: await keysIn(run, key) })
  if (run.json) run.printJson({ session: id, ...result })
  else {
    printChain(run, id, result)
    for (const decision of result.decisions) if (decision.problem === undefined) run.print(decisionLine(run, decision))
  }
  if (!result.ok)
    throw new CommandFailure(
      'The stored session is not what was written: somebody changed, removed or added something.',
      {
        next: 'Look at the frames that are named above with reins session events, or restore the data folder from a backup.',
      },
    )
  const without = result.decisions.filter(({ signature }) => signature !== 'valid').length
  if (signed && without > 0)
    throw new CommandFailure(`${without} of ${result.decisions.length} decisions have no signature by a known key.`, {
      next: 'Give the public key of the gateway that signed them: --key FILE (signing.pub in its data folder).',
    })
  if (result.decisions.some(({ signature }) => signature === 'unknown-key'))
    run.hint(
      style.dim('Keys of gateways on other machines are given with --key FILE (signing.pub in their data folder).'),
    )
}

async function keyIn({ context }: Invocation, file: string): Promise<string> {
  try {
    return await context.readFile(file)
  } catch {
    throw new CommandFailure(`The key file ${file} cannot be read.`, {
      next: 'Give the file signing.pub of the data folder of a gateway.',
    })
  }
}

function printChain(run: Invocation, id: string, { ok, frames, sealed = 0, problems, erased }: Verified): void {
  const { style } = run
  if (ok) {
    if (erased)
      run.print(
        `${style.green('✓')} erased at ${dateTime(erased.at, run.context.timeZone)}, by ${oneLine(erased.by)}. What is left:`,
      )
    run.print(`${style.green('✓')} ${frames} frames, each as it was written, none missing.`)
    if (sealed > 0) run.print(`${style.green('✓')} ${sealed} frames signed by the services that wrote them.`)
  } else {
    run.print(`${style.red('✗')} The log of ${id} is not as it was written (${frames} frames read):`)
    for (const problem of problems) run.print(`  ${oneLine(problem)}`)
  }
}

/** Of a decision that nothing else is wrong with. */
function decisionLine({ style }: Invocation, one: VerifiedDecision): string {
  const said = `frame ${one.n}: ${oneLine(one.approver)} ${one.verdict} ${oneLine(one.tool)} (${oneLine(one.call)})`
  switch (one.signature) {
    case 'valid':
      return `${style.green('✓')} ${said}, signed by the gateway key ${one.key}`
    case 'unknown-key':
      return `${style.yellow('?')} ${said}, signed by the key ${oneLine(one.key ?? '')}, which is not known here`
    case 'unsigned':
      return `${style.yellow('?')} ${said}, not signed`
    case 'wrong':
      return `${style.red('✗')} ${said}, with a wrong signature`
    default:
      return one.signature satisfies never
  }
}
