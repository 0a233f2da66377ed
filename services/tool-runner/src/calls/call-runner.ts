// Runs one tool call as the session's definition says. Always ends in one result.
import { createHash } from 'node:crypto'
import {
  type AgentDefinition,
  canonicalJson,
  filesTell,
  type Frame,
  looksAtWorkspace,
  type RequestedCall,
  type ServerAnswer,
  traceparentOf,
  type WorkspaceFound,
  workspaceServer,
} from '@reins/contracts'
import type { RegistryView } from '@reins/journal'
import { type McpServers, maskedAnswer } from '@reins/mcp'
import type { Redactor } from '@reins/secrets'
import { contextOfCall, type ToolsetRequest } from '@reins/session'
import {
  type AskedApproval,
  askedApproval,
  type CallContext,
  contextInMemory,
  type KeptOutput,
  type NamedValues,
  type PackedFiles,
  packFiles,
  type PersonsAnswer,
  type Question,
  type ReadKept,
  resolveToolset,
  runCall as runToolCall,
  ToolFailure,
  type ToolSource,
  type Toolset,
  toolsProblemsText,
  unpackFiles,
  type VirtualEntry,
} from '@reins/tools'
import { keptContent } from '../recorded/kept-content.ts'
import { redactedResult, type ToolResult } from '../recorded/redacted-result.ts'
import type { Request } from '../requests.ts'

export interface RunnerTools {
  readonly sources: readonly ToolSource[]
  /** MCP servers: their tools are in no definition, and are known by asking. */
  readonly servers: Pick<McpServers, 'discover' | 'serverOf' | 'tools'>
  /** What the agent's workspace tells agents. Throws ToolFailure. */
  workspace(definition: AgentDefinition): Promise<WorkspaceFound>
  readonly registry: Pick<RegistryView, 'version'>
  keep(session: string, output: AsyncIterable<Uint8Array> | Uint8Array): Promise<KeptOutput>
  kept(session: string, ref: string): ReturnType<ReadKept>
  /** Secrets and configs for the calls of a definition, by its digest. */
  values(digest: string): NamedValues
  /** Lets whoever masks know the secrets that the definition names: another runner may have given them to a tool. Never rejects. */
  learnNamed(digest: string, definition: AgentDefinition): Promise<unknown>
  /** A frame of a session, by its sequence. */
  frame(session: string, seq: number): Promise<Frame | undefined>
  /** Masks secret values in what goes into the log. */
  readonly redactor: Redactor
}

interface Resolved {
  readonly definition: AgentDefinition
  readonly toolset: Toolset<ToolSource>
}

const failed = (message: string): ToolResult => ({
  status: 'error',
  code: 'failed',
  output: JSON.stringify({ status: 'error', error: message }),
})

/** With what the call left in the sandbox in memory. */
export type RanCall = ToolResult & { readonly files?: PackedFiles; readonly found?: WorkspaceFound }

/** Who watches a call. */
export type Watching = Required<Pick<CallContext, 'progress' | 'slow'>>

export async function runCall(
  tools: RunnerTools,
  { digest, principal, turn, trace }: Pick<Request, 'digest' | 'principal' | 'turn' | 'trace'>,
  call: RequestedCall,
  session: string,
  { progress, slow }: Watching,
  signal: AbortSignal,
  ask: (question: Question, expiresMs: number, signal: AbortSignal) => Promise<PersonsAnswer>,
  filesIn?: number,
): Promise<RanCall> {
  const resolved = await resolve(tools, digest)
  if (!resolved) return failed("The session's definition is not in the registry.")
  const { definition, toolset } = resolved
  if (toolset.kind === 'unresolved')
    return failed(`The definition's tools are not valid: ${toolsProblemsText(toolset.problems)}`)
  await tools.learnNamed(digest, definition)
  const values = tools.values(digest)
  const server = tools.servers.serverOf(definition, call.name)
  const asked = { definition, principal: principal ?? 'unknown', secret: values.secrets }
  const offered = server && (await tools.servers.tools(server, asked))
  if (offered?.kind === 'unavailable') return redactedResult(offered.outcome, tools.redactor)
  let before: readonly VirtualEntry[] = []
  const outcome = await runToolCall(
    offered ? [...toolset.tools, ...offered.tools] : toolset.tools,
    { name: call.name, arguments: call.arguments, definition },
    {
      signal,
      session,
      ...(principal === undefined ? {} : { principal }),
      ...(call.approved ? { approved: true } : {}),
      idempotencyKey: `${session}/${call.call}`,
      traceparent: traceparentOf(contextOfCall(session, { turn, call: call.call, trace })),
      progress,
      slow,
      ...values,
      ...(server ? { elicit: (question, until) => ask(question, server.elicitMs, until) } : {}),
      ...(filesIn === undefined ? {} : { files: async () => (before = await filesOf(tools, session, filesIn)) }),
      keep: (output) => tools.keep(session, output),
      mask: tools.redactor,
      kept: (ref) => tools.kept(session, ref),
    },
  )
  const { content, ...result } = redactedResult(outcome, tools.redactor)
  if (outcome.files) {
    const left = withFiles(result, outcome.files, tools.redactor)
    const found = left.files && filesTell(definition) && changedContext(definition, before, outcome.files)
    return found ? { ...left, found: tools.redactor.json(found) } : left
  }
  if (content === undefined) return result
  return { ...result, content: [...(await keptContent(content, (bytes) => tools.keep(session, bytes)))] }
}

/** FI2 of libs/session: what is too much to be kept has not happened. */
function withFiles(result: ToolResult, files: readonly VirtualEntry[], redactor: Redactor): RanCall {
  try {
    return { ...result, files: packFiles(files, (text) => redactor.text(text)) }
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    const output = JSON.stringify({ status: 'error', error: error.message })
    return { status: 'error', code: error.code, output }
  }
}

/** undefined: the files tell agents what they have told before. */
function changedContext(
  definition: AgentDefinition,
  before: readonly VirtualEntry[],
  after: readonly VirtualEntry[],
): WorkspaceFound | undefined {
  const found = contextInMemory(after, definition)
  return canonicalJson(found) === canonicalJson(contextInMemory(before, definition)) ? undefined : found
}

async function filesOf(tools: RunnerTools, session: string, seq: number): Promise<readonly VirtualEntry[]> {
  const frame = await tools.frame(session, seq)
  const kept = frame?.events.find((event) => event.type === 'files.kept')
  const files = kept && unpackFiles(kept.data.content)
  if (files) return files
  throw new ToolFailure('failed', `the files of the sandbox cannot be read: frame ${seq} of the session has none`)
}

/** What the tool of a call, looking at its arguments, says about asking a person. Its run says what is wrong with the definition. */
export async function lookAt(
  tools: RunnerTools,
  digest: string,
  call: RequestedCall,
  session: string,
  signal: AbortSignal,
): Promise<AskedApproval> {
  const resolved = await resolve(tools, digest)
  if (resolved?.toolset.kind !== 'resolved') return { approval: 'auto' }
  const { definition, toolset } = resolved
  const asked = { name: call.name, arguments: call.arguments, definition }
  const said = await askedApproval(toolset.tools, asked, { signal, session, idempotencyKey: `${session}/${call.call}` })
  return tools.redactor.json(said)
}

/** What a session's servers have. Never rejects: what goes wrong is told of each server. */
export async function discover(
  tools: RunnerTools,
  { digest, principal, known }: ToolsetRequest,
): Promise<readonly ServerAnswer[]> {
  const resolved = await resolve(tools, digest)
  if (!resolved) return []
  const { definition } = resolved
  const asked = { definition, principal, secret: tools.values(digest).secrets }
  const workspace = looksAtWorkspace(definition)
    ? [await workspaceAnswer(tools, definition, known[workspaceServer])]
    : []
  const answers = [...workspace, ...(await tools.servers.discover(asked, known))]
  return answers.map((answer) => maskedAnswer(answer, (value) => tools.redactor.json(value)))
}

/** The workspace is looked at once: what is known is said no second time. */
async function workspaceAnswer(
  tools: RunnerTools,
  definition: AgentDefinition,
  known: string | undefined,
): Promise<ServerAnswer> {
  if (known !== undefined) return { server: workspaceServer, status: 'ready', digest: known }
  try {
    const workspace = await tools.workspace(definition)
    const digest = createHash('sha256').update(canonicalJson(workspace)).digest('hex').slice(0, 32)
    return { server: workspaceServer, status: 'ready', digest, tools: [], workspace }
  } catch (error) {
    const why = error instanceof ToolFailure ? error.message : 'it cannot be read'
    return { server: workspaceServer, status: 'unavailable', reason: `The workspace was not looked at: ${why}.` }
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
