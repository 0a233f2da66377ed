// What a run of the simulator starts from: sessions, what the model answers, what people do, which faults may happen.
import type {
  ApprovalPolicy,
  BudgetLimits,
  EventData,
  EventOf,
  EventType,
  OnBusy,
  ServerAnswer,
  SessionEvent,
} from '@reins/contracts'

/** A call of the model: of a plan tool, a skill, the memory, or any other tool. */
export interface AskedCall {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** One answer of the scripted model. Text only where nothing is asked for. */
export interface Answer {
  readonly tools?: readonly ('safe' | 'never' | 'keep')[]
  readonly calls?: readonly AskedCall[]
  /** Its text; absent: it has none. */
  readonly says?: string
  /** The request is refused as too long, as long as nothing of the conversation is left out. */
  readonly overflows?: true
  /** Asks the agent of this name to do something. */
  readonly delegate?: readonly string[]
  /** By the tool `task`; '' is a fresh context of its own. */
  readonly tasks?: readonly string[]
  /** Goes on with the first child of this agent that is paused; there may be none. */
  readonly resume?: readonly string[]
  /** The first attempt is throttled; a timer lets the next one start. */
  readonly throttledOnce?: boolean
  /** Where an answer has to fit a schema, this one does not. */
  readonly misfit?: true
  /** It never ends by itself: only an abort stops it. */
  readonly endless?: boolean
}

/**
 * An operation of code that decides: a step that may run again, or not; a turn of its agent; a sleep; a pause for a message; a question to a
 * person, whom nobody answers. Of a workflow besides: it gets an agent, prompts it in a session below (by another
 * model, with images), waits for an event.
 */
export type CodeOp = 'safe' | 'never' | 'call' | 'tool' | 'sleep' | 'pause' | 'ask' | FlowOp
export type FlowOp = 'init' | 'prompt' | 'prompt-tool' | 'prompt-files' | 'prompt-images' | 'prompt-model' | 'wait'

/** What a definition declares of what its agent has in mind. */
export interface Mind {
  readonly context?: EventData<'context.declared'>
  readonly planning?: EventData<'planning.declared'>
  readonly skills?: EventData<'skills.declared'>
  readonly memory?: EventData<'memory.declared'>
}

/** A session below the root: the first one that there is. Or the one that was forked from it. */
type Below = 'child' | 'grandchild' | 'fork'

export type GatewayOp =
  | {
      readonly op: 'message'
      readonly message: string
      readonly onBusy: OnBusy
      readonly of?: Below
      /** The tools that its sender may have called; absent: every tool. */
      readonly may?: readonly string[]
      /** What its agent is configured with for this message, where that differs. */
      readonly anew?: readonly SessionEvent[]
    }
  | { readonly op: 'cancel'; readonly end?: true; readonly of?: Below }
  /** Of a person, about the first call that waits. */
  | {
      readonly op: 'decide'
      readonly verdict: 'approved' | 'edited' | 'denied'
      readonly scope?: 'tool'
      readonly of?: Below
    }
  /** Of a person, to the first question that waits. */
  | { readonly op: 'answer'; readonly action: 'accept' | 'decline'; readonly of?: Below }
  | { readonly op: 'revoke'; readonly of?: Below }
  /** Of a person: compact the context now, undo the latest compaction. */
  | { readonly op: 'compact'; readonly of?: Below }
  | { readonly op: 'restore'; readonly of?: Below }
  /** Of a person, to so many tokens; where a turn has ended for the budget, the session goes on. */
  | { readonly op: 'upgrade'; readonly events: readonly SessionEvent[]; readonly of?: Below }
  | { readonly op: 'raise'; readonly tokens: number; readonly of?: Below }
  /** The root is forked where it is; `message`: what is said in the fork. */
  | { readonly op: 'fork'; readonly message?: string; readonly of?: Below }
  /** With everything below. */
  | { readonly op: 'erase'; readonly of?: Below }
  /** From outside, to a run: the event that it may wait for. */
  | { readonly op: 'deliver'; readonly of?: Below }
  /** `tree`: a pause with everything below. */
  | { readonly op: 'pause' | 'resume' | 'release' | 'rename'; readonly tree?: true; readonly of?: Below }

export const faultKinds = [
  'lose-ack',
  'lose-request',
  'die',
  'crash',
  'stall',
  'repeat',
  'late-ack',
  'server',
  'recreate',
  'timer-twice',
] as const
/**
 * lose-ack: a frame is in, and its writer does not hear so. lose-request: it is on its way for a while. die: its writer is gone the
 * moment it is in. crash: a process is gone. stall: it stops, and goes on later. repeat: a trigger is delivered again though its
 * holder works on it. late-ack: an ack arrives later, or never. server: the broker dies and forgets who holds what, and, if it
 * likes, the newest acks. recreate: a pool's consumer is made anew. timer-twice: a timer's `fired` is delivered twice.
 */
export type FaultKind = (typeof faultKinds)[number]
type Faults = Partial<Readonly<Record<FaultKind, number>>>

/** Each of these once. */
export const only = (...kinds: readonly FaultKind[]): Faults => Object.fromEntries(kinds.map((kind) => [kind, 1]))
/** Every kind so often. */
export const any = (each: number): Faults => Object.fromEntries(faultKinds.map((kind) => [kind, each]))
/** Each once that a session without timers and runners can meet. */
export const usualFaults = only('lose-ack', 'lose-request', 'die', 'crash', 'stall', 'repeat', 'late-ack', 'server')

export const message = (id: string, onBusy: OnBusy = 'queue') => ({ op: 'message', message: id, onBusy }) as const

export interface Scenario {
  readonly name: string
  /** So small that the test explores every order of its moves. */
  readonly whole?: true
  /** Memory puts each session into the archive once, when it may. */
  readonly archives?: true
  readonly executors: number
  readonly runners: number
  readonly born: Omit<EventOf<'session.started'>['data'], 'parent'>
  /** What of it waits for people. */
  readonly policy?: ApprovalPolicy
  /** The answers of the root have to fit a schema. */
  readonly output?: { readonly retries: number }
  /** What the model answers in each turn of the root: the first list in the first turn; the last one in all that follow. */
  readonly turns: readonly (readonly Answer[])[]
  /** What it answers in a child's turns. */
  readonly childTurn?: readonly Answer[]
  /** Or by the name of the agent, turn by turn: for trees in which not all children do the same. */
  readonly below?: Readonly<Record<string, readonly (readonly Answer[])[]>>
  /** Whom sessions may delegate to, by the name of their agent; the root is `agent`. */
  readonly teams?: Readonly<Record<string, EventData<'agents.declared'>>>
  /** Whose models have the tool `task`, likewise. */
  readonly tasks?: Readonly<Record<string, EventData<'task.declared'>>>
  /** By the name of the agent; the root is `agent`. */
  readonly minds?: Readonly<Record<string, Mind>>
  /** What a model takes, in tokens; absent: nothing is said of it, and no context is ever full. */
  readonly window?: number
  /** What each tool gives. */
  readonly gives?: string
  /** What comes of attempts to summarise, by their number; the last one of all that follow. Absent: a summary. */
  readonly summaries?: readonly ('made' | 'throttled' | 'failed')[]
  /** Processes of an older build, by name, and the type of event that they do not know. */
  readonly older?: { readonly processes: readonly string[]; readonly hides: EventType }
  /** Whenever a model call is to begin, there may be no slot for it; another executor may have one. */
  readonly slotsMayMiss?: boolean
  /** A model call goes out with the frame that announces it, where it may. */
  readonly earlyCalls?: true
  /** An executor gives a trigger to another one that knows the session already; it may hear no answer, and then both have it. */
  readonly givesAway?: true
  /** What the servers of the session's definition answer; absent: it names none. */
  readonly servers?: readonly ServerAnswer[]
  /** The server of this tool asks a person once in each call: in its middle, or, before anything runs, to open a page. */
  readonly asks?: {
    readonly tool: 'safe' | 'never'
    readonly how: 'form' | 'page'
    /** It may end a call while its question waits. */
    readonly givesUp?: true
  }
  /** What the root may use with all below it. Each attempt of a model call uses `attemptTokens`, whatever comes of it. */
  readonly budget?: BudgetLimits
  /** The operations of the code that decides for the root; absent: its model alone decides. */
  readonly code?: readonly CodeOp[]
  /** It writes a line before each of them. */
  readonly logs?: true
  readonly gateway: readonly GatewayOp[]
  readonly faults: Faults
  /** Faults of all kinds together. */
  readonly total: number
}

/** Set aside before an attempt begins, and used by it. */
export const attemptTokens = 10

const limits = { maxToolCalls: 10 }
export const born: Scenario['born'] = {
  agent: 'agent',
  digest: 'd',
  model: 'scripted/x',
  pools: { executor: 'default', tools: 'default' },
  limits,
  tools: { safe: 'safe', never: 'never', keep: 'safe' },
}

/** What an agent's definition declares of its mind, as events of its first frame. */
export function mindOf({ minds }: Scenario, agent: string): readonly SessionEvent[] {
  const { skills, memory, planning, context } = minds?.[agent] ?? {}
  return [
    ...(skills ? [{ type: 'skills.declared' as const, data: skills }] : []),
    ...(memory ? [{ type: 'memory.declared' as const, data: memory }] : []),
    ...(planning ? [{ type: 'planning.declared' as const, data: planning }] : []),
    ...(context ? [{ type: 'context.declared' as const, data: context }] : []),
  ]
}
