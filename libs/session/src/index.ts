// The door of @reins/session: events to state to decisions. Pure.
export { AppendList } from './append-list.ts'
export {
  beginningEvents,
  type Checked,
  checkLog,
  effectiveEvents,
  restProblems,
  type StoredFrame,
} from './check-log.ts'
export { type ControlVerb, controlVerbs, steer } from './control.ts'
export type { Decision, RefusalCode, RequestOutcome } from './decision.ts'
export { childStart, type Errand, errandsOf, finalErrand, settlement, standingErrands } from './delegation.ts'
export { type Due, due, type Effect, maxLostAttempts, type Plan, plan, traceOf } from './due.ts'
export { evolve, type Said } from './evolve.ts'
export { textOf } from './evolve-model-call.ts'
export { brokenLink, emptyFold, type Fold, foldFrame, foldFrames } from './fold.ts'
export { type Holder, isCurrentModelCall, mayStart, takeover, type Verdict, verdict } from './holder.ts'
export { firstFrame } from './lifecycle/first-frame.ts'
export { type Rules, soundRules } from './rules.ts'
export {
  afterLoss,
  evolveView,
  maxToolAttempts,
  type RunnerCall,
  type RunnerHolder,
  type RunnerVerdict,
  type RunnerView,
  runnerVerdict,
  viewOf,
  wakesExecutor,
} from './runner.ts'
export {
  type Born,
  type Call,
  type CallState,
  type Cancel,
  emptySession,
  foldVersion,
  isOpen,
  type Mode,
  type ModelCall,
  type Queued,
  reviveSession,
  type Session,
  type Settled,
  type Turn,
} from './session.ts'
export { emptyInfo, foldInfo, type InfoFold, infoOf } from './session-info.ts'
export { type Cover, cover, statusOf } from './status.ts'
export { placeMessage } from './turn/message-placement.ts'
