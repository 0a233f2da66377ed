// What processes follow: the functions of @reins/session, and rules of the world around them. `sound` is what the services do; a
// known-wrong rule (PROTOCOL 14) wraps one of the functions from outside, or turns one rule of the world wrong.
import type { Address, Head, SessionEvent } from '@reins/contracts'
import {
  addressOf,
  announced,
  answerElicitation,
  compactionEvents,
  createChild,
  decideApproval,
  eraseSession,
  filesBefore,
  fireTimer,
  followsSeen,
  forkFrame,
  type HeldRequest,
  type Holder,
  leftToNewer,
  mayArchive,
  mayRun,
  mayGoEarly,
  mayStart,
  nextStep,
  offered,
  outcomeEvents,
  projected,
  promptChild,
  promptSlice,
  requestCompaction,
  restoreContext,
  resumeChild,
  type Session,
  standingErrands,
  stopOf,
  takeover,
  toolsetAnswer,
  unpauseChild,
  type Verdict,
  verdict,
  viewOf,
} from '@reins/session'

/** What a wrong rule may look at besides: the sound functions do not. */
export interface Protocol {
  verdict(session: Session, head: Head, holder: Holder, delivery: { readonly redelivered: boolean }): Verdict
  readonly takeover: typeof takeover
  readonly announced: typeof announced
  readonly mayStart: typeof mayStart
  readonly mayGoEarly: typeof mayGoEarly
  readonly mayRun: typeof mayRun
  readonly viewOf: typeof viewOf
  readonly nextStep: typeof nextStep
  readonly followsSeen: typeof followsSeen
  readonly filesBefore: typeof filesBefore
  readonly outcomeEvents: typeof outcomeEvents
  readonly createChild: typeof createChild
  readonly promptChild: typeof promptChild
  readonly promptSlice: typeof promptSlice
  readonly resumeChild: typeof resumeChild
  readonly unpauseChild: typeof unpauseChild
  readonly answerElicitation: typeof answerElicitation
  readonly decideApproval: typeof decideApproval
  readonly fireTimer: typeof fireTimer
  readonly leftToNewer: typeof leftToNewer
  readonly mayArchive: typeof mayArchive
  readonly eraseSession: typeof eraseSession
  readonly forkFrame: typeof forkFrame
  readonly compactionEvents: typeof compactionEvents
  readonly requestCompaction: typeof requestCompaction
  readonly restoreContext: typeof restoreContext
  /** What a model is sent: the conversation, and what it should know now. */
  readonly projected: typeof projected
  readonly offered: typeof offered
  readonly standingErrands: typeof standingErrands
  /** What a person is told that a cancel or a pause of a tree has come to. */
  readonly stopOf: typeof stopOf
  readonly toolsetAnswer: typeof toolsetAnswer
  addressOf(
    requests: readonly HeldRequest[],
    events: readonly SessionEvent[],
    pool: string,
    foreignOpen: () => number,
  ): Address
}

export interface Rules extends Protocol {
  /** What a process still knows of a session when it decides. */
  remembers(session: Session): Session
  /** The verdict depends on how often the broker says that it delivered a trigger. */
  readonly countsDeliveries: boolean
  /** A status is written by a writer that has not folded the session. */
  readonly statusWithoutFold: boolean
  /** An executor that gives a trigger away acks it. */
  readonly acksGiven: boolean
  /** A process that lost its call acks the trigger. */
  readonly loserAcks: boolean
  /** After a lost ack, the *last* frame's id is compared, not that of the first one after `prev`. */
  readonly compareLastFrame: boolean
  /** A process that stood still goes on saying working() before it has read again what it holds. */
  readonly zombieWorking: boolean
  /** A pool's consumer is made anew with what comes from now on, instead of from its ack floor. */
  readonly recreateWithNew: boolean
  /** A timer is armed in the log and nowhere else. */
  readonly timerInLogOnly: boolean
  /** The question of a server stands in the log and wakes nobody. */
  readonly questionsToLog: boolean
  /** That a tool wants a person stands in the log and wakes nobody. */
  readonly needsToLog: boolean
  /** An owner answers "no" once its effect has ended, though the outcome is not known to be in. */
  readonly ownerAnswersEarly: boolean
  /** At rest every trigger of the session is acked, those too whose errands are still to be done. */
  readonly acksUndoneErrands: boolean
  /** Who settles a parent's call reads the parent where it likes, instead of from the leader. */
  readonly settleOnStaleParent: boolean
  /** A process records the summary of an attempt that another has taken over. */
  readonly summariesOfLost: boolean
  /** The memory knows what it has recorded by the attempt, not by the call. */
  readonly memoryByAttempt: boolean
  /** A child gives away what its own definition says, whatever its parent has left. */
  readonly sessionsUnbounded: boolean
  /** An executor records an answer that nobody has held against its schema, and completes the turn with it. */
  readonly uncheckedCompletes: boolean
  /** A replay goes on one operation behind the one that is recorded last. */
  readonly skipsRecorded: boolean
  /** What a call says that went out with its announcement is shown before that is known to be in. */
  readonly showsEarly: boolean
  /** A call that went out with its announcement goes on where that is refused. */
  readonly keepsRefused: boolean
  /** A step is run before its intent is known to be in. */
  readonly stepBeforeIntent: boolean
  /** That a step has ended is left out of the frame that says what the code does about it. */
  readonly forgetsEnds: boolean
  /** A replay records the lines of the log again that an earlier one has recorded. */
  readonly logsAgain: boolean
  /** Code asks a person, and the timer of its question is not armed. */
  readonly asksWithoutTimer: boolean
  /** An executor forgets how often a model was asked for an answer that fits. */
  readonly asksWithoutEnd: boolean
}

export const sound: Rules = {
  verdict,
  takeover,
  announced,
  mayStart,
  mayGoEarly,
  mayRun,
  viewOf,
  nextStep,
  followsSeen,
  filesBefore,
  outcomeEvents,
  createChild,
  promptChild,
  promptSlice,
  resumeChild,
  unpauseChild,
  answerElicitation,
  decideApproval,
  fireTimer,
  mayArchive,
  eraseSession,
  forkFrame,
  leftToNewer,
  compactionEvents,
  requestCompaction,
  restoreContext,
  projected,
  offered,
  standingErrands,
  stopOf,
  toolsetAnswer,
  addressOf,
  remembers: (session) => session,
  countsDeliveries: false,
  statusWithoutFold: false,
  acksGiven: false,
  loserAcks: false,
  compareLastFrame: false,
  zombieWorking: false,
  recreateWithNew: false,
  timerInLogOnly: false,
  questionsToLog: false,
  needsToLog: false,
  ownerAnswersEarly: false,
  acksUndoneErrands: false,
  settleOnStaleParent: false,
  summariesOfLost: false,
  memoryByAttempt: false,
  sessionsUnbounded: false,
  skipsRecorded: false,
  stepBeforeIntent: false,
  forgetsEnds: false,
  showsEarly: false,
  keepsRefused: false,
  logsAgain: false,
  asksWithoutTimer: false,
  uncheckedCompletes: false,
  asksWithoutEnd: false,
}
