// The slices of a session, put together: each adds its rows to these tables, and nothing outside its folder names what is its own.
//   T1. Every type of event has one meaning (the compiler checks that none is missing).
//   T2. Rules are asked in this order, and the first one that has something to say is followed.
import type { EventType } from '@reins/contracts'
import { accounted } from './budget/accounts.ts'
import { budgetEvents } from './budget/budget.ts'
import { grantedEvents } from './budget/granted.ts'
import { beyondBudgetRoute, budgetDue, budgetOffer } from './budget/budget-rules.ts'
import { wallTimeDue, wallTimer } from './budget/wall-time.ts'
import { approvalEvents, approvalRoute, approvalStates, approvalsDue, approvalTimer } from './approval/approval.ts'
import { grantEvents } from './approval/grants.ts'
import { cancelDue, cancelEvents } from './cancel/cancel.ts'
import { configured, configuredEvents } from './configured/configured.ts'
import { compactionCover, compactionDue, compactionEffect, contextDue } from './context/compaction-due.ts'
import { compactionTimer, contextEvents } from './context/context.ts'
import { repeatedOffer } from './context/loop-guard.ts'
import type { PinRule } from './context/pinned.ts'
import { delegationOffer } from './delegation/delegate-tool.ts'
import { delegationEvents, delegationRoute, delegationStates, pausedChildrenDue } from './delegation/delegation.ts'
import {
  elicitationEvents,
  elicitationRoute,
  elicitationStates,
  elicitationsDue,
  elicitationTimer,
} from './elicitation/elicitation.ts'
import { filesEvents } from './files/files.ts'
import { forkEvents } from './fork/fork.ts'
import { erasureEvents } from './lifecycle/erasure.ts'
import { endedCover, endedRests, lifecycleEvents, notOpenCover, notOpenRests } from './lifecycle/lifecycle.ts'
import { treePauseDue, treePauseEvents } from './delegation/tree-pause.ts'
import { memoryEvents, memoryOffer } from './memory/memory.ts'
import {
  modelCallCover,
  modelCallDue,
  modelCallEffect,
  modelCallEvents,
  modelCallTimer,
} from './model-call/model-call.ts'
import { outputEvents, outputOffer } from './output/output.ts'
import { permittedEvents, permittedRoute } from './permitted/permitted.ts'
import { planningEvents, planOffer, planProblemRoute, planRoute } from './planning/planning.ts'
import { followed, runEvents, runTimer } from './run/run.ts'
import { replayEffect, replayRests, runCover, runDue } from './run/run-due.ts'
import type { CallState } from './session.ts'
import { skillEvents, skillsOffer, skillsPin, skillsRoute, workspaceSkillRoute } from './skills/skills.ts'
import type { CallStateKinds, CoverRule, DueRule, Effect, EffectKind, Meanings, OfferRule, RouteRule } from './slice.ts'
import { timerEvents } from './timer/timer.ts'
import { beyondLimitRoute, malformedRoute, toolRoute, unknownToolRoute } from './tool-call/call-routes.ts'
import { callsCover, callsDue } from './tool-call/calls-due.ts'
import { toolCallEvents, toolCallStates } from './tool-call/tool-call.ts'
import { toolsetCover, toolsetDue, toolsetEvents, toolsetTimer, unavailableToolRoute } from './toolset/toolset.ts'
import { givenToolsEvents } from './run/given-tools.ts'
import { promptConfiguredEvents } from './run/prompt-configured.ts'
import { askedToolEvents } from './turn/asked-tool.ts'
import { attachedImagesEvents } from './turn/attached-images.ts'
import { turnCover, turnDue, turnEvents } from './turn/turn.ts'
import { filesToldEvents } from './workspace/files-told.ts'
import { workspaceEvents, workspaceOffer } from './workspace/workspace.ts'

const ofSlices: Meanings<EventType> = followed(
  accounted({
    ...lifecycleEvents,
    ...erasureEvents,
    ...forkEvents,
    ...turnEvents,
    ...modelCallEvents,
    ...toolCallEvents,
    ...filesEvents,
    ...toolsetEvents,
    ...delegationEvents,
    ...treePauseEvents,
    ...cancelEvents,
    ...approvalEvents,
    ...grantEvents,
    ...elicitationEvents,
    ...memoryEvents,
    ...planningEvents,
    ...skillEvents,
    ...contextEvents,
    ...outputEvents,
    ...permittedEvents,
    ...workspaceEvents,
    ...filesToldEvents,
    ...budgetEvents,
    ...grantedEvents,
    ...runEvents,
    ...configuredEvents,
    ...askedToolEvents,
    ...attachedImagesEvents,
    ...promptConfiguredEvents,
    ...givenToolsEvents,
    ...timerEvents([
      modelCallTimer,
      compactionTimer,
      toolsetTimer,
      approvalTimer,
      elicitationTimer,
      wallTimer,
      runTimer,
    ]),
  }),
)

export const meanings: Meanings<EventType> = configured(ofSlices)

/** Where a call goes that the model has asked for. */
const callRoutes: readonly RouteRule[] = [
  elicitationRoute,
  malformedRoute,
  beyondLimitRoute,
  beyondBudgetRoute,
  permittedRoute,
  skillsRoute,
  workspaceSkillRoute,
  planProblemRoute,
  approvalRoute,
  planRoute,
  delegationRoute,
  toolRoute,
  unavailableToolRoute,
  unknownToolRoute,
]

export const callStates: CallStateKinds<CallState['kind']> = {
  ...toolCallStates,
  ...delegationStates,
  ...approvalStates,
  ...elicitationStates,
}

/** What stays word for word when the context is compacted. */
export const pinRules: readonly PinRule[] = [skillsPin]

export const dueRules: readonly DueRule[] = [
  endedRests,
  pausedChildrenDue,
  cancelDue(callStates),
  treePauseDue,
  notOpenRests,
  replayRests,
  wallTimeDue,
  compactionDue(pinRules),
  modelCallDue,
  approvalsDue,
  elicitationsDue,
  callsDue(callRoutes),
  budgetDue,
  toolsetDue,
  contextDue,
  runDue,
  turnDue,
]

export const coverRules: readonly CoverRule[] = [
  endedCover,
  notOpenCover,
  compactionCover,
  runCover,
  turnCover,
  toolsetCover,
  modelCallCover,
  callsCover(callStates),
]

/** In the order in which a model reads them: the workspace, skills, memory, plan, agents, the form of the answer. */
export const offerRules: readonly OfferRule[] = [
  workspaceOffer,
  skillsOffer,
  memoryOffer,
  planOffer,
  delegationOffer,
  outputOffer,
  budgetOffer,
  repeatedOffer,
]

export const effectKinds: Readonly<Record<Effect['kind'], EffectKind>> = {
  'call-model': modelCallEffect,
  compact: compactionEffect,
  'replay-run': replayEffect,
}
