// The values of secrets at a process that uses or masks them: asked for by name, for one version of an agent, and kept nowhere here.
//   NS1. The registry opens a secret and seals it for this process alone; it gives what the version names, and nothing else.
//   NS2. A registry that is away for a moment is asked again until the deadline.
//   NS3. Whoever masks what is recorded of an agent learns first all secrets that its version names, once a minute: another process may
//        have given one to a tool. Where the registry is away, things go on without.
import { setTimeout as pause } from 'node:timers/promises'
import type { ErrorBody, Reply, ResolvedSecrets, ResolveSecrets } from '@reins/contracts'
import { makeRecipient } from './keys/handover.ts'
import { secretNamesIn } from './secret-names.ts'

/** One request to the registry. */
export type Resolve = (request: ResolveSecrets) => Promise<Reply<ResolvedSecrets>>

export type NamedSecrets =
  /** By name; those that there are not are left out. */
  | { readonly kind: 'resolved'; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'refused'; readonly error: ErrorBody }
  /** The answer was sealed for somebody else. */
  | { readonly kind: 'unreadable' }

const askAgainMs = 250

export async function resolveSecrets(
  resolve: Resolve,
  names: readonly string[],
  digest: string,
  withinMs: number,
): Promise<NamedSecrets> {
  const recipient = makeRecipient()
  const deadline = performance.now() + withinMs
  for (;;) {
    const reply = await resolve({ names, digest, to: recipient.key })
    if (reply.ok) {
      const values = recipient.open(reply.value.values)
      return values === undefined ? { kind: 'unreadable' } : { kind: 'resolved', values: JSON.parse(values) }
    }
    if (reply.error.code !== 'unavailable' || performance.now() > deadline)
      return { kind: 'refused', error: reply.error }
    await pause(askAgainMs) // NS2
  }
}

export interface LearnOptions {
  readonly resolve: Resolve
  readonly learnt: (values: readonly string[]) => void
  readonly now: () => number
  /** It could not be learnt now. */
  readonly missed: (digest: string, why: string) => void
}

const learntForMs = 60_000
const learnAgainMs = 5000
const mostVersions = 1000
const mostNames = 100

/** NS3. Never rejects. Says whether the definition names any secret. */
export function learnNamed({
  resolve,
  learnt,
  now,
  missed,
}: LearnOptions): (digest: string, definition: unknown) => Promise<boolean> {
  const known = new Map<string, { readonly names: readonly string[]; until: number }>()
  return async (digest, definition) => {
    const version = known.get(digest) ?? { names: [...secretNamesIn(definition)].slice(0, mostNames), until: 0 }
    if (known.size >= mostVersions && !known.has(digest)) known.clear()
    known.set(digest, version)
    if (version.names.length === 0) return false
    if (now() < version.until) return true
    try {
      const found = await resolveSecrets(resolve, version.names, digest, 0)
      if (found.kind === 'resolved') {
        learnt(Object.values(found.values))
        version.until = now() + learntForMs
        return true
      }
      missed(digest, found.kind === 'refused' ? found.error.message : 'the answer cannot be read')
    } catch (error) {
      missed(digest, error instanceof Error ? error.message : String(error))
    }
    version.until = now() + learnAgainMs
    return true
  }
}
