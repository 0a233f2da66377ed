// A tool as people write it: a frozen value that says what a model is told, and holds the function that runs.
//   T1. Made only by defineTool. It is known by a registered symbol, so that it is one over two copies of this package, as when a bundle
//       has its own; what stands below the symbol says the version of this form.
//   T2. defineTool refuses nothing: whoever loads the file checks all its tools, and names file and export of each mistake at once.
import type { Static, TSchema } from 'typebox'
import type { ContentBlock, ToolContent } from './content.ts'
import type { ToolContext } from './context.ts'
import { describe, type ToolDescription } from './describe.ts'
import type { JsonSchema } from './json-schema.ts'
import { type CheckedArguments, checkArguments } from './parameters.ts'
import type { StandardOutput, StandardSchema } from './standard-schema.ts'

/** What a call can do at worst: read, write files or data, run programs, act on other systems. */
export type Risk = 'read' | 'write' | 'exec' | 'external'

/** Whether a call that a crash cut off may run again (`safe`), or ends as unknown (`never`). */
export type Replay = 'safe' | 'never'

/** `auto`: nobody is asked. `ask`: a person is asked, unless the agent runs without asking. `must`: never without a person. */
export type Approval = 'auto' | 'ask' | 'must'

/** A TypeBox schema, plain JSON Schema of an object, or a schema of any library that follows Standard Schema. */
export type ToolParameters = TSchema | JsonSchema | StandardSchema

/** The type of the arguments that `execute` gets. */
export type Arguments<Parameters> = Parameters extends StandardSchema
  ? StandardOutput<Parameters>
  : Parameters extends TSchema
    ? Static<Parameters>
    : Record<string, unknown>

export interface ToolOptions<
  Parameters extends ToolParameters = ToolParameters,
  Secret extends string = string,
  Config extends string = string,
> {
  /** What the model calls it by: letters, digits, `_` and `-`, 64 at most. Default: the name of the export. */
  readonly name?: string
  /** What the model reads to decide when to use it. */
  readonly description: string
  /** The arguments, as the schema of an object. Each property should have a description. */
  readonly parameters: Parameters
  /**
   * Runs a call. What it returns is the result: text, any JSON value, or `content(…)`. What it throws is told to the model as an error.
   */
  readonly execute: (args: Arguments<Parameters>, context: ToolContext<Secret, Config>) => unknown | Promise<unknown>
  /** The schema of the result, where it is always of one form. A result of another form is an error, which the model is told. */
  readonly output?: ToolParameters
  /** Default `external`. */
  readonly risk?: Risk
  /** Default `safe` for a tool that only reads, `never` for any other. */
  readonly replay?: Replay
  /** Seconds that a call may take. Default 60. */
  readonly timeout?: number
  /** Seconds without a sign of the call after which it is shown as slow. */
  readonly slow_after?: number
  /** Names of secrets; their values are in `context.secrets`. */
  readonly secret_requests?: readonly Secret[]
  /** Names of configs; their values are in `context.config`. */
  readonly config_requests?: readonly Config[]
  /** Whether a person is asked before a call runs; a function decides by the arguments. Default `auto`. */
  readonly approval?: Approval | ((args: Arguments<Parameters>) => boolean | Approval | Promise<boolean | Approval>)
}

/** What `run` gets: the arguments as `input`, beside everything that `execute` gets as its context. */
export type RunContext<Input, Secret extends string = string, Config extends string = string> = ToolContext<
  Secret,
  Config
> & { readonly input: Input }

/** The same in other words: `input` for `parameters`, `run` for `execute`. */
export interface RunToolOptions<
  Input extends ToolParameters = ToolParameters,
  Secret extends string = string,
  Config extends string = string,
> extends Omit<ToolOptions<Input, Secret, Config>, 'parameters' | 'execute'> {
  /** The arguments, as the schema of an object. Absent: it takes none. */
  readonly input?: Input
  /** Runs a call. What it returns is the result; `{ output }` is the same as that output. */
  readonly run: (context: RunContext<Arguments<Input>, Secret, Config>) => unknown | Promise<unknown>
}

/** T1. */
export const toolMarker: unique symbol = Symbol.for('reins.tool')

/** What a host does with a tool. One object for each version of this form. */
export interface ToolForm {
  readonly version: 1
  /** What there is to tell of it, or what is wrong with it; `name` is that of the export. */
  describe(name: string): Promise<ToolDescription>
  /** Arguments as `execute` gets them: what a Standard Schema makes of them. */
  check(args: unknown): Promise<CheckedArguments>
  execute(args: unknown, context: ToolContext): unknown
  /** Of a tool whose approval is a function: what that says of these arguments. */
  approval?(args: unknown): Promise<Approval>
}

/** What `defineTool` makes: export it from the file. */
export interface Tool<Parameters extends ToolParameters = ToolParameters> {
  readonly name: string | undefined
  readonly description: string
  readonly parameters: Parameters
  readonly [toolMarker]: ToolForm
}

/**
 * A tool that an agent can be given: export the value from a TypeScript file, and name the file in the agent's definition.
 *
 * @example
 * export const weather = defineTool({
 *   description: 'Tells the weather of a place.',
 *   parameters: Type.Object({ place: Type.String({ description: 'Name of a town' }) }),
 *   risk: 'read',
 *   execute: async ({ place }, { signal }) => (await fetch(`https://example.com/${place}`, { signal })).text(),
 * })
 */
export function defineTool<
  const Parameters extends ToolParameters,
  const Secret extends string = never,
  const Config extends string = never,
>(options: ToolOptions<Parameters, Secret, Config>): Tool<Parameters>
export function defineTool<
  const Input extends ToolParameters,
  const Secret extends string = never,
  const Config extends string = never,
>(options: RunToolOptions<Input, Secret, Config>): Tool<Input>
export function defineTool(options: Partial<ToolOptions & RunToolOptions>): Tool {
  const given: Partial<ToolOptions> = Object.freeze(oneForm(options))
  const { approval, parameters, execute } = given
  const form: ToolForm = Object.freeze({
    version: 1,
    describe: (name: string) => describe(given, name),
    check: (args: unknown) => checkArguments(parameters, args),
    execute: (args: unknown, context: ToolContext) => execute?.(args as never, context),
    ...(typeof approval === 'function'
      ? { approval: async (args: unknown) => said(await approval(args as never)) }
      : {}),
  })
  return Object.freeze({
    name: given.name,
    description: given.description,
    parameters: given.parameters,
    [toolMarker]: form,
  }) as Tool
}

/** `input` and `run` as `parameters` and `execute`. Both forms at once stay both, and are a mistake then (T2). */
function oneForm(options: Partial<ToolOptions & RunToolOptions> = {}): Partial<ToolOptions> {
  const { input, run, ...rest } = options
  if (run === undefined && input === undefined) return rest
  if (rest.execute !== undefined || rest.parameters !== undefined || typeof run !== 'function') return { ...options }
  return {
    ...rest,
    parameters: input ?? { type: 'object', properties: {} },
    execute: async (args: unknown, context: ToolContext) =>
      unwrapped(await run(Object.freeze({ ...context, input: args as never }))),
  }
}

function unwrapped(result: unknown): unknown {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return result
  const keys = Object.keys(result)
  return keys.includes('output') && keys.every((key) => key === 'output' || key === 'terminate')
    ? (result as { output: unknown }).output
    : result
}

/** A predicate that answers with yes or no means: a person is asked, or not. */
function said(answer: unknown): Approval {
  if (answer === true) return 'ask'
  if (answer === false) return 'auto'
  if (answer === 'auto' || answer === 'ask' || answer === 'must') return answer
  throw new TypeError('approval must answer with true, false, "auto", "ask" or "must"')
}

/** Whether a value is a tool that defineTool of any copy of this package has made. */
export const isTool = (value: unknown): value is Tool =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, toolMarker)

export type { ContentBlock, ToolContent }
