// The door of @reins/session: events to state to decisions. Pure.
export { isExcluded, isWaiting } from './approval/approval.ts'
export {
  type CheckSignature,
  DecisionCheck,
  type DecisionInLog,
  decisionsIn,
  type SignatureWorth,
} from './approval/decisions-in-log.ts'
export { isTurnedOff, pinnedPolicy } from './approval/pinned-policy.ts'
export {
  decideApproval,
  type PersonsVerdict,
  revokeGrant,
  type VerdictOutcome,
  type VerdictRefusal,
} from './approval/verdicts.ts'
export { type BudgetState, left, lent, spentBy } from './budget/budget.ts'
export { goOnWords, raiseBudget } from './budget/budget-controls.ts'
export { budgetInfo } from './budget/budget-info.ts'
export { promptSlice } from './budget/granted.ts'
export { noPrice, reservedFor, summarySize } from './budget/reservation.ts'
export { agentConfigured, type PinnedStart, pinnedDefinition } from './configured/agent-configured.ts'
export { type Coming, comingDigest } from './configured/coming.ts'
export { planUpgrade, type UpgradePlan } from './configured/upgrade.ts'
export { contextDefaults, measure, windowOf } from './context/compaction-due.ts'
export { type Context, contextOf, type OpenCompaction, type Summary } from './context/context.ts'
export { requestCompaction, restoreContext } from './context/context-controls.ts'
export { compactionEvents, type SummaryOutcome } from './context/outcome.ts'
export type { PinRule } from './context/pinned.ts'
export { conversationSize, projected } from './context/projection.ts'
export { cutPoint } from './context/range.ts'
export { type ControlVerb, controlVerbs, steer } from './deciding/control.ts'
export type { Decision, RefusalCode, RequestOutcome } from './deciding/decision.ts'
export { due } from './deciding/due.ts'
export { isOwn, mayStart } from './deciding/effects.ts'
export { type Holder, newerDelayMs, statusToShow, type Verdict, verdict } from './deciding/holder.ts'
export { type Offered, offered } from './deciding/offered.ts'
export { type Plan, plan, traceOf } from './deciding/plan.ts'
export { cover, statusOf } from './deciding/status.ts'
export { type DelegationCeilings, defaultCeilings, type Granted } from './delegation/declared.ts'
export {
  type Creation,
  cancelChild,
  cancelPrompt,
  createChild,
  promptChild,
  type Resumption,
  receiptOf,
  resumeChild,
  settleParent,
} from './delegation/errand-frames.ts'
export {
  creationOf,
  type Errand,
  errandsOf,
  errandsOfTrigger,
  finalErrand,
  standingErrands,
} from './delegation/errands.ts'
export { stopOf } from './delegation/stop.ts'
export {
  type Child,
  declaredBehind,
  type Member,
  memberOf,
  sessionsLeft,
  type Team,
  type TeamLimits,
} from './delegation/team.ts'
export {
  heldSessions,
  type Pausing,
  pauseChild,
  tellHeld,
  type Unpausing,
  unpauseChild,
} from './delegation/tree-pause.ts'
export { type WaitsFor, waitsForPeople } from './delegation/waiting-for-people.ts'
export {
  type AnswerOutcome,
  answerElicitation,
  type PersonsAnswerTo,
  type WaitingElicitation,
  waitingElicitations,
} from './elicitation/answers.ts'
export { AppendList } from './folding/append-list.ts'
export {
  beginningEvents,
  type Checked,
  checkLog,
  effectiveEvents,
  LogCheck,
  restProblems,
} from './folding/check-log.ts'
export { evolve } from './folding/evolve.ts'
export { brokenLink, emptyFold, type Fold, foldFrame, foldFrames } from './folding/fold.ts'
export { type StoredFrame, storedFrameOf } from './folding/stored-frame.ts'
export { contentBytes, unweighed, type Weighed, waitingBytes, weigh } from './folding/weight.ts'
export { type ForkRequest, forkFrame } from './fork/fork-frame.ts'
export { forkIn, type Lineage, lineageOf } from './fork/lineage.ts'
export { archivedAs, archivedIn, mayArchive } from './lifecycle/archival.ts'
export { type SessionBeginning, sessionBeginning } from './lifecycle/beginning.ts'
export {
  type ErasureAbout,
  erasedAgain,
  erasedBelow,
  erasedBy,
  erasedIn,
  eraseSession,
  eraseUnreadable,
  erasureCompleted,
  fromErasure,
} from './lifecycle/erasure.ts'
export { firstFrame } from './lifecycle/first-frame.ts'
export { pauseTree } from './lifecycle/lifecycle-controls.ts'
export { type SessionStart, sessionStarted } from './lifecycle/session-started.ts'
export { type Announcement, announced } from './model-call/announced.ts'
export { mayGoEarly } from './model-call/early.ts'
export { type Flight, flightOf } from './model-call/flight.ts'
export { defaultRetryPolicy, failureEvents, isTooLarge, type RetryPolicy, tooLarge } from './model-call/retries.ts'
export { isCurrentModelCall, takeover } from './model-call/takeover.ts'
export { uncheckedAnswer } from './output/output.ts'
export { hasGiven, recordedOperations, toolsGiven } from './run/given-tools.ts'
export { handedToRun } from './run/handed-to-run.ts'
export { openWaits, waitFor } from './run/invoked.ts'
export { lastConfigured } from './run/prompt-configured.ts'
export { type RunStart, runBeginning } from './run/run-beginning.ts'
export type { Harness, Operation, OperationResult, Run } from './run/run-state.ts'
export { runQuestions } from './run/run-state.ts'
export {
  type Born,
  type Call,
  type CallState,
  emptySession,
  foldVersion,
  type Grant,
  isOpen,
  reviveSession,
  type Session,
  type Settled,
  type Turn,
} from './session.ts'
export { emptyInfo, foldInfo, type InfoFold, infoOf } from './shown/session-info.ts'
export { treeNodes } from './shown/session-tree.ts'
export type { Cover, Due, Effect, Offer, Origin } from './slice.ts'
export { earlyTimer, fireTimer, saysFired, timerAsked } from './timer/fired-timer.ts'
export {
  type Attempt,
  claimKey,
  claimOf,
  leftToNewer,
  type NextStep,
  nextStep,
  type OwnerAnswers,
} from './tool-call/next-step.ts'
export { addressOf, type EndedCall, type HeldRequest, outcomeEvents } from './tool-call/outcomes.ts'
export {
  evolveView,
  filesBefore,
  followsSeen,
  isClosed,
  isFresh,
  isStoredLate,
  mayRun,
  type RunnerCall,
  type RunnerHolder,
  type RunnerVerdict,
  type RunnerView,
  runnerVerdict,
  runsAt,
  viewOf,
} from './tool-call/runner.ts'
export { toolsetDeclared } from './toolset/declared.ts'
export { type ToolsetRequest, toolsetAnswer, toolsetAskedIn, toolsetIsClosed } from './toolset/runner.ts'
export { type Server, type ServerState, type Servers, serverTools } from './toolset/servers.ts'
export { needsFold, placeMessage } from './turn/message-placement.ts'
export { contextOfCall, traceIdNow, traceTo } from './turn/trace.ts'
export { workspaceFound } from './workspace/files-told.ts'
