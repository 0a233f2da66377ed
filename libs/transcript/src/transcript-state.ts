// What a transcript is made of: the pieces that are shown, and what is kept between them.
import type { ApiDelta, ElicitationMode, PlanStep, UserContent } from '@reins/contracts'

/** Whose call or question it is, where it is of an agent below the session of the chat. */
export interface Asker {
  readonly session: string
  /** The agents from the session of the chat down. */
  readonly path: readonly string[]
}

export type ToolOutcome = 'ok' | 'error' | 'unknown' | 'cancelled'

/** Lets a paused session, or one in quarantine, go on; undoes a summary. */
export type ControlHint = 'resume' | 'release' | 'restore'

/** Something to show, in the order in which it stands on the screen. */
export type Piece =
  | { readonly kind: 'started'; readonly agent: string; readonly model: string }
  /** `message`: its id. */
  | { readonly kind: 'message'; readonly message: string; readonly text: string; readonly note?: string }
  | { readonly kind: 'text' | 'reasoning'; readonly text: string }
  | { readonly kind: 'answer-ended' }
  | { readonly kind: 'restarted' }
  /** No executor has a slot for the model call: it waits behind so many others. */
  /** `throttled`: why its provider is asked for nothing now. */
  | { readonly kind: 'queued'; readonly ahead: number; readonly throttled?: string }
  /** A tool call has shown nothing for a while; it goes on. */
  | { readonly kind: 'slow'; readonly name: string }
  | {
      readonly kind: 'tool'
      readonly call: string
      readonly name: string
      readonly input: Readonly<Record<string, unknown>>
      readonly outcome: ToolOutcome
      readonly ms?: number
      readonly output: string
      /** Names the whole output, where `output` is a part of it. */
      readonly ref?: string
      /** Of a delegation: what its agents used, and what stands under it. */
      readonly note?: string
      readonly below?: readonly string[]
    }
  /** A plan of which nothing is open any more. */
  | { readonly kind: 'plan'; readonly steps: readonly PlanStep[] }
  | {
      readonly kind: 'notice'
      readonly level: 'info' | 'warning' | 'error'
      readonly text: string
      /** What a person can do about it: each view says how, in its own way. */
      readonly control?: ControlHint
    }
  | {
      readonly kind: 'turn-ended'
      readonly turn: string
      readonly status: 'completed' | 'failed' | 'cancelled'
      readonly ms: number
      readonly inputTokens: number
      readonly outputTokens: number
      /** US dollars; absent: it cost nothing, or nobody knows. */
      readonly usd?: number
    }

export interface RunningTool {
  readonly call: string
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
  readonly since: number
  readonly attempt: number
  /** The end of its live output, of which `seen` characters have come. */
  readonly tail: string
  readonly seen: number
  /** Of a delegation: the session that answers it. */
  readonly below?: string
}

/** A call that waits for a person. */
export interface PendingApproval {
  /** Absent: of the session itself. */
  readonly of?: Asker
  readonly call: string
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly digest: string
  readonly reason: string
  readonly must: boolean
  readonly quorum: number
  readonly votes: readonly string[]
  readonly target?: string
  /** epoch ms */
  readonly expiresAt?: number
}

/** What a server asks a person in the middle of a call, or before it. */
export interface PendingQuestion {
  /** Absent: of the session itself. */
  readonly of?: Asker
  readonly call: string
  readonly attempt: number
  readonly elicitation: string
  readonly server: string
  readonly mode: ElicitationMode
  readonly message: string
  readonly url?: string
  readonly schema?: Readonly<Record<string, unknown>>
  /** The page has to be opened before anything runs. */
  readonly first: boolean
  /** `opened`: the call waits until the server, or a person, says that the page is done. `done`: the server has said it. */
  readonly page: 'waiting' | 'opened' | 'done'
  /** epoch ms; absent: nothing ends the waiting. */
  readonly expiresAt?: number
}

export interface Answer {
  readonly call: string
  readonly attempt: number
  /** Block index → the text that was given out (for arguments: received). */
  readonly blocks: ReadonlyMap<
    number,
    { readonly kind: ApiDelta['data']['kind']; readonly text: string; readonly tool?: string }
  >
}

export interface Waiting {
  readonly message: string
  readonly text: string
}

export type SessionPhase = 'idle' | 'running' | 'paused' | 'quarantined' | 'ended'

export interface Transcript {
  readonly agent?: string
  readonly phase: SessionPhase
  readonly turn?: { readonly id: string; readonly since: number; readonly messages: readonly string[] }
  readonly answer?: Answer
  readonly tools: readonly RunningTool[]
  /** In the order in which they were asked for. */
  readonly approvals: readonly PendingApproval[]
  /** The same. */
  readonly questions: readonly PendingQuestion[]
  /** Steps of the plan, as they are now; absent: there is none. */
  readonly plan?: readonly PlanStep[]
  /** Calls of the tool `task` in the latest answer: they are delegations by another name. */
  readonly tasks?: readonly string[]
  /** The text of the latest answer; absent: what decides for the session has spoken since. */
  readonly said?: string
  /** Accepted, and not yet part of a turn. */
  readonly waiting: readonly Waiting[]
  /** What was said last of MCP servers that are not there. */
  readonly unavailable?: readonly string[]
  /** Since when the model is silent on purpose, and until when. */
  readonly throttledUntil?: number
  /** The model call that was completed last: its deltas may come late. */
  readonly done?: string
  /** The last event that was taken in: repeats are known by it. */
  readonly n: number
  readonly i: number
}

export const newTranscript: Transcript = {
  phase: 'idle',
  tools: [],
  approvals: [],
  questions: [],
  waiting: [],
  n: 0,
  i: -1,
}

export interface TranscriptChange {
  readonly transcript: Transcript
  readonly pieces: readonly Piece[]
}

export const textOf = (content: UserContent): string => content.map((part) => part.text).join('\n')

/** Whether a person has seen something of it. */
export const hasShown = (answer: Answer): boolean =>
  [...answer.blocks.values()].some((block) => block.kind !== 'arguments')
