// What a definition says of its context, as a session's first frame declares it: deciding asks no registry.
import type { AgentDefinition, SessionEvent } from '@reins/contracts'

/** Empty: the definition says nothing of it, and the defaults hold. */
export function contextDeclared({ context }: AgentDefinition): readonly SessionEvent[] {
  if (!context || Object.keys(context).length === 0) return []
  const { window, compact_at, keep, summary_model } = context
  return [
    {
      type: 'context.declared',
      data: {
        ...(window === undefined ? {} : { window }),
        ...(compact_at === undefined ? {} : { compactAt: compact_at }),
        ...(keep === undefined ? {} : { keep }),
        ...(summary_model === undefined ? {} : { summaryModel: summary_model }),
      },
    },
  ]
}
