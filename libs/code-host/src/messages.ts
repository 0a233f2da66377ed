// What a runner and a host say to each other. Types only.
//   M1. A host's word is the word of the code that runs in it: whoever reads it checks it, and takes it for that bundle alone.
//   M2. What is run, and what is asked for upwards, has an open kind: another kind of code is another word, not another protocol.
import type { RunRequest } from '@reins/contracts'

/** A call's surroundings, as `context` gives them. */
export interface CallFacts {
  readonly idempotencyKey: string
  /** W3C traceparent. */
  readonly traceparent?: string
  readonly session: string
  readonly agent: string
  /** Of a tool of a project: whose it is. */
  readonly instance?: AgentInstance
  /** Of a tool that a run gave: which, and with which of its operations. Its host asks for the run (`run`), a RunInput. */
  readonly given?: GivenPlace
}

/** An operation of a run that gave tools, and the names of profiles, from the outermost, where they are those of a subagent. */
export interface GivenPlace {
  readonly run: string
  readonly position: number
  readonly path?: readonly string[]
}

/** An instance of an agent of a project, or a subagent of it. */
export interface AgentInstance {
  readonly agent: string
  readonly id: string
  /** In a workflow: what that was given. */
  readonly payload?: unknown
  /** Names of profiles, from the outermost. */
  readonly path?: readonly string[]
  /** Of what the initializer gave, where that may differ from message to message: its tools are those of this one. */
  readonly version?: string
}

export type ToHost =
  /** The first word. */
  | {
      readonly kind: 'start'
      /** The host's own modules by their path: nothing of it lies where the host could read it. */
      readonly modules: Readonly<Record<string, string>>
      readonly bundle: { readonly file: string; readonly text: string }
      readonly limits: HostLimits
    }
  | {
      readonly kind: 'run'
      readonly id: number
      /**
       * `tool`: a call of the tool `name`. `approval`: what its function says of these arguments. `run`: a replay of the workflow.
       * `configure`: the initializer of the agent `name`, for an AgentInstance without its agent, and its `env`; its value is a
       * configuration.
       * `fetch`: a request to the app of a project, as FetchInput; its body and its answer go by requests (see FetchHead).
       */
      readonly what: string
      readonly name: string
      readonly input: unknown
      readonly facts: CallFacts
    }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'ping'; readonly id: number }
  | {
      readonly kind: 'answer'
      readonly request: number
      readonly answer:
        | { readonly kind: 'ok'; readonly value: unknown }
        | { readonly kind: 'refused'; readonly message: string }
    }

/** Of one call: characters. */
export interface HostLimits {
  /** A host that is there to say what a bundle is: initializers are called once. */
  readonly probes?: boolean
  readonly resultChars: number
  readonly progressChars: number
  readonly logChars: number
  readonly printedChars: number
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What an export of a bundle is. Its facts are not checked yet (M1). */
export type FoundExport =
  | { readonly kind: 'tool'; readonly export: string; readonly facts: unknown }
  /** Code that decides for sessions. */
  | { readonly kind: 'workflow'; readonly export: string; readonly facts: unknown }
  /** The entry of a project, whose facts are its manifest. */
  | { readonly kind: 'project'; readonly export: string; readonly facts: unknown }
  | { readonly kind: 'problem'; readonly export?: string; readonly message: string }

export type FromHost =
  /** The bundle is loaded, or cannot be. */
  | { readonly kind: 'loaded'; readonly found: readonly FoundExport[] }
  | { readonly kind: 'not-loaded'; readonly message: string }
  /** The code of a call begins now: before this word nothing of it ran. */
  | { readonly kind: 'began'; readonly id: number }
  | { readonly kind: 'progress'; readonly id: number; readonly text: string }
  | {
      readonly kind: 'log'
      readonly id?: number
      readonly level: LogLevel
      readonly message: string
      readonly attributes?: unknown
    }
  | {
      readonly kind: 'request'
      readonly id: number
      readonly request: number
      readonly what: string
      readonly value: unknown
    }
  | { readonly kind: 'done'; readonly id: number; readonly end: CallEnd }
  | { readonly kind: 'pong'; readonly id: number }

export type CallEnd =
  /** `content`: blocks, where the result is more than a value. */
  | { readonly kind: 'value'; readonly value?: unknown; readonly content?: readonly unknown[] }
  | {
      readonly kind: 'error'
      readonly code: 'failed' | 'invalid-arguments' | 'too-large'
      readonly message: string
      /** The call's code may still run: the host is of no further use. */
      readonly goesOn?: true
    }

/** What a replay of a workflow is given: all that is recorded of it, by position. */
export interface RunInput {
  readonly agent: string
  readonly session: string
  /** Absent: it is a chat. */
  readonly workflow?: {
    readonly name: string
    readonly payload?: unknown
    /** What the project declares, as it is now. */
    readonly env?: Readonly<Record<string, string>>
    /** The names of those that are secrets. */
    readonly secrets?: readonly string[]
    /** Absent: no HTTP request began the run. */
    readonly request?: RunRequest
  }
  readonly history: readonly RunHistory[]
  /** Lines of the log that the code has written outside of steps, as far as they are recorded. */
  readonly lines: number
  readonly limits: {
    readonly valueChars: number
    readonly stepMs: number
    readonly mostStepMs: number
    readonly sleepMs: number
    readonly logLines: number
    readonly logChars: number
  }
}

export interface RunHistory {
  readonly operation:
    | 'step'
    | 'call'
    | 'sleep'
    | 'pause'
    | 'now'
    | 'random'
    | 'uuid'
    | 'config'
    | 'init'
    | 'prompt'
    | 'wait'
  readonly name: string
  /** Absent: it is open. */
  readonly result?: RunResult
  readonly order?: number
}

interface RunFault {
  readonly code: string
  readonly message: string
  readonly name?: string
  readonly where?: string
}

export type RunResult =
  | { readonly kind: 'value'; readonly value?: unknown }
  | { readonly kind: 'error'; readonly error: RunFault }

interface Named {
  readonly operation: string
  readonly name: string
}

/** What a replay comes to: the value of its call. */
export type RunEnd =
  | { readonly kind: 'suspended' }
  | { readonly kind: 'completed'; readonly output?: unknown }
  | { readonly kind: 'failed'; readonly error: RunFault }
  | { readonly kind: 'diverged'; readonly position: number; readonly recorded: Named; readonly found: Named }

/** A request over HTTP that the app of a project answers. */
export interface FetchInput {
  readonly method: string
  /** With the path that the app sees. */
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  /** Whether a body follows, asked for by `body`. */
  readonly body: boolean
  /** What the project declares. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * What the host of a `fetch` asks for. `body`: the next piece of the request's body, as base64; null: there is no more. `head`: the answer
 * begins, as `FetchHead`. `chunk`: a piece of its body, as base64; answered when it was taken. `serve`, `read`, `run-owner`, `dispatch`:
 * see the gateway (doors/apps).
 */
export interface FetchHead {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  /** The body is the gateway's own, of this number. */
  readonly passed?: number
  /** Pieces follow. */
  readonly body: boolean
}
