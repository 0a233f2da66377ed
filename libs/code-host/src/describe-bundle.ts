// What tools a bundle has: it is loaded once, in a host of its own that ends with the answer.
//   D1. The facts come out of the bundle's own code, so they are checked here; whoever stores them may trust them.
//   D2. Every mistake is named, with file and export, before anything is stored; one mistake, and there are no tools.
import { ToolRisk } from '@reins/contracts'
import type { Guard, Sandbox } from '@reins/tools'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { HostProcess } from './host-process.ts'
import { defaultLoadMs, hostLimits, hostMemoryMb } from './limits.ts'
import type { FoundExport } from './messages.ts'

const names = Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 50 })
const seconds = Type.Number({ exclusiveMinimum: 0, maximum: 86_400 })
const schema = Type.Record(Type.String(), Type.Unknown())

/** A tool of a bundle, as JSON: what a definition carries of it. Times in seconds. */
export const DescribedTool = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    description: Type.String({ minLength: 1, maxLength: 8_000 }),
    parameters: schema,
    output: Type.Optional(schema),
    risk: ToolRisk,
    replay: Type.Union([Type.Literal('safe'), Type.Literal('never')]),
    timeout: Type.Optional(seconds),
    slow_after: Type.Optional(seconds),
    secret_requests: Type.Optional(names),
    config_requests: Type.Optional(names),
    /** `by-arguments`: a function of the tool says it for each call. */
    approval: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('ask'), Type.Literal('must'), Type.Literal('by-arguments')]),
    ),
  },
  { additionalProperties: false },
)
export type DescribedTool = Static<typeof DescribedTool>

export interface BundleProblem {
  readonly file: string
  /** Absent where it is the whole file. */
  readonly export?: string
  readonly message: string
}

export type BundleDescription =
  | { readonly kind: 'tools'; readonly tools: readonly DescribedTool[] }
  | { readonly kind: 'problems'; readonly problems: readonly BundleProblem[] }
  /** Nothing is known of the bundle: this machine can run no host now. */
  | { readonly kind: 'refused'; readonly message: string }

export interface DescribeOptions {
  readonly sandbox: Sandbox
  readonly guard: Guard
  readonly signal?: AbortSignal
  /** ms in which it must have loaded. */
  readonly loadMs?: number
}

const mostTools = 128
const compiled = Compile(DescribedTool)

/** `file`: the path as its owner wrote it, for messages. `text`: one ESM module that imports nothing but Node's own. */
export async function describeBundle(
  { file, text }: { readonly file: string; readonly text: string },
  { sandbox, guard, signal = new AbortController().signal, loadMs = defaultLoadMs }: DescribeOptions,
): Promise<BundleDescription> {
  const options = { sandbox, guard, network: false, memoryMb: hostMemoryMb, limits: hostLimits, loadMs }
  const start = await HostProcess.start({ ...options, bundle: { file, text } }, signal)
  switch (start.kind) {
    case 'refused':
      return { kind: 'refused', message: start.message }
    case 'not-loaded':
      return { kind: 'problems', problems: [{ file, message: `cannot be loaded: ${start.message}` }] }
    case 'started':
      start.host.end()
      return described(file, start.found)
    default:
      return start satisfies never
  }
}

/** D1, D2. */
function described(file: string, found: readonly FoundExport[]): BundleDescription {
  const problems: BundleProblem[] = []
  const tools = new Map<string, { readonly tool: DescribedTool; readonly export: string }>()
  for (const one of found) {
    if (one.kind === 'problem') {
      problems.push({ file, message: one.message, ...(one.export === undefined ? {} : { export: one.export }) })
      continue
    }
    if (!compiled.Check(one.facts)) {
      problems.push({ file, export: one.export, message: 'says of itself what no tool can be' })
      continue
    }
    const other = tools.get(one.facts.name)
    if (other) {
      const message = `has the name "${one.facts.name}", which the tool exported as ${other.export} has too`
      problems.push({ file, export: one.export, message })
    }
    tools.set(one.facts.name, { tool: one.facts, export: one.export })
  }
  if (found.length === 0) {
    const message = 'exports no tool: write "export const my_tool = defineTool({ … })", with defineTool of @reins/agent'
    problems.push({ file, message })
  }
  if (tools.size > mostTools) problems.push({ file, message: `has ${tools.size} tools; ${mostTools} at most` })
  if (problems.length > 0) return { kind: 'problems', problems }
  return { kind: 'tools', tools: [...tools.values()].map(({ tool }) => tool) }
}
