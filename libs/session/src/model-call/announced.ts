// A plan that begins a model call, with what that call sends: its recipe stands in the event that announces it.
import type { PromptRecipe, SessionEvent } from '@reins/contracts'
import type { Plan } from '../plan.ts'
import { withSent } from './sent.ts'

/** `n`: the number of the frame. */
export function announced(next: Plan, recipe: PromptRecipe, n: number): Plan {
  if (next.effect?.kind !== 'call-model') return next
  const { call, attempt } = next.effect
  let { after } = next
  const events = next.events.map((event): SessionEvent => {
    if (event.type !== 'model-call.started' || event.data.call !== call || event.data.attempt !== attempt) return event
    const data = { ...event.data, prompt: recipe }
    after = withSent(after, data, n)
    return { ...event, data }
  })
  return { ...next, events, after }
}
