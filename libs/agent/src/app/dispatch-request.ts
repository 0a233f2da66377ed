// What is said of a dispatch, and what it gives: the same in the code of a project and in any other process (@reins/client). Types only.

export interface DispatchRequest {
  /** The name of an agent, in YAML or of a project. */
  readonly agent: string
  /** The instance: a user, a ticket, whatever the app says. */
  readonly id: string
  /** Default: `default`. */
  readonly session?: string
  /** Any JSON. The agent reads a text as it is, and anything else as JSON. */
  readonly input: unknown
  /** The same dispatch happens once for one key. */
  readonly idempotencyKey?: string
}

/** Plain JSON. */
export interface DispatchReceipt {
  readonly dispatchId: string
  /** ISO 8601 */
  readonly acceptedAt: string
}
