// The rules of the protocol that have a known-wrong form (each once left sessions stuck or did work twice). Production uses
// `soundRules`, always; the simulator turns one wrong at a time and must find it.
export interface Rules {
  /** A call in flight elsewhere: keep the trigger (nak), or believe that the other's trigger covers it (ack). */
  readonly ackCoveredElsewhere: boolean
  /** A call recorded as this instance's own that it does not run is taken for somebody else's. */
  readonly noRowForOwnCall: boolean
  /** A first delivery that finds a call in flight is taken for a repeat and acked. */
  readonly ackByDeliveryCount: boolean
  /** A running model call is looked at before a cancel is. */
  readonly modelCallHidesCancel: boolean
  /** An intent that is in is started, though the same read shows it closed. */
  readonly startClosedIntent: boolean
  /** A lost call is taken over although the session is paused or the call is being cancelled. */
  readonly takeOverPaused: boolean
  /** A runner counts only calls that it was asked for as open: false waits for calls of other pools too. */
  readonly runnerCountsForeignCalls: boolean
  /** A status is written by a writer that has not folded the session. */
  readonly statusWithoutFold: boolean
}

export const soundRules: Rules = {
  ackCoveredElsewhere: false,
  noRowForOwnCall: false,
  ackByDeliveryCount: false,
  modelCallHidesCancel: false,
  startClosedIntent: false,
  takeOverPaused: false,
  runnerCountsForeignCalls: false,
  statusWithoutFold: false,
}
