// What a session itself gives its model: tools that it answers, parts of the system prompt, and what the model should know now.
import type { ToolSpec } from '@reins/contracts'
import type { Session } from '../session.ts'
import type { OfferRule } from '../slice.ts'
import { offerRules } from '../slices.ts'

export interface Offered {
  readonly tools: readonly ToolSpec[]
  readonly sections: readonly string[]
  readonly notices: readonly string[]
}

const nothing: Offered = { tools: [], sections: [], notices: [] }

/** `rules`: those of the product, unless a test names others. */
export function offered(session: Session, rules: readonly OfferRule[] = offerRules): Offered {
  const { born } = session
  if (!born) return nothing
  const offers = rules.flatMap((rule) => rule({ ...session, born }) ?? [])
  return {
    tools: offers.flatMap(({ tools }) => tools ?? []),
    sections: offers.flatMap(({ section }) => section ?? []),
    notices: offers.flatMap(({ notice }) => notice ?? []),
  }
}
