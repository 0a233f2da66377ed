// The rules of the world around the pure parts that have a known-wrong form (PROTOCOL 13). `soundWorld` is what services do.
import { type Rules, soundRules } from '@reins/session'

export interface WorldRules {
  /** The switches of the pure parts. */
  readonly session: Rules
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

export const soundWorld: WorldRules = {
  session: soundRules,
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
