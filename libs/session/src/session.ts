// What a session is: the state that its events fold to. Pure data, JSON all the way down (a snapshot is its JSON).
//   S1. The fold is total: every event leads to a state; what does not fit changes nothing (it is evidence).
//   S2. A call ends once: an outcome for a settled call, or for another attempt, changes nothing.
//   S3. A call is never parted from its result: the transcript gets all results of an answer together, in the order of the calls.
//   S4. Nothing here knows what time it is: only timer.fired expires something.
//   S5. After a frame that is beyond this version the state is incomplete. It is good to look at, and to record on what has ended
//       here; nothing is due, no snapshot is made of it, and whoever holds a trigger gives it back for a newer process.
import type {
  ApprovalPolicy,
  CodeBuild,
  ElicitationMode,
  GivenAnswer,
  ImagePart,
  Limits,
  ModelCallError,
  ModelMessage,
  OnBusy,
  Parent,
  PinnedTool,
  RanCall,
  ReplayClass,
  ToolContent,
  Usage,
  UserContent,
} from '@reins/contracts'
import { noUsage } from '@reins/contracts'
import { AppendList } from './folding/append-list.ts'
import type { Permitted } from './permitted/permitted.ts'
import type { BudgetState, Metered } from './budget/budget.ts'
import type { Coming } from './configured/configured.ts'
import type { Context } from './context/context.ts'
import type { Team } from './delegation/team.ts'
import type { Sent } from './model-call/sent.ts'
import type { Planning } from './planning/rules.ts'
import type { SkillsState } from './skills/skills.ts'
import type { Output, TurnOutput } from './output/output.ts'
import { OperationList } from './run/operation-list.ts'
import type { Operation, Run } from './run/run-state.ts'
import type { Servers } from './toolset/servers.ts'
import type { FilesTold } from './workspace/files-told.ts'
import type { WorkspaceState } from './workspace/workspace.ts'

/** Raised when the fold's meaning or the state's shape changes: older snapshots are then left aside. */
export const foldVersion = 5

export interface Born {
  readonly agent: string
  readonly digest: string
  readonly model: string
  readonly pools: { readonly executor: string; readonly tools: string }
  readonly limits: Limits
  readonly tools: Readonly<Record<string, ReplayClass>>
  /** As they were resolved, with those of servers; absent where the session's start did not say it. */
  readonly toolset?: readonly PinnedTool[]
  /** As the start itself says; what counts is `team`. */
  readonly agents: Readonly<Record<string, { readonly digest: string; readonly pool: string }>>
  readonly parent: Parent | null
  readonly instance: string | null
  /** Who started it; absent where the session's start did not say it. */
  readonly principal?: string
  readonly at: number
}

export type Mode =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'paused'
      /** With everything below: the frame that said so. */
      readonly tree?: number
      /** Paused by the session above, by its pause of this frame. */
      readonly above?: number
      /** Besides by a person, alone or with everything below: it stays so when that of the session above is over. */
      readonly own?: 'session' | 'tree'
    }
  | { readonly kind: 'quarantined'; readonly reason: string; readonly frame: number }
  | { readonly kind: 'ended'; readonly reason: string }

/** A message that was accepted and is in no turn yet. */
export interface Queued {
  readonly message: string
  readonly content: UserContent
  readonly onBusy: OnBusy
  readonly n: number
  /** Who sent it, where the definition asks who may decide. */
  readonly by?: string
  /** The trace (W3C traceparent) of the request that brought it. */
  readonly trace?: string
  /** What the answer to it has to fit; absent: the message does not say. */
  readonly output?: Output
  /** What its sender may have called; absent: everything. */
  readonly permitted?: Permitted
  /** Shown to the model with it. */
  readonly images?: readonly ImagePart[]
  /** The turn that takes it in makes this call, and asks no model. */
  readonly tool?: AskedTool
}

/** A call that code asks for. */
export interface AskedTool {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

interface Attempts {
  readonly call: string
  readonly attempt: number
  /** Attempts that were lost with their process, of this call. */
  readonly lost: number
  readonly throttles: number
  /** The tools are withheld. */
  readonly final: boolean
}

export type ModelCall = Attempts &
  (
    | { readonly kind: 'running'; readonly by: string; readonly n: number }
    | { readonly kind: 'throttled'; readonly timer: string; readonly error: ModelCallError }
    /** The next attempt is due. */
    | { readonly kind: 'retry' }
    /** Failed for good: the turn's failure is due. */
    | { readonly kind: 'failed'; readonly error: ModelCallError }
  )

export type CallState =
  /** Asked for by the model, by nobody else yet. */
  | { readonly kind: 'due'; readonly resume?: Resume }
  /** Asked of the runners; nobody has claimed it (a `safe` tool runs like this). */
  | { readonly kind: 'requested'; readonly n: number }
  | { readonly kind: 'claimed'; readonly attempt: number; readonly by: string; readonly n: number }
  | {
      readonly kind: 'delegated'
      readonly child: string
      readonly pool: string
      readonly cancelSent: boolean
      /** It goes on with a child that was paused. */
      readonly resumed?: true
    }
  | WaitingForApproval
  | Eliciting
  | {
      readonly kind: 'done'
      readonly error: boolean
      readonly output: string
      readonly content?: readonly ToolContent[]
      readonly how: 'completed' | 'unknown' | 'cancelled' | 'settled'
    }

/** Of nobody but people: a tool-runner is asked when they have decided. */
export interface WaitingForApproval {
  readonly kind: 'waiting'
  readonly for: 'approval'
  readonly n: number
  /** Of the arguments that are decided about. */
  readonly digest: string
  readonly reason: string
  readonly must: boolean
  readonly quorum: number
  /** Who has approved these arguments so far. */
  readonly votes: readonly string[]
  readonly timer?: string
  /** epoch ms, for people */
  readonly expiresAt?: number
  /** Its timer has fired: nobody can decide any more. */
  readonly lapsed?: true
}

/** Its server asked a person something. Of nobody but people and, where it lives, of the connection that it runs on. */
export interface Eliciting {
  readonly kind: 'eliciting'
  readonly n: number
  readonly elicitation: string
  /** The attempt that asked, and the instance that ran it. */
  readonly attempt: number
  readonly by: string
  readonly server: string
  readonly mode: ElicitationMode
  readonly message: string
  readonly url?: string
  readonly schema?: Readonly<Record<string, unknown>>
  readonly nothingRan: boolean
  readonly key: string
  readonly timer: string
  readonly expiresAt: number
  /** A person opens the page; the call waits for the server's notice, or for the person's word. */
  readonly accepted?: string
  /** The server's notice is there already. */
  readonly completed?: true
  readonly lapsed?: true
}

/** How a call goes on that a person was asked about. */
export interface Resume {
  readonly attempt: number
  readonly by: string
  readonly nothingRan: boolean
}

/** What a server asked a person in one call, and what came of it. */
export interface Elicited extends GivenAnswer {
  readonly server: string
  readonly message: string
  readonly nothingRan: boolean
  readonly remembered?: true
  readonly person?: string
}

/** What was decided about a call, or that its tool asked for a person. */
export type Approval =
  | { readonly kind: 'needed'; readonly reason: string; readonly must?: true }
  | { readonly kind: 'approved'; readonly by: readonly string[] }
  | { readonly kind: 'granted'; readonly grant: string }
  | { readonly kind: 'denied'; readonly by: string; readonly reason?: string }
  | { readonly kind: 'expired' }
  | { readonly kind: 'withdrawn' }

/** What a person has let pass from then on. */
export interface Grant {
  readonly grant: string
  readonly tool: string
  /** Absent: whatever the call is about. */
  readonly target?: string
  /** The call that it was given with. */
  readonly call: string
  readonly by: string
  readonly at: number
}

/** A tool call or delegation of the turn's latest answer. */
export interface Call {
  readonly call: string
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly malformed: string | null
  readonly state: CallState
  /** Absent: nobody was asked about it. */
  readonly approval?: Approval
  /** The arguments are a person's, not the model's. */
  readonly edited?: { readonly by: string }
  /** Absent: its server asked nobody. */
  readonly elicited?: readonly Elicited[]
}

export interface Turn {
  readonly id: string
  readonly n: number
  readonly messages: readonly string[]
  /** Who sent them, where the definition asks who may decide. */
  readonly requesters?: readonly string[]
  /** Of the message that began it: what follows from it belongs to the same trace. */
  readonly trace?: string
  readonly model: ModelCall | null
  /** Of the latest answer, until all are done and the next model call starts. */
  readonly calls: readonly Call[]
  /** The latest completed model call: its id and how it finished. */
  readonly answered: {
    readonly call: string
    readonly finish: 'stop' | 'tool-calls' | 'length' | 'refused'
    readonly final: boolean
  } | null
  /** Model calls begun, and tool calls asked for, in this turn. */
  readonly modelCalls: number
  readonly toolCalls: number
  /** What its answer has to fit; absent: any text is one. */
  readonly output?: TurnOutput
  /** What it may call; absent: everything. */
  readonly permitted?: Permitted
  /** Code has asked for its one call, in the place of a model. */
  readonly asked?: true
  /** Absent: none. */
  readonly delegations?: number
  readonly usage: Usage
  /** Of its model calls and summaries; absent: no price was known. */
  readonly usd?: number
  /** Calls that a tool-runner was asked for, and that may have changed something; absent: none. */
  readonly ran?: Ran
}

/** Bounded: those that are not listed are counted. */
export interface Ran {
  readonly calls: readonly RanCall[]
  readonly omitted: number
}

/** Asked for and not answered yet. `covered`: the messages in no turn that it drops. */
export interface Cancel {
  /** `budget`: the time of the turns is over. */
  readonly kind: 'cancel' | 'interrupt' | 'end' | 'budget'
  readonly n: number
  readonly covered: readonly string[]
  /** RN11: code was told that an operation of it was cancelled. */
  readonly told?: true
  /** Of an end that nobody has asked for. */
  readonly reason?: string
}

/** How the latest turn ended, for whoever delegated it. */
export interface Settled {
  readonly turn: string
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly output: string
  /** The value of the answer, where it had to fit a schema. */
  readonly result?: unknown
  /** Of a turn: what it used, and what its failure is called. */
  readonly usage?: Usage
  readonly code?: string
  /** Absent: nothing that changes anything. */
  readonly ran?: Ran
}

/** What the latest cancel, interrupt or end of a turn has stopped. */
export interface StoppedTurn {
  readonly turn: string
  readonly ran?: Ran
  /** Sessions below that were asked to cancel with it. */
  readonly below: readonly string[]
}

/** The first frame that this version of Reins does not understand. */
export interface Beyond {
  readonly n: number
  readonly why: string
}

/** What outlives the session: whose it is, as its start pinned it. */
export interface Memory {
  readonly provider: string
  readonly scope: string
  readonly principal?: string
}

export interface Session {
  /** What its workflow may have called; absent: everything. */
  readonly permitted?: Permitted
  readonly id: string
  /** S5. Absent: all frames are understood. */
  readonly beyond?: Beyond
  readonly born: Born | null
  /** Absent: nothing of the session waits for approval. */
  readonly approvals?: ApprovalPolicy
  /** Absent: its model does not plan. */
  readonly planning?: Planning
  /** Standing approvals; absent: there were none. */
  readonly grants?: readonly Grant[]
  /** Servers that a person has authorised in this session; absent: none. */
  readonly authorised?: readonly string[]
  /** Whom it may delegate to, and what became of it; absent: nobody. */
  readonly team?: Team
  /** Of a child: its waiting for people is told to the session above. */
  readonly onPause?: 'return'
  /** Of a child: the later call of the session above that it answers. Absent: the one that it was made for. */
  readonly continued?: string
  /** Of a child that a run prompts: the position of the latest prompt. */
  readonly prompted?: number
  /** Whose code decides what is next; absent: its model alone does. */
  readonly run?: Run
  /** The build of a project whose initializer runs for each message; absent: its definition is no module's. */
  readonly code?: CodeBuild
  /** What its next turn begins with; absent: what the latest began with. */
  readonly coming?: Coming
  /** Nothing of it is left (ER3 of erasure.ts): who ordered that, when, and whether it is done. Absent: it was not erased. */
  readonly erased?: { readonly by: string; readonly at: number; readonly completed?: true }
  readonly title: string | null
  readonly mode: Mode
  readonly inbox: readonly Queued[]
  readonly turn: Turn | null
  readonly cancel: Cancel | null
  /** Absent: the definition names no servers. */
  readonly servers?: Servers
  /** Absent: the definition gives it no long-term memory. */
  readonly memory?: Memory
  /** What the answer of each turn has to fit; absent: any text is one. */
  readonly output?: Output
  /** What its workspace tells agents; absent: the definition does not ask. */
  readonly workspace?: WorkspaceState
  /** What its files in memory tell agents; absent: nothing ever. */
  readonly told?: FilesTold
  /** The frame (its sequence) that has the files of the sandbox in memory; absent: there are none. */
  readonly files?: number
  /** Absent: the definition gives it no skills. */
  readonly skills?: SkillsState
  /** Open timers: armed, not fired. */
  readonly timers: readonly { readonly timer: string; readonly at: number }[]
  readonly transcript: AppendList<ModelMessage>
  /** Absent: its model is sent the whole conversation. */
  readonly context?: Context
  /** To the model, last; absent: nothing was, or older processes have sent it. */
  readonly sent?: Sent
  /** Turns that have ended. */
  readonly turns: number
  readonly usage: Usage
  /** Of turns that have ended; absent: no price was known. */
  readonly usd?: number
  /** Absent: nothing limits what it uses. */
  readonly budget?: BudgetState
  /** Absent: no attempt to ask a model is in flight, or nothing was set aside for it. */
  readonly metered?: Metered
  readonly settled: Settled | null
  /** Absent: no turn was cancelled. */
  readonly stopped?: StoppedTurn
  /** The latest pause of the session above that is over. */
  readonly unpaused?: number
  /** The pause of the session above that came while this one was ended or in quarantine: nothing of it works, and it says so. */
  readonly stillFor?: number
  /** Of a session that was cancelled before anybody made it: the session above. */
  readonly unborn?: Parent
  /** The text of the latest model call's answer, kept for `settled`. */
  readonly lastText: string
}

export const emptySession = (id: string): Session => ({
  id,
  born: null,
  title: null,
  mode: { kind: 'open' },
  inbox: [],
  turn: null,
  cancel: null,
  timers: [],
  transcript: AppendList.of(),
  turns: 0,
  usage: noUsage,
  settled: null,
  lastText: '',
})

export const isOpen = (state: CallState): boolean =>
  state.kind === 'requested' || state.kind === 'claimed' || state.kind === 'delegated'

/** A session from a snapshot's JSON. */
export function reviveSession(json: unknown): Session {
  const state = json as Omit<Session, 'transcript' | 'run'> & {
    readonly transcript: readonly ModelMessage[]
    readonly run?: Omit<Run, 'operations'> & { readonly operations: readonly Operation[] }
  }
  const { run } = state
  return {
    ...state,
    transcript: AppendList.of(state.transcript),
    ...(run ? { run: { ...run, operations: OperationList.of(run.operations) } } : {}),
  } as Session
}
