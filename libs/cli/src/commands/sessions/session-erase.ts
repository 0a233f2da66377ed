// reins session erase: nothing of what was said in a session is left. It cannot be undone, so a person says it twice.
import type { SessionErased } from '@reins/contracts'
import type { Command } from 'commander'
import { CommandFailure, usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { lineFrom } from '../../hidden-input.ts'
import { dateTime } from '../../text/when.ts'
import { oneLine } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

interface EraseOptions {
  readonly yes?: true
  readonly detach?: true
}

export function eraseCommand(session: Command, act: Act): void {
  session
    .command('erase')
    .description('Erase a session that has ended, and all below it: nothing of what was said in it can be read again')
    .argument('<session>', 'the id of the session')
    .option('--yes', 'do not ask whether this is meant')
    .option('--detach', 'return at once: do not wait until it is done')
    .addHelpText('after', examples(['reins session erase 01JD…', 'reins session erase 01JD… --yes --json']))
    .action((id: string, options: EraseOptions, command: Command) => act(erase)([id, options], command))
}

async function erase(run: Invocation, id: string, { yes, detach }: EraseOptions): Promise<void> {
  if (!yes) await mustMean(run, id)
  const client = await run.client()
  const ordered = await client.sessions.erase(id)
  const done = detach || ordered.completed ? ordered : await completed(run, id, ordered)
  if (run.json) return run.printJson(done)
  const { by, at } = done
  const when = `${dateTime(at, run.context.timeZone)}, by ${oneLine(by)}`
  run.hint(
    done.completed
      ? `The session is erased. It was ordered at ${when}.`
      : `The session is being erased; it was ordered at ${when}. See whether it is done: reins session show ${id}`,
  )
}

async function mustMean(run: Invocation, id: string): Promise<void> {
  const { stdin, stdout } = run.context
  if (run.json || stdin.isTTY !== true)
    throw usageFailure(
      'Erasing a session cannot be undone, and nobody can be asked here whether it is meant.',
      `Say so: reins session erase ${id} --yes`,
    )
  run.print('All that was said in this session, and below it, will be gone, for everybody. This cannot be undone.')
  const typed = await lineFrom(stdin, stdout, 'Type the id of the session to erase it: ', run.signal)
  if (typed.trim() !== id) throw new CommandFailure('That is not the id of the session. Nothing was erased.')
}

const everyMs = 500
const withinMs = 10 * 60_000

/** Memory carries it out: the session says when it is done. */
async function completed(run: Invocation, id: string, ordered: SessionErased): Promise<SessionErased> {
  const client = await run.client()
  const deadline = run.context.now() + withinMs
  while (!run.signal.aborted && run.context.now() < deadline) {
    const { erased } = await client.sessions.get(id)
    if (erased?.completed) return { ...ordered, completed: true }
    await run.context.sleep(everyMs, run.signal)
  }
  return ordered
}
