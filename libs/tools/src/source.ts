// Where tools come from. The port between those who offer tools to a model and run its calls, and what provides them: the built-in
// tools today; servers, code of users, memory, plans, skills and other agents as further adapters.
//   S1. `list` says all that a model, a decision and a runner need to know of a tool; nobody else knows a tool by its name.
//   S2. A definition that asks for what a source cannot give is a problem with its place, never a shorter list.
//   S3. `run` may throw: toolset.ts makes an outcome of that.
import type {
  AgentDefinition,
  ReplayClass,
  ToolApproval,
  ToolApprovalRule,
  ToolRisk,
  ToolTarget,
} from '@reins/contracts'
import type { KeepOutput, Mask, ReadKept } from './calls/context.ts'
import type { AskPerson } from './calls/people.ts'
import type { NamedValues } from './calls/named-values.ts'
import type { ToolOutcome } from './calls/outcome.ts'
import type { ToolsProblem } from './resolve.ts'
import type { VirtualEntry } from './virtual/files.ts'

/** How the time of a call is kept; it belongs to the tool. */
export interface TimePolicy {
  /** `runner`: the call is stopped at `ms`. `tool`: the tool ends itself then, since it has something to tell. */
  readonly keptBy: 'runner' | 'tool'
  /** What is to be done when it is over, for whoever reads the error. */
  readonly hint?: string
  readonly ms: number
  /** A call that shows nothing for so long is told to be slow; it goes on. Absent: `ms` / 2, and 10 s at most. */
  readonly softMs?: number
  /** After so much more nobody waits for it any longer: what it did is not known then. */
  readonly graceMs: number
}

export interface ToolSpec {
  /** Unlike any other of the same definition. */
  readonly name: string
  readonly description: string
  /** JSON Schema (2020-12) of an object. The arguments of a call are checked against it before its source sees them. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** JSON Schema of the JSON that it answers with, where it says so. */
  readonly outputSchema?: Readonly<Record<string, unknown>>
  /** Whether a call that was cut off may run again: `never` ends as outcome-unknown instead. */
  readonly replay: ReplayClass
  readonly risk: ToolRisk
  readonly time: TimePolicy
  /** Characters of its result that the model is shown; what is longer is kept whole by reference. Absent: 100,000. */
  readonly maxChars?: number
  /** Absent: nobody is asked, as far as the tool says. */
  readonly approval?: Exclude<ToolApproval, 'auto'>
  /** It decides by the arguments of each call: its source is asked (`approval`) before one begins. */
  readonly looks?: true
  readonly target?: ToolTarget
  /** What the definition says about approving its calls. */
  readonly rule?: ToolApprovalRule
}

export type ToolListing =
  | { readonly kind: 'listed'; readonly tools: readonly ToolSpec[] }
  | { readonly kind: 'problems'; readonly problems: readonly ToolsProblem[] }

export interface ListContext {
  readonly signal: AbortSignal
}

export interface ToolCall {
  readonly name: string
  readonly arguments: unknown
  /** The session's, pinned: what a source needs of it is read from it. */
  readonly definition: AgentDefinition
}

/** With the secrets and configs that the call's definition names. */
export interface CallContext extends NamedValues {
  readonly signal: AbortSignal
  /** Whose call it is. */
  readonly session: string
  /** Who started the session, where its start said so. */
  readonly principal?: string
  /** People have approved this very call. */
  readonly approved?: boolean
  /** The same for each attempt of one call. */
  readonly idempotencyKey: string
  /** The call's span (W3C traceparent), for what the tool asks of others. */
  readonly traceparent?: string
  /** Output as it comes, for people who watch; not kept. */
  readonly progress: (text: string) => void
  readonly keep: KeepOutput
  /** Absent: nothing is masked. */
  readonly mask?: Mask
  /** The call has shown nothing for so many ms, which is longer than its tool usually takes; undefined: it shows something again, or ends. */
  readonly slow?: (silentMs: number | undefined) => void
  /** Asks a person in the middle of the call; its time stands still meanwhile. Absent: nobody can be asked. */
  readonly elicit?: AskPerson
  /** Absent: nothing can be read back. */
  readonly kept?: ReadKept
  /** The files of the session's sandbox in memory, as this call begins with them. Absent: it has none yet. */
  readonly files?: () => Promise<readonly VirtualEntry[]>
}

/** What a definition says of tools. */
export type AskedTools = Pick<
  AgentDefinition,
  'name' | 'tools' | 'tools_file' | 'mcp_servers' | 'long_term_memory' | 'skills_dir'
>

/** A source as far as it can be asked what there is: enough to put a definition, to start a session, to ask a model. */
export interface ToolCatalog {
  /** In the log and in metrics: `builtin`. */
  readonly name: string
  /** The tools that this definition asks of this source. */
  list(definition: AskedTools, context: ListContext): ToolListing | Promise<ToolListing>
}

export interface ToolSource extends ToolCatalog {
  run(call: ToolCall, context: CallContext): Promise<ToolOutcome>
  /** What a tool says that decides by a call's arguments whether a person is asked. Absent: none of this source does. Never rejects. */
  approval?(call: ToolCall, context: Pick<CallContext, 'signal' | 'session' | 'idempotencyKey'>): Promise<AskedApproval>
}

/** `must`: no standing word of a person counts. `reason`: for the person, where there is more to say. */
export interface AskedApproval {
  readonly approval: 'auto' | 'ask' | 'must'
  readonly reason?: string
}
