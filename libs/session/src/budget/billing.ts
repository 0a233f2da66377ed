// What an outcome says that it cost: at the price, and with the reservation, that its attempt was begun with. Whoever appends an outcome
// says so, so that whoever reads the log needs no table of prices.
import { type ModelCallError, type SessionEvent, type Usage, usdOf } from '@reins/contracts'
import type { Session } from '../session.ts'
import type { Metered } from './budget.ts'

/** Of these nobody knows what the provider has counted: the answer may have been on its way (BU1 of budget.ts). */
const unknown: ReadonlySet<ModelCallError['code']> = new Set(['lost', 'cancelled', 'network'])

/** `session`: as it is before the event. */
export function billed(session: Session, event: SessionEvent): SessionEvent {
  switch (event.type) {
    case 'model-call.completed': {
      const { call, attempt, usage } = event.data
      return { ...event, data: { ...event.data, ...costOf(meterOf(session, call, attempt), usage) } }
    }
    case 'context.compacted': {
      const { compaction, attempt, usage } = event.data
      const cost = usage ? costOf(meterOf(session, compaction, attempt), usage) : {}
      return { ...event, data: { ...event.data, ...cost } }
    }
    case 'model-call.failed': {
      const { call, attempt } = event.data
      return { ...event, data: { ...event.data, ...chargeOf(meterOf(session, call, attempt), event.data) } }
    }
    case 'model-call.throttled': {
      const { call, attempt } = event.data
      return { ...event, data: { ...event.data, ...chargeOf(meterOf(session, call, attempt), event.data) } }
    }
    case 'context.compaction-failed': {
      const { compaction, attempt } = event.data
      return { ...event, data: { ...event.data, ...chargeOf(meterOf(session, compaction, attempt), event.data) } }
    }
    case 'context.compaction-throttled': {
      const { compaction, attempt } = event.data
      return { ...event, data: { ...event.data, ...chargeOf(meterOf(session, compaction, attempt), event.data) } }
    }
    case 'turn.completed':
      return { ...event, data: { ...event.data, ...turnCost(session) } }
    case 'turn.failed':
      return { ...event, data: { ...event.data, ...turnCost(session) } }
    case 'turn.cancelled':
      return { ...event, data: { ...event.data, ...turnCost(session) } }
    default:
      return event
  }
}

const meterOf = ({ metered }: Session, call: string, attempt: number): Metered | undefined =>
  metered?.call === call && metered.attempt === attempt ? metered : undefined

const costOf = (meter: Metered | undefined, usage: Usage) =>
  meter?.price === undefined ? {} : { usd: usdOf(meter.price, usage) }

function chargeOf(
  meter: Metered | undefined,
  { error, usage }: { readonly error: ModelCallError; readonly usage?: Usage },
) {
  if (!meter) return {}
  if (usage) return { charged: { tokens: usage.inputTokens + usage.outputTokens, ...costOf(meter, usage) } }
  return unknown.has(error.code) ? { charged: meter.reserved } : {}
}

const turnCost = ({ turn }: Session) => (turn?.usd === undefined ? {} : { usd: turn.usd })
