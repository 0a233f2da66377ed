// The door of @reins/transcript: what a person sees of a session, from its stream items.
export { knownEvent } from '#decode'
export { objectIn } from './object-in.ts'
export {
  approvalsBelow,
  askerOf,
  branchOf,
  followTeam,
  type Member,
  memberFor,
  memberOf,
  membersBelow,
  noTeam,
  noticesOf,
  questionsBelow,
  type Team,
} from './team.ts'
export { follow, isDelta } from './transcript.ts'
export { whatToDo } from './transcript-events.ts'
export {
  type Answer,
  type Asker,
  type ControlHint,
  hasShown,
  newTranscript,
  type PendingApproval,
  type PendingQuestion,
  type Piece,
  type RunningTool,
  type SessionPhase,
  textOf,
  type ToolOutcome,
  type Transcript,
  type TranscriptChange,
  type Waiting,
} from './transcript-state.ts'
