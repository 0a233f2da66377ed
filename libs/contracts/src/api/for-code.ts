// What gateways do for code of projects that runs elsewhere: `svc.session-gateway.dispatch` gives an agent's instance work, and `compact`
// has the context of a session below a run compacted; `request.<gateway>` gives the HTTP request that a run began with.
//   DS1. What the code says is in `Dispatch`; on whose behalf it says so, whoever runs the code has added: no code names its sender.
import { type Static, Type } from 'typebox'

export const dispatchVerb = 'dispatch'

const closed = { additionalProperties: false } as const
const text = (maxLength: number) => Type.String({ maxLength })

export const Dispatch = Type.Object({
  agent: text(200),
  /** Of the instance. */
  id: text(2000),
  session: Type.Optional(text(2000)),
  input: Type.Unknown(),
  /** The same dispatch happens once for one key. */
  idempotencyKey: Type.Optional(text(200)),
})
export type Dispatch = Static<typeof Dispatch>

/** DS1. The project of a workflow, or the agent of a tool, whose project it is then. */
export const DispatchSender = Type.Union([
  Type.Object({ project: text(64) }, closed),
  Type.Object({ agent: text(200) }, closed),
])
export type DispatchSender = Static<typeof DispatchSender>

export const DispatchFor = Type.Object({ sender: DispatchSender, dispatch: Dispatch }, closed)
export type DispatchFor = Static<typeof DispatchFor>

/** Plain JSON. */
export interface DispatchReceipt {
  readonly dispatchId: string
  /** ISO 8601 */
  readonly acceptedAt: string
}

/** `svc.session-gateway.compact`: asked by an executor for a session below a run of the project, until it is not `open`. */
export const compactVerb = 'compact'
export const RunCompaction = Type.Object({ session: text(64), key: text(200), project: text(64) }, closed)
export type RunCompaction = Static<typeof RunCompaction>
export type CompactionState =
  | { readonly kind: 'open' }
  /** There was nothing to leave out. */
  | { readonly kind: 'nothing' }
  /** `dropped`: no summary could be made, and a note stands in its place. */
  | { readonly kind: 'done'; readonly how: 'summary' | 'dropped' }

/** `svc.session-gateway.request.<gateway>`: of the gateway that has begun the run. */
export const runRequestVerb = (gateway: string): string => `request.${gateway}`
export const RunRequestOf = Type.Object({ session: text(64) }, closed)
export type RunRequestOf = Static<typeof RunRequestOf>
/** In the memory of a gateway, and in no stream: its headers may hold secrets (decision 047). */
export interface HeldRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
/** `gone`: the gateway does not have it any more. */
export type RunRequest = { readonly kind: 'held'; readonly request: HeldRequest } | { readonly kind: 'gone' }
