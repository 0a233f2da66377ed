// reins session verify --all: every session that the list has is read and checked, one after the other, and each that is damaged is named.
//   VA1. What is wrong with one session is said of that one, and the others go on. What is wrong with the server, or with the token, ends
//        it, and it says where to go on.
//   VA2. Nothing of a session is held once it was checked, and of the damaged ones their ids alone.
//   VA3. Who goes on meanwhile moves to the front of the list, past whoever walks it: those are checked behind the rest.
//   VA4. A principal has a share of what it may read: where it is used up, the check waits as long as the server says.
import type { SessionInfo } from '@reins/contracts'
import { fieldsOf, ReinsError } from '@reins/contracts'
import type { CliContext, Verified } from '../../context.ts'
import { CommandFailure, exitCodes } from '../../failure.ts'
import type { Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'

export interface VerifyAllOptions {
  readonly keys: readonly string[]
  readonly signed?: true
  readonly agent?: string
  readonly after?: string
}

const pageSize = 100
const saidEveryMs = 5000
/** Of one session, for people. */
const mostLines = 5

export function verifierOf(context: CliContext): NonNullable<CliContext['verify']> {
  if (context.verify) return context.verify
  throw new CommandFailure('This build of reins cannot read the frames of a session.', {
    next: 'Run the command with the reins of the machine on which the server runs.',
  })
}

interface Walk {
  sessions: number
  frames: number
  readonly damaged: Set<string>
  /** The page that is being checked; undefined: the first. */
  place: string | undefined
  saidAt: number
}

export async function verifyAll(run: Invocation, options: VerifyAllOptions): Promise<void> {
  const { context, signal } = run
  const startedAt = context.now()
  const walk: Walk = { sessions: 0, frames: 0, damaged: new Set(), place: options.after, saidAt: startedAt }
  try {
    await walkList(run, options, walk, () => true)
    walk.place = undefined
    await walkList(run, options, walk, ({ lastActivityAt }) => lastActivityAt >= startedAt) // VA3
  } catch (error) {
    if (signal.aborted) return interrupted(run, walk)
    sayPlace(run, walk)
    throw error
  }
  if (signal.aborted) return interrupted(run, walk)
  const { sessions, frames, damaged } = walk
  if (run.json) run.print(JSON.stringify({ sessions, frames, damaged: damaged.size }))
  else if (damaged.size === 0)
    run.print(`${run.style.green('✓')} ${counted(sessions)}, ${frames} frames, each as it was written, none missing.`)
  if (damaged.size > 0)
    throw new CommandFailure(
      `${damaged.size} of ${counted(sessions)} are damaged or cannot be read: they are named above.`,
      {
        next: 'All others are sound. docs/operate.md says how to bring a session back from a backup, or to erase it.',
      },
    )
}

async function walkList(
  run: Invocation,
  options: VerifyAllOptions,
  walk: Walk,
  wanted: (session: SessionInfo) => boolean,
): Promise<void> {
  const client = await run.client()
  const { agent } = options
  for (;;) {
    const { sessions, next } = await patiently(run, () =>
      client.sessions.list({
        limit: pageSize,
        ...(agent === undefined ? {} : { agent }),
        ...(walk.place === undefined ? {} : { after: walk.place }),
      }),
    )
    for (const session of sessions) {
      if (run.signal.aborted || !wanted(session)) return
      await check(run, session.id, options, walk)
      sayProgress(run, walk)
    }
    if (next === undefined) return
    walk.place = next
  }
}

async function check(run: Invocation, id: string, { keys, signed }: VerifyAllOptions, walk: Walk): Promise<void> {
  const client = await run.client()
  const verify = verifierOf(run.context)
  const result = await patiently(run, () => verify(client, id, { keys })).catch(whyUnreadable)
  walk.sessions++
  if (typeof result !== 'string') walk.frames += result.frames
  const problems = typeof result === 'string' ? [result] : [...result.problems, ...(signed ? unsignedIn(result) : [])]
  if (problems.length > 0) named(run, id, problems, walk)
}

/** VA4. */
async function patiently<T>({ context, signal }: Invocation, ask: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ReinsError) || error.code !== 'too_many_requests' || signal.aborted) throw error
      const { retryAfter } = fieldsOf(error.details)
      await context.sleep(1000 * (typeof retryAfter === 'number' && retryAfter > 0 ? retryAfter : 1), signal)
    }
}

/** VA1. */
function whyUnreadable(error: unknown): string {
  if (error instanceof ReinsError && ofOneSession.has(error.code)) return error.message
  throw error
}

/** What is answered about one session, and says nothing of others. */
const ofOneSession: ReadonlySet<string> = new Set([
  'session_unreadable',
  'session_erased',
  'session_not_found',
  'session_too_large',
  'internal',
])

const unsignedIn = ({ decisions }: Verified): readonly string[] => {
  const without = decisions.filter(({ signature }) => signature !== 'valid').length
  return without === 0 ? [] : [`${without} of ${decisions.length} decisions have no signature by a known key`]
}

function named(run: Invocation, id: string, problems: readonly string[], walk: Walk): void {
  if (walk.damaged.has(id)) return
  walk.damaged.add(id)
  if (run.json) {
    run.print(JSON.stringify({ session: id, problems }))
    return
  }
  run.print(`${run.style.red('✗')} ${id}`)
  for (const problem of problems.slice(0, mostLines)) run.print(`  ${oneLine(problem)}`)
  if (problems.length > mostLines) run.print(`  and ${problems.length - mostLines} more: reins session verify ${id}`)
}

function sayProgress({ context }: Invocation, walk: Walk): void {
  const now = context.now()
  if (now - walk.saidAt < saidEveryMs) return
  walk.saidAt = now
  const { sessions, frames, damaged, place } = walk
  const from = place === undefined ? '' : `; to go on from here: --after ${oneLine(place)}`
  context.stderr.write(`reins: ${counted(sessions)} checked, ${frames} frames, ${damaged.size} damaged${from}\n`)
}

function sayPlace(run: Invocation, { sessions, damaged, place }: Walk): void {
  if (sessions === 0) return
  if (run.json) {
    run.print(JSON.stringify({ sessions, damaged: damaged.size, after: place }))
    return
  }
  const from = place === undefined ? 'from the beginning' : `with --after ${oneLine(place)}`
  run.context.stderr.write(`reins: ${counted(sessions)} were checked, ${damaged.size} are damaged. Go on ${from}\n`)
}

function interrupted(run: Invocation, walk: Walk): never {
  sayPlace(run, walk)
  throw new CommandFailure('The check was interrupted.', { exitCode: exitCodes.interrupted })
}

const counted = (sessions: number): string => `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`
