// What a slice is made of. A slice is one idea of a session (a turn, a tool call, a cancel): a folder that holds what its events mean,
// what is due about it, what covers it, and its tests. Here are the forms of what it adds; slices.ts puts the slices together.
import type { Address, EventOf, EventType, Role, SessionEvent, ToolSpec } from '@reins/contracts'
import type { Born, Call, CallState, Session, Turn } from './session.ts'

/** Where an event stands: who said it (by the subject), in which frame, when. A frame is one. */
export interface Origin {
  readonly role: Role
  readonly n: number
  /** The sequence that it was appended on. Absent: it is not known. */
  readonly prev?: number
  readonly at: number
  readonly by: string
  readonly trace?: string | undefined
  /** Of the frame that it stands in; absent: it is in none yet. */
  readonly seq?: number
}

/** What one type of event means. */
export interface Meaning<E extends SessionEvent> {
  /** Total (S1): what does not fit gives the very same state. */
  evolve(session: Session, event: E, origin: Origin): Session
  /** Its writer has folded what is below it: an event that changes nothing is an error of its writer (K3 of check-log.ts). */
  readonly effective?: true
  /** It begins something: never under a cancel, nor in a session that is not open. */
  readonly begins?: true
}
export type Meanings<T extends EventType> = { readonly [K in T]: Meaning<EventOf<K>> }

/** What a process does once the frame that announces it is in. */
export interface Effect {
  /** A model call of the turn; a summary, by which the context is compacted; or a replay of the code that decides for the session. */
  readonly kind: 'call-model' | 'compact' | 'replay-run'
  readonly call: string
  readonly attempt: number
}

export interface EffectKind {
  /** Whether the session still has it open at this attempt. */
  isOpen(session: Session, effect: Omit<Effect, 'kind'>): boolean
  /** Whether it is open, and this instance's own. */
  isOwn(session: Session, effect: Omit<Effect, 'kind'>, instance: string): boolean
}

/** What must happen next: the events that say so, and who must act on them. */
export interface Due {
  readonly events: readonly SessionEvent[]
  readonly to: Address
  readonly effect?: Effect
  /** Only the holder of an exec trigger may append it: it begins something that has to be gone on with (D4 of plan.ts). */
  readonly needsTrigger?: true
}

/**
 * `rest`: nothing is due, and no later rule is asked. null: this rule has nothing to say. `n`: the number of the frame to come; `at`:
 * its time, epoch ms, for timers that it arms. What is due does not depend on either (S4 of session.ts).
 */
export type DueRule = (session: Session, n: number, at: number) => Due | 'rest' | null

/** What is going to wake a session. */
export type Cover =
  /** Nothing is open. */
  | { readonly kind: 'rest' }
  | { readonly kind: 'person'; readonly why: string }
  /** An exec trigger that is not acked. */
  | { readonly kind: 'exec-trigger'; readonly why: string }
  | { readonly kind: 'timer'; readonly timer: string }
  /** A tool trigger that is not acked, of a frame that asked for the call. */
  | { readonly kind: 'runner'; readonly call: string }
  | { readonly kind: 'child'; readonly call: string; readonly child: string }

/** Of a session about which nothing is due. null: this rule has nothing to say. */
export type CoverRule = (session: Session) => readonly Cover[] | null

/** Where a call of an answer goes that nobody was asked for yet. */
export type CallRoute =
  /** The session answers it by itself. */
  | {
      readonly kind: 'settled'
      readonly status: 'ok' | 'error'
      readonly output: string
      readonly code?: string
      /** What it changes in the session: said before its outcome. Calls after it are routed by what they find then. */
      readonly events?: readonly SessionEvent[]
    }
  /** It has a frame of its own. */
  | { readonly kind: 'frame'; readonly due: Due }
  /** Something has to be in the log first: then it is asked again where the call goes. */
  | { readonly kind: 'recorded'; readonly events: readonly SessionEvent[] }
  /** Calls before it in the same answer have to end first. */
  | { readonly kind: 'waits' }
  /** It is asked of the tool-runners, with all others that go there. */
  | { readonly kind: 'runners' }

/** null: this rule does not know the call. `at`: of the frame to come. */
export type RouteRule = (
  call: Call,
  turn: Turn,
  session: Session & { readonly born: Born },
  at: number,
) => CallRoute | null

/** What a session gives its own model, beside the tools of its definition and of its servers. */
export interface Offer {
  /** Calls of them are answered by the session, or go where a route of the same slice says. */
  readonly tools?: readonly ToolSpec[]
  /** A part of the system prompt. It follows from what was pinned at the start alone, so that the prompt keeps its bytes. */
  readonly section?: string
  /** One line that follows the newest message: what the model should know now. It stands in no transcript. */
  readonly notice?: string
}

/** null: this slice has nothing to give. */
export type OfferRule = (session: Session & { readonly born: Born }) => Offer | null

/** What a state of a call brings with it. */
export interface CallStateKind<S extends CallState> {
  /** What is going to wake the session; empty: nothing has to. */
  cover(call: string, state: S): readonly Cover[]
  /** Its outcome where its turn is cancelled; empty: it has one. */
  cancelled(call: string, state: S): readonly SessionEvent[]
  /** A frame that a cancel sends before that outcome. */
  beforeCancelled?(call: string, state: S): Due | null
}
export type CallStateKinds<K extends CallState['kind']> = {
  readonly [T in K]: CallStateKind<Extract<CallState, { kind: T }>>
}

/** What a timer that has fired changes besides being closed: the session itself where nothing waits for it. */
export type TimerRule = (session: Session, timer: string) => Session
