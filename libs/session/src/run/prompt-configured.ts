// A prompt of a run that is answered by another definition than the one its session had: another model, another effort, tools of its own.
//   PC1. The run says so beside the prompt, and the session below before the message of it: it is known there by what it pins.
//   PC2. It is said again where a later prompt of that session goes back to the definition of its harness.
//   PC3. It counts as any configuration does: from the next turn on (CG1, CG3 of configured/configured.ts).
import type { EventOf, SessionEvent } from '@reins/contracts'
import type { PinnedStart } from '../configured/agent-configured.ts'
import { comingDigest } from '../configured/coming.ts'
import type { Session } from '../session.ts'
import type { Meanings, Origin } from '../slice.ts'
import { openOf, type Prompt } from './run-state.ts'

export const promptConfiguredEvents: Meanings<'prompt.configured'> = {
  'prompt.configured': {
    effective: true,
    evolve: (session, { data }, origin) =>
      data.pinned ? below(session, data.pinned, origin) : beside(session, data.message, data.digest),
  },
}

/** PC3. */
function below(
  session: Session,
  pinned: NonNullable<EventOf<'prompt.configured'>['data']['pinned']>,
  { n, at, by }: Origin,
): Session {
  if (!session.born || session.run) return session
  return { ...session, coming: { n, at, by, pinned, declared: [] } }
}

function beside(session: Session, message: string, digest: string): Session {
  const { run } = session
  const found = run && openOf(run, 'prompt').find(({ waits }) => waits.call === message)
  if (!run || !found) return session
  const { position, waits } = found
  const old = run.operations.at(position)
  if (old?.state !== 'open') return session
  const asked: Prompt = { ...waits, digest, configured: true }
  return {
    ...session,
    run: {
      ...run,
      operations: run.operations.with(position, { ...old, waits: asked }),
      configured: { ...run.configured, [waits.child]: digest },
    },
  }
}

/** The definition by which this session was prompted last, where that was not always its harness's. */
export const lastConfigured =
  ({ configured = {} }: { readonly configured?: Readonly<Record<string, string>> }) =>
  (child: string): string | undefined =>
    Object.hasOwn(configured, child) ? configured[child] : undefined

/** PC1. What stands before the message in the session below; `anew`: what the definition of the prompt pins. */
export function configuredForPrompt(
  session: Session,
  { digest, configured, call }: Prompt,
  anew: PinnedStart | null,
): readonly SessionEvent[] {
  if (!configured || !anew || comingDigest(session) === digest) return []
  return [{ type: 'prompt.configured', data: { message: `m-${call}`, digest, pinned: anew.pinned } }, ...anew.declared]
}
