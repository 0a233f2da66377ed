// What processes follow: the functions of @reins/session, and rules of the world around them. `sound` is what the services do; a
// known-wrong rule (PROTOCOL 13) wraps one of the functions from outside, or turns one rule of the world wrong.
import type { Head } from '@reins/contracts'
import {
  type Holder,
  mayStart,
  type RunnerView,
  type Session,
  takeover,
  type Verdict,
  verdict,
  wakesExecutor,
} from '@reins/session'

/** What a wrong rule may look at besides: the sound functions do not. */
export interface Protocol {
  verdict(session: Session, head: Head, holder: Holder, delivery: { readonly redelivered: boolean }): Verdict
  readonly takeover: typeof takeover
  readonly mayStart: typeof mayStart
  /** Whether a claim that is in may be run: it is in force, with everything above it folded. */
  mayRun(claim: { readonly by: string; readonly attempt: number } | null, instance: string, attempt: number): boolean
  wakesExecutor(views: readonly RunnerView[], outcomes: readonly string[], foreignOpen: () => number): boolean
}

export interface Rules extends Protocol {
  /** The verdict depends on how often the broker says that it delivered a trigger. */
  readonly countsDeliveries: boolean
  /** A status is written by a writer that has not folded the session. */
  readonly statusWithoutFold: boolean
  /** A process that lost its call acks the trigger. */
  readonly loserAcks: boolean
  /** After a lost ack, the *last* frame's id is compared, not that of the first one after `prev`. */
  readonly compareLastFrame: boolean
  /** A process that stood still goes on saying working() before it has read again what it holds. */
  readonly zombieWorking: boolean
  /** A pool's consumer is made anew with what comes from now on, instead of from its ack floor. */
  readonly recreateWithNew: boolean
  /** A child's first frames are appended at its head, instead of at expected 0. */
  readonly childAtHead: boolean
  /** A timer is armed in the log and nowhere else. */
  readonly timerInLogOnly: boolean
  /** An owner answers "no" once its effect has ended, though the outcome is not known to be in. */
  readonly ownerAnswersEarly: boolean
  /** A runner takes a trigger's own sequence for the head of everything that it holds of that session. */
  readonly runnerSkipsGap: boolean
  /** At rest every trigger of the session is acked, those too whose errands are still to be done. */
  readonly acksUndoneErrands: boolean
  /** A runner appends a fresh trigger's outcome on a head that it has seen, though it has not read the frames between the two. */
  readonly freshOnNewerHead: boolean
  /** Who settles a parent's call reads the parent where it likes, instead of from the leader. */
  readonly settleOnStaleParent: boolean
}

export const sound: Rules = {
  verdict,
  takeover,
  mayStart,
  mayRun: (claim, instance, attempt) => claim?.by === instance && claim.attempt === attempt,
  wakesExecutor,
  countsDeliveries: false,
  statusWithoutFold: false,
  loserAcks: false,
  compareLastFrame: false,
  zombieWorking: false,
  recreateWithNew: false,
  childAtHead: false,
  timerInLogOnly: false,
  ownerAnswersEarly: false,
  runnerSkipsGap: false,
  acksUndoneErrands: false,
  freshOnNewerHead: false,
  settleOnStaleParent: false,
}
