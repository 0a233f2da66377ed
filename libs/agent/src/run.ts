// What a workflow of a project is written with: `export async function run(ctx: WorkflowRunContext) { … }` in workflows/<name>.ts.
import type { Json, ToolLog } from './context.ts'
import type { AgentProfile, ThinkingLevel } from './authoring/runtime-config.ts'
import type { JsonSchema } from './json-schema.ts'
import type { StandardOutput, StandardSchema } from './standard-schema.ts'
import type { Tool } from './tool.ts'
import type { StepContext, StepOptions, ToolAnswer } from './workflow.ts'

export interface RunStepOptions extends StepOptions {
  /** How often it is tried again when it failed. Default 0, at most 100. */
  readonly retries?: number
  /** The first wait between two tries: milliseconds, or a text such as `5s`; doubled each time, to an hour. Default 1 s. */
  readonly backoff?: number | string
}

/** TypeBox and JSON Schema, or a schema of Zod, Valibot and others. */
export type ResultSchema = JsonSchema | StandardSchema

export interface PromptUsage {
  readonly inputTokens: number
  readonly outputTokens: number
}

export interface PromptText {
  readonly text: string
  readonly usage: PromptUsage
  readonly model: string
}

export interface PromptData<T> {
  readonly data: T
  readonly usage: PromptUsage
  readonly model: string
}

/** TypeBox carries its type under `static`. */
type ResultOf<S> = S extends StandardSchema ? StandardOutput<S> : S extends { readonly static: infer T } ? T : unknown

interface Stoppable {
  /** Looked at before anything is sent. */
  readonly signal?: AbortSignal
}

/** Of at most 3,932,160 bytes; image/png, image/jpeg, image/gif or image/webp. */
export interface PromptImage {
  readonly type: 'image'
  /** base64 */
  readonly data: string
  readonly mimeType: string
}

interface Prompting extends Stoppable {
  /**
   * Offered to the model with this prompt, beside those of the agent. Their functions may use what the code of the run has by then; what they
   * change of it is not seen by the run, which is replayed: give it back as the result of the prompt.
   */
  readonly tools?: readonly Tool[]
  /** Shown to the model with this prompt: 20 at most, of 6 MiB together. */
  readonly images?: readonly PromptImage[]
  /** provider/model, for this prompt. */
  readonly model?: string
  /** For this prompt. */
  readonly thinkingLevel?: ThinkingLevel
}

export interface ShellOptions extends Stoppable {
  /** Relative to the folder of the agent. */
  readonly cwd?: string
  /** Is recorded with the command. */
  readonly env?: Readonly<Record<string, string>>
  /** After it the command is ended, and its `exitCode` is 124. The agent's tool `shell` has a limit of its own. */
  readonly timeoutMs?: number
}

export interface FileStat {
  readonly isFile: boolean
  readonly isDirectory: boolean
  readonly isSymbolicLink: boolean
  /** bytes */
  readonly size: number
  readonly mtime: Date
}

/** The files where the agent's tool `shell` works; each call is a command of it, and is recorded. */
export interface RunFiles {
  readFile(path: string): Promise<string>
  readFileBuffer(path: string): Promise<Uint8Array>
  /** Makes the folders on the way. At most 80,000 bytes. */
  writeFile(path: string, content: string | Uint8Array): Promise<void>
  stat(path: string): Promise<FileStat>
  readdir(path?: string): Promise<string[]>
  exists(path: string): Promise<boolean>
  mkdir(path: string, options?: { readonly recursive?: boolean }): Promise<void>
  rm(path: string, options?: { readonly recursive?: boolean; readonly force?: boolean }): Promise<void>
}

export interface ShellResult {
  readonly stdout: string
  readonly stderr: string
  /** 124: the command took too long, and was ended. */
  readonly exitCode: number
}

export interface RunSession {
  readonly name: string
  prompt<S extends ResultSchema>(
    text: string,
    options: Prompting & { readonly result: S },
  ): Promise<PromptData<ResultOf<S>>>
  prompt(text: string, options?: Prompting): Promise<PromptText>
  /** Asks for a skill of the agent, by its name or as it was imported. */
  skill<S extends ResultSchema>(
    skill: string | { readonly name: string },
    options: Prompting & { readonly args?: unknown; readonly result: S },
  ): Promise<PromptData<ResultOf<S>>>
  skill(
    skill: string | { readonly name: string },
    options?: Prompting & { readonly args?: unknown },
  ): Promise<PromptText>
  /** Calls a tool of the agent, with its approvals; no model is asked, and none is told of it. */
  tool(name: string, args?: Readonly<Record<string, unknown>>): Promise<ToolAnswer>
  /**
   * Runs a command by the agent's tool `shell`, with its approvals. Throws where the command is not
   * run to its end, and not for what it exits with.
   */
  shell(command: string, options?: ShellOptions): Promise<ShellResult>
  readonly fs: RunFiles
  /** Forgets it: of its name there is a new session then. What was said stays in the log. */
  delete(): Promise<void>
  /** Compacts what the session's model is sent. Nothing happens where there is nothing to leave out. */
  compact(): Promise<{ readonly compacted: boolean }>
  /** A prompt in a session of its own. */
  task<S extends ResultSchema>(
    text: string,
    options: Prompting & { readonly result: S },
  ): Promise<PromptData<ResultOf<S>>>
  task(text: string, options?: Prompting): Promise<PromptText>
}

export interface RunHarness {
  readonly name: string
  /** Default: `default`. One operation at a time; parallel work takes several sessions. */
  session(name?: string): Promise<RunSession>
  readonly sessions: {
    /** Rejects with a SessionNotFoundError where the code has not named it yet. */
    get(name?: string): Promise<RunSession>
    /** Rejects with a SessionAlreadyExistsError. */
    create(name?: string): Promise<RunSession>
    /** Rejects with a SessionBusyError while it is at work. */
    delete(name?: string): Promise<void>
  }
  /** In the session `default`, when that has nothing else to do. */
  shell(command: string, options?: ShellOptions): Promise<ShellResult>
  /** Of the session `default`. */
  readonly fs: RunFiles
}

/** What is given stands beside what the agent has itself; names that are there twice fail the run. */
export interface InitOptions extends Pick<AgentProfile, 'tools' | 'skills' | 'subagents'> {
  /** Of the harness. Default: `default`. */
  readonly name?: string
}

/**
 * What the code is given. It runs from its beginning whenever there is news, and each operation gives what is recorded: so take time,
 * randomness and all that comes from outside by these functions.
 */
export interface WorkflowRunContext<Payload = Json> {
  /** Of the run: `run_…`. */
  readonly id: string
  readonly payload: Payload
  /**
   * The HTTP request that began the run by the workflow's route, else undefined. No log keeps it: read it inside of step(), and give back what
   * the run needs of it. When the gateway that took it has ended, it is undefined in a step, and using it elsewhere throws (`request-gone`).
   */
  readonly req: Request | undefined
  /** The values that the project declares in reins.config.ts, as they are now: they may differ from one replay to the next. */
  readonly env: Readonly<Record<string, string>>
  readonly log: ToolLog
  /** An agent, by its name or as its module exports it. Each name of a harness once. */
  init(agent: unknown, options?: InitOptions): Promise<RunHarness>
  /** Runs a function once, and records what it returns: any JSON. */
  step<T>(name: string, run: (step: StepContext) => T | Promise<T>, options?: RunStepOptions): Promise<T>
  /** Milliseconds, or a text such as `90s`, `5m`, `2h`, `1d`. Nothing is held in memory meanwhile. */
  sleep(duration: number | string): Promise<void>
  /** Waits for input. `output`: what whoever gives it is shown. */
  pause<T = Json>(output?: unknown): Promise<T>
  pause<T = Json>(name: string, output: unknown): Promise<T>
  /** Waits for an event from outside, and gives its value. One that came before is taken. */
  waitFor<T = Json>(event: string): Promise<T>
  /** The value of a config; null: there is none. */
  getConfig(name: string): Promise<Json>
  /** epoch ms */
  now(): number
  random(): number
  uuid(): string
}

/** The same, by the name that it has in Flue. */
export type FlueContext<Payload = Json> = WorkflowRunContext<Payload>
