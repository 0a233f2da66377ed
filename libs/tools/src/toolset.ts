// A definition's tools from all sources, as one set: what is pinned at a session's start, told to the model, and run.
//   T1. A set is whole or it is not there: one problem of one source, and there is none.
//   T2. A name stands for one tool. Two sources that give the same name are a problem of the definition.
//   T3. A call always ends in one outcome, in its time (run.ts).
import { createHash } from 'node:crypto'
import {
  type AgentDefinition,
  canonicalJson,
  definitionDefaults,
  type PinnedTool,
  quoted,
  suggestion,
} from '@reins/contracts'
import { checkedArguments } from './arguments/arguments.ts'
import { CallClock } from './calls/call-clock.ts'
import { withinLimit } from './output/long-results.ts'
import { failed, ToolFailure, type ToolOutcome } from './calls/outcome.ts'
import type { AskPerson } from './calls/people.ts'
import type { ToolsProblem } from './resolve.ts'
import { inTime } from './calls/run.ts'
import { Silence, softMsOf } from './calls/silence.ts'
import type {
  AskedApproval,
  AskedTools,
  CallContext,
  ListContext,
  ToolCall,
  ToolCatalog,
  ToolSource,
  ToolSpec,
} from './source.ts'

export interface OfferedTool<Source extends ToolCatalog = ToolCatalog> {
  readonly spec: ToolSpec
  readonly source: Source
}

export type Toolset<Source extends ToolCatalog = ToolCatalog> =
  | { readonly kind: 'resolved'; readonly tools: readonly OfferedTool<Source>[] }
  | { readonly kind: 'unresolved'; readonly problems: readonly ToolsProblem[] }

export async function resolveToolset<Source extends ToolCatalog>(
  sources: readonly Source[],
  definition: AskedTools,
  context: ListContext = { signal: new AbortController().signal },
): Promise<Toolset<Source>> {
  const listings = await Promise.all(
    sources.map(async (source) => ({ source, listing: await source.list(definition, context) })),
  )
  const problems: ToolsProblem[] = []
  const tools = new Map<string, OfferedTool<Source>>()
  for (const { source, listing } of listings) {
    if (listing.kind === 'problems') {
      problems.push(...listing.problems)
      continue
    }
    for (const spec of listing.tools) {
      const other = tools.get(spec.name)
      if (other) problems.push(sameName(spec.name, other.source.name, source.name))
      tools.set(spec.name, { spec, source })
    }
  }
  return problems.length > 0 ? { kind: 'unresolved', problems } : { kind: 'resolved', tools: [...tools.values()] }
}

const sameName = (name: string, one: string, other: string): ToolsProblem => ({
  path: '',
  message: `has two tools of the name "${name}", of ${one} and of ${other}: leave one out`,
  atKey: false,
})

/** As a session's start records them. */
export const pinnedTools = (tools: readonly OfferedTool[]): readonly PinnedTool[] =>
  tools.map(({ spec, source }) => ({
    name: spec.name,
    source: source.name,
    replay: spec.replay,
    risk: spec.risk,
    digest: specDigest(spec),
    ...(spec.approval === undefined ? {} : { approval: spec.approval }),
    ...(spec.looks === undefined ? {} : { looks: spec.looks }),
    ...(spec.target === undefined ? {} : { target: spec.target }),
    ...(spec.rule === undefined ? {} : { rule: spec.rule }),
  }))

/** What a session's start records. Of tools that do not resolve there are none to record: the first model call says why. */
export async function toolsAtStart(
  sources: readonly ToolCatalog[],
  definition: AgentDefinition,
): Promise<readonly PinnedTool[]> {
  const toolset = await resolveToolset(sources, definition)
  return toolset.kind === 'resolved' ? pinnedTools(toolset.tools) : []
}

/** By the parameters, which are one object for each tool: every session's start asks for those of all its tools. */
const digests = new WeakMap<object, { readonly name: string; readonly description: string; readonly digest: string }>()

/** Of what a model is told of a tool: 16 hexadecimal characters of a sha256. */
function specDigest({ name, description, parameters }: ToolSpec): string {
  const known = digests.get(parameters)
  if (known?.name === name && known.description === description) return known.digest
  const text = canonicalJson({ name, description, parameters })
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16)
  digests.set(parameters, { name, description, digest })
  return digest
}

/** T3. Never rejects. The arguments are checked here, for the tools of every source. */
export async function runCall(
  tools: readonly OfferedTool<ToolSource>[],
  call: ToolCall,
  context: CallContext,
): Promise<ToolOutcome> {
  const tool = tools.find(({ spec }) => spec.name === call.name)
  if (tool === undefined) {
    const names = tools.map(({ spec }) => spec.name)
    const message = `the agent has no tool ${quoted(call.name)}${suggestion(call.name, names) || '.'} It has: ${names.join(', ') || 'none'}`
    return failed(new ToolFailure('not-found', message))
  }
  const checked = await checkedArguments(tool.spec.parameters, call.arguments)
  if (checked.kind === 'invalid') return failed(new ToolFailure('invalid-arguments', checked.message))
  const { time, maxChars = definitionDefaults.maxOutputChars } = tool.spec
  const meant = { ...call, arguments: checked.arguments }
  const clock = new CallClock()
  const { elicit, slow } = context
  // Who waits for a person is not slow.
  using silence = new Silence(softMsOf(time), (ms) => (ms !== undefined && clock.paused ? undefined : slow?.(ms)))
  const progress = (text: string) => {
    silence.broken()
    context.progress(text)
  }
  const work = (signal: AbortSignal) =>
    tool.source.run(meant, { ...context, signal, progress, ...(elicit ? { elicit: onClock(elicit, clock) } : {}) })
  const outcome = await inTime(call.name, time, context.signal, work, clock)
  return withinLimit(outcome, maxChars, context.keep, context.mask)
}

/** What a tool that decides by the arguments says of these. Of arguments that it will not take, nobody is asked. Never rejects. */
export async function askedApproval(
  tools: readonly OfferedTool<ToolSource>[],
  call: ToolCall,
  context: Pick<CallContext, 'signal' | 'session' | 'idempotencyKey'>,
): Promise<AskedApproval> {
  const tool = tools.find(({ spec }) => spec.name === call.name)
  if (!tool?.spec.looks || !tool.source.approval) return { approval: 'auto' }
  const checked = await checkedArguments(tool.spec.parameters, call.arguments)
  if (checked.kind === 'invalid') return { approval: 'auto' }
  return tool.source.approval({ ...call, arguments: checked.arguments }, context)
}

/** ms that a call gets besides, once a person has agreed to open a page: they are at it while the server waits. */
const pageMs = 15 * 60_000

/** T3: a person takes as long as they take. */
const onClock =
  (elicit: AskPerson, clock: CallClock): AskPerson =>
  async (question, signal) => {
    let more = 0
    clock.pause()
    try {
      const answer = await elicit(question, signal)
      if (answer.action === 'accept' && !question.nothingRan && question.asked.mode === 'url') more = pageMs
      return answer
    } finally {
      clock.resume(more)
    }
  }

/** Why these arguments are not what a tool of the definition takes; undefined: they are, or it is none of these sources' tools. */
export async function argumentsProblem(
  sources: readonly ToolCatalog[],
  definition: AgentDefinition,
  name: string,
  args: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  const toolset = await resolveToolset(sources, definition)
  const tool = toolset.kind === 'resolved' ? toolset.tools.find(({ spec }) => spec.name === name) : undefined
  if (!tool) return undefined
  const checked = await checkedArguments(tool.spec.parameters, args)
  return checked.kind === 'invalid' ? checked.message : undefined
}
