// reins session cancel, reins session pause: of a session, and of all that it delegated. What had run by then is listed: nobody undoes it.
import type { TreeStop } from '@reins/contracts'
import type { Command } from 'commander'
import type { ReinsClient } from '../../client-port.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

interface StopOptions {
  readonly tree?: true
  readonly detach?: true
}

export function stopCommands(session: Command, act: Act): void {
  session
    .command('cancel')
    .description('Cancel the running turn, the messages that wait for it, and all work below that it waits for')
    .argument('<session>', 'the id of the session')
    .option('--detach', 'return at once: do not wait until the sessions below have stopped')
    .addHelpText('after', examples(['reins session cancel 01JD…']))
    .action((id: string, options: StopOptions, command: Command) => act(cancel)([id, options], command))
  session
    .command('pause')
    .description('Pause a session: what runs now ends, nothing new starts, messages wait')
    .argument('<session>', 'the id of the session')
    .option('--tree', 'pause every session below that works, too; resume lets those go on')
    .option('--detach', 'return at once: do not wait until the sessions below have stopped')
    .addHelpText('after', examples(['reins session pause 01JD…', 'reins session pause 01JD… --tree']))
    .action((id: string, options: StopOptions, command: Command) => act(pause)([id, options], command))
}

async function cancel(run: Invocation, id: string, { detach }: StopOptions): Promise<void> {
  const client = await run.client()
  const accepted = await client.sessions.cancel(id)
  await tell(run, client, id, accepted, 'The session cancels its turn.', detach !== true)
}

async function pause(run: Invocation, id: string, { tree, detach }: StopOptions): Promise<void> {
  const client = await run.client()
  const accepted = await client.sessions.pause(id, tree ? { tree } : {})
  await tell(run, client, id, accepted, 'The session is paused.', tree === true && detach !== true)
}

async function tell(
  run: Invocation,
  client: ReinsClient,
  id: string,
  accepted: object,
  done: string,
  waits: boolean,
): Promise<void> {
  const stop = waits ? await client.sessions.stop(id, { wait: true }) : null
  if (run.json) return run.printJson(stop ? { ...accepted, stop } : accepted)
  run.hint(done)
  for (const line of stop ? stopLines(stop) : []) run.hint(line)
}

const words = { done: 'done', failed: 'failed', unknown: 'outcome unknown', interrupted: 'interrupted' } as const

export function stopLines({ what, complete, sessions, ran, omitted, pending }: TreeStop): readonly string[] {
  const verb = what === 'cancel' ? 'cancelled' : 'paused'
  return [
    ...(complete && sessions > 1 ? [`All ${sessions} sessions are ${verb}.`] : []),
    ...(complete ? [] : [`Not all sessions have said yet that they are ${verb}. These have not, or some below them:`]),
    ...pending.map(({ session, agent }) => `  ${oneLine(agent)} ${session}`),
    ...(ran.length === 0 ? [] : ['These calls had run, and are not undone:']),
    ...ran.map(
      ({ session, agent, call, name, how }) =>
        `  ${oneLine(name)} (${words[how]}) of ${oneLine(agent)}, call ${oneLine(call)} in ${session}`,
    ),
    ...(omitted === undefined ? [] : [`  and ${omitted} more: reins session events --tree`]),
  ]
}
