// The agents that a workflow asks for: by name, as the registry has them now, or as their initializer gives them for this run.
import {
  affinityOf,
  type ConfigureAgent,
  noModel,
  poolKey,
  ReinsError,
  runIdOf,
  workflowOfInline,
} from '@reins/contracts'
import type { FoundAgent } from '@reins/journal'
import type { Session } from '@reins/session'

export type RunAgent =
  /** `needsModel`: each prompt names one. */
  | { readonly kind: 'agent'; readonly digest: string; readonly pool: string; readonly needsModel?: true }
  | { readonly kind: 'none' }
  /** `message`: what is wrong with its module. */
  | { readonly kind: 'refused'; readonly message: string }

/** Rejects where the registry does not answer. */
export const runAgents =
  (find: (asked: ConfigureAgent) => Promise<FoundAgent>) =>
  async (agent: string, { id, run, born }: Session): Promise<RunAgent> => {
    const { workflow } = run ?? {}
    const payload = workflow && 'payload' in workflow ? { payload: workflow.payload } : {}
    // Of the workflow's own file: it is of the build that the run goes by, whatever was deployed since.
    const own = workflow && run && workflowOfInline(agent) === workflow.workflow ? { bundle: run.digest } : {}
    const found = await find({
      agent,
      id: runIdOf(id),
      ...payload,
      ...own,
      perPrompt: true,
      by: born?.principal ?? `session:${id}`,
    })
    switch (found.kind) {
      case 'found': {
        const { digest, definition } = found.agent
        const needs = definition.model === noModel ? { needsModel: true as const } : {}
        return { kind: 'agent', digest, pool: poolKey(affinityOf(definition)), ...needs }
      }
      case 'none':
        return found
      case 'refused': {
        const { code, message } = found.error
        if (code === 'unavailable') throw new ReinsError(code, message)
        return { kind: 'refused', message }
      }
      default:
        return found satisfies never
    }
  }
