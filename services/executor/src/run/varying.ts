// Versions of definitions that a prompt of a workflow asks for: the same, with another model or another effort, or with what the run gives it.
import { ReinsError, runIdOf, type Reply, type VariedVersion, type VaryVersion } from '@reins/contracts'
import type { Session } from '@reins/session'

const againMs = 250
/** Less than the time that code has between two operations. */
const withinMs = 7_000

/** Rejects where there can be none, or the registry does not answer. */
export const varying =
  (ask: (request: VaryVersion) => Promise<Reply<VariedVersion>>) =>
  async (asked: Omit<VaryVersion, 'by'>, { id, born }: Session): Promise<VariedVersion> => {
    const deadline = performance.now() + withinMs
    for (;;) {
      const reply = await ask({ ...asked, by: born?.principal ?? runIdOf(id) })
      if (reply.ok) return reply.value
      const { code, message } = reply.error
      if (code !== 'unavailable' || performance.now() > deadline) throw new ReinsError(code, message)
      await new Promise((resolve) => setTimeout(resolve, againMs))
    }
  }
