// What a tool is: what a model is told of it, and what runs. Arguments come checked (arguments/); here they get their type, at the edge
// of the process in which the tool runs.
import { problemsOf, type ReplayClass, type ToolRisk, type ToolTarget } from '@reins/contracts'
import type { Static, TObject } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import type { ToolContext } from './calls/context.ts'
import { ToolFailure, type ToolOutcome } from './calls/outcome.ts'
import type { TimePolicy } from './source.ts'

export type ToolGroup = 'shell' | 'files' | 'search' | 'directory' | 'virtual_sandbox'

export interface ToolDefinition {
  readonly name: string
  readonly group: ToolGroup
  readonly description: string
  /** JSON Schema of an object, with a description for each parameter. */
  readonly parameters: TObject
  /** Whether a call that was cut off may run again: `never` ends as outcome-unknown instead. */
  readonly replay: ReplayClass
  readonly risk: ToolRisk
  /** The argument that says what a call is about; absent: none does. */
  readonly target?: ToolTarget
  /** It starts programs, so it runs where the sandbox is; all others run in a worker. */
  readonly sandboxed?: true
  /** It works on the files of the session's sandbox in memory. */
  readonly virtual?: true
  /** How its time is kept, where the definition gives it so many milliseconds. */
  readonly time: (ms: number) => TimePolicy
}

/** The file or folder that a call is about. */
export const pathTarget: ToolTarget = { argument: 'path', kind: 'path' }

/** A tool that can be stopped at any moment. */
export const stoppedByRunner = (ms: number): TimePolicy => ({ keptBy: 'runner', ms, graceMs: 15_000 })
/** A tool that stops itself, and tells what there was. */
export const stopsItself = (ms: number): TimePolicy => ({ keptBy: 'tool', ms, graceMs: 15_000 })

export interface Tool {
  readonly definition: ToolDefinition
  /** May throw: run.ts makes an outcome of that. */
  readonly run: (args: unknown, context: ToolContext) => Promise<ToolOutcome>
}

export function defineTool<Schema extends TObject>(
  definition: Omit<ToolDefinition, 'parameters'> & { readonly parameters: Schema },
  run: (args: Static<Schema>, context: ToolContext) => Promise<ToolOutcome> | ToolOutcome,
): Tool {
  return { definition, run: async (args, context) => run(parseArguments(definition.parameters, args), context) }
}

/** Compiled at the first call: most processes list tools, and run none. */
const validators = new WeakMap<TObject, Validator>()

function validatorOf(schema: TObject): Validator {
  const known = validators.get(schema)
  if (known) return known
  const made = Compile(schema)
  validators.set(schema, made)
  return made
}

/** Throws ToolFailure that names each wrong field. A null for an optional field counts as left out: models write it so. */
export function parseArguments<Schema extends TObject>(schema: Schema, args: unknown): Static<Schema> {
  const given = withoutNulls(schema, args)
  if (validatorOf(schema).Check(given)) return given as Static<Schema>
  const problems = problemsOf(schema, given).slice(0, 8)
  const told = problems.map(({ path, message, atKey }) =>
    atKey ? message : `${path === '' ? 'the arguments' : `"${path.slice(0, 100)}"`} ${message}`,
  )
  // An unknown name is answered with the valid ones already.
  const valid = problems.some(({ atKey }) => atKey) ? '' : ` Valid: ${Object.keys(schema.properties).join(', ')}`
  throw new ToolFailure('invalid-arguments', `invalid arguments: ${told.join('; ')}.${valid}`)
}

function withoutNulls(schema: TObject, args: unknown): unknown {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return args
  const required = new Set<string>(schema.required ?? [])
  return Object.fromEntries(Object.entries(args).filter(([name, value]) => value !== null || required.has(name)))
}
