// Runs one tool call as the session's definition says. Always ends in one result.
import type { AgentDefinition, EventData, RequestedCall } from '@reins/contracts'
import type { RegistryView } from '@reins/journal'
import type { Redactor } from '@reins/telemetry'
import {
  type KeptOutput,
  type NamedValues,
  resolveToolset,
  runCall as runToolCall,
  type ToolSource,
  type Toolset,
  toolsProblemsText,
} from '@reins/tools'

export interface RunnerTools {
  readonly sources: readonly ToolSource[]
  readonly registry: Pick<RegistryView, 'version'>
  keep(session: string, output: AsyncIterable<Uint8Array> | Uint8Array): Promise<KeptOutput>
  /** Secrets and configs for the calls of a definition, by its digest. */
  values(digest: string): NamedValues
  /** Masks secret values in what goes into the log. */
  readonly redactor: Redactor
}

export type ToolResult = Pick<EventData<'tool-call.completed'>, 'status' | 'output' | 'content' | 'code' | 'ref'>

interface Resolved {
  readonly definition: AgentDefinition
  readonly toolset: Toolset<ToolSource>
}

const failed = (message: string): ToolResult => ({
  status: 'error',
  code: 'failed',
  output: JSON.stringify({ status: 'error', error: message }),
})

export async function runCall(
  tools: RunnerTools,
  digest: string,
  call: RequestedCall,
  session: string,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<ToolResult> {
  const resolved = await resolve(tools, digest)
  if (!resolved) return failed("The session's definition is not in the registry.")
  const { definition, toolset } = resolved
  if (toolset.kind === 'unresolved')
    return failed(`The definition's tools are not valid: ${toolsProblemsText(toolset.problems)}`)
  const outcome = await runToolCall(
    toolset.tools,
    { name: call.name, arguments: call.arguments, definition },
    {
      signal,
      session,
      idempotencyKey: `${session}/${call.call}`,
      progress,
      ...tools.values(digest),
      keep: (output) => tools.keep(session, output),
    },
  )
  return {
    status: outcome.status,
    output: tools.redactor.text(outcome.output),
    ...(outcome.code === undefined ? {} : { code: outcome.code }),
    ...(outcome.ref === undefined ? {} : { ref: outcome.ref }),
  }
}

/** By the tools of a runner, by digest: a version never changes. */
const resolvedCaches = new WeakMap<RunnerTools, Map<string, Resolved>>()

async function resolve(tools: RunnerTools, digest: string): Promise<Resolved | undefined> {
  const cache = resolvedCaches.get(tools) ?? new Map<string, Resolved>()
  resolvedCaches.set(tools, cache)
  const known = cache.get(digest)
  if (known) return known
  const version = await tools.registry.version(digest)
  if (!version) return undefined
  const { definition } = version
  const resolved = { definition, toolset: await resolveToolset(tools.sources, definition) }
  if (cache.size > 1000) cache.clear()
  cache.set(digest, resolved)
  return resolved
}
