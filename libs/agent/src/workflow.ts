// What a file that decides for sessions is written with: `export default async function agent_chat(ctx) { … }`, named by `workflow_file`.
import type { Json, ToolLog } from './context.ts'

/** What the agent says to the person: the session waits for the next message. */
export class ChatResponseOutput {
  readonly type = 'chat_response'
  readonly content: string | null
  readonly turn: number

  constructor({ content, turn }: { readonly content: string | null; readonly turn: number }) {
    this.content = content
    this.turn = turn
  }
}

/** The session ends. */
export class SessionEndOutput {
  readonly type = 'session_end'
  readonly reason: 'max_turns' | 'user_exit' | 'error'
  readonly turns: number

  constructor({ reason, turns }: { readonly reason: SessionEndOutput['reason']; readonly turns: number }) {
    this.reason = reason
    this.turns = turns
  }
}

/** A person is to open a page; the session waits for what the person did. */
export class ElicitationOutput {
  readonly type = 'elicitation'
  readonly mode = 'url'
  readonly elicitation_id: string
  /** http or https. */
  readonly url: string
  readonly message: string
  /** Who asks. */
  readonly server_name: string
  /** Seconds that the question waits; then the code goes on with `cancel`. Default: a day. */
  readonly expires_in?: number

  constructor(asked: Pick<ElicitationOutput, 'elicitation_id' | 'url' | 'message' | 'server_name' | 'expires_in'>) {
    this.elicitation_id = asked.elicitation_id
    this.url = asked.url
    this.message = asked.message
    this.server_name = asked.server_name
    if (asked.expires_in !== undefined) this.expires_in = asked.expires_in
  }
}

type Plain<T> = Omit<T, 'type' | 'mode'> & { readonly type?: string; readonly mode?: string }

export interface MessageInput {
  readonly message: string
}

export interface ElicitationInput {
  readonly elicitation_response: {
    readonly elicitation_id: string
    readonly action: 'accept' | 'decline' | 'cancel'
    readonly content?: Readonly<Record<string, unknown>>
    /** Nobody answered in time; `action` is then `cancel`. */
    readonly expired?: true
  }
}

/** What a turn of the agent came to. A turn that failed or was cancelled is a value too: `content` is then what it had, or empty. */
export interface AgentAnswer {
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly content: string
  /** Turns that the session has ended so far. */
  readonly turn: number
  /** The value of the answer, where it had to fit the agent's `output_schema`. */
  readonly result?: Json
  readonly error?: { readonly code: string; readonly message: string }
  readonly reason?: string
}

/** What a call of a tool came to. One that failed is a value too. */
export interface ToolAnswer {
  /** `unknown`: it was cut off, and may or may not have taken effect. */
  readonly status: 'completed' | 'failed' | 'unknown' | 'cancelled'
  /** The result as a model would read it, or what went wrong. */
  readonly output: string
}

export interface StepOptions {
  /** `safe`: it may run again after a crash. `never`, the default: after a crash its outcome is unknown, and an error says so. */
  readonly replay?: 'safe' | 'never'
  /** Seconds. Default 300, at most 86400. */
  readonly timeout?: number
}

export interface StepContext {
  /** Aborts when the step is cancelled or its time is over. */
  readonly signal: AbortSignal
  readonly attempt: number
  /** The same for each attempt. */
  readonly idempotencyKey: string
}

/** An operation that did not end well: what `await ctx.step(…)` and others throw. */
export interface OperationError extends Error {
  /** `failed`, `timeout`, `cancelled`, `outcome-unknown`, or the code of the error that was thrown. */
  readonly code: string
}

/**
 * What the code is given. It runs from its beginning whenever there is news, and each operation gives what is recorded: so take time,
 * randomness and all that comes from outside by these functions.
 */
export interface WorkflowContext {
  readonly input: { readonly agent: string }
  readonly session: { readonly id: string }
  readonly log: ToolLog
  /** Says something, and waits for what comes back. */
  pause(output: ElicitationOutput): Promise<ElicitationInput>
  pause(output: ChatResponseOutput | Plain<ChatResponseOutput>): Promise<MessageInput>
  pause(output: SessionEndOutput | Plain<SessionEndOutput>): Promise<never>
  pause(name: string, output: ElicitationOutput): Promise<ElicitationInput>
  pause(name: string, output: ChatResponseOutput | Plain<ChatResponseOutput>): Promise<MessageInput>
  pause(name: string, output: SessionEndOutput | Plain<SessionEndOutput>): Promise<never>
  /** A turn of the agent: its model, with its tools. */
  agent(message: string): Promise<AgentAnswer>
  /** Calls a tool of the agent, with its approvals; no model is asked, and none is told of it. */
  tool(name: string, args?: Readonly<Record<string, unknown>>): Promise<ToolAnswer>
  /** Runs a function once, and records what it returns: any JSON. */
  step<T>(name: string, run: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<T>
  /** Milliseconds, or a text such as `90s`, `5m`, `2h`, `1d`. Nothing is held in memory meanwhile. */
  sleep(duration: number | string): Promise<void>
  /** The value of a config; null: there is none. `agent:<name>` gives the agent's own definition. */
  getConfig(name: string): Promise<Json>
  get_config(name: string): Promise<Json>
  /** epoch ms */
  now(): number
  random(): number
  uuid(): string
}

export type Workflow = (ctx: WorkflowContext) => unknown
