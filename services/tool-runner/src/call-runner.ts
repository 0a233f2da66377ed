// Runs one tool call as the definition says: its settings, its workspace, its limits, its live output. Always ends in one result.

import { statSync } from 'node:fs'
import path from 'node:path'
import type { EventData, RequestedCall } from '@reins/contracts'
import type { RegistryView } from '@reins/journal'
import type { Redactor } from '@reins/telemetry'
import { type PathLocks, type ResolvedTool, resolveTools, runTool, type Sandbox } from '@reins/tools'

export interface RunnerTools {
  /** Where relative workspaces are resolved. Absolute. */
  readonly workspaceRoot: string
  /** Folders that no tool may see. Absolute. */
  readonly masked: readonly string[]
  readonly sandbox: Sandbox
  readonly locks: PathLocks
  readonly registry: Pick<RegistryView, 'version'>
  keep(output: AsyncIterable<Uint8Array> | Uint8Array): Promise<string>
  /** Masks secret values in what goes into the log. */
  readonly redactor: Redactor
}

export type ToolResult = Pick<EventData<'tool-call.completed'>, 'status' | 'output' | 'code' | 'ref'>

/** What a tool may take beyond its own time-out before the runner stops waiting for it. */
const graceMs = 15_000

const failed = (code: string, message: string): ToolResult => ({
  status: 'error',
  code,
  output: JSON.stringify({ status: 'error', error: message }),
})

export async function runCall(
  tools: RunnerTools,
  digest: string,
  call: RequestedCall,
  idempotencyKey: string,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<ToolResult> {
  const tool = await findTool(tools, digest, call.name)
  if ('status' in tool) return tool
  const { settings } = tool
  const workspace = path.resolve(tools.workspaceRoot, settings.workspace)
  if (!isFolder(workspace))
    return failed(
      'workspace_not_found',
      `The workspace "${settings.workspace}" is no folder on the machine of the tool-runner. Make it, or name another one in the agent's definition.`,
    )
  const running = runTool(call.name, call.arguments, {
    workspace,
    settings,
    signal,
    idempotencyKey,
    masked: tools.masked,
    sandbox: tools.sandbox,
    progress,
    keep: tools.keep,
    locks: tools.locks,
  })
  const outcome = await withDeadline(running, Math.max(settings.timeoutMs, 30_000) + graceMs)
  if (!outcome)
    return failed(
      'timeout',
      'The tool did not end in its time, and did not let itself be stopped. What it did is not known.',
    )
  return {
    status: outcome.status,
    output: tools.redactor.text(outcome.output),
    ...(outcome.code === undefined ? {} : { code: outcome.code }),
    ...(outcome.ref === undefined ? {} : { ref: outcome.ref }),
  }
}

/** Synchronous, as the tools' own walk to a file is: the way through the thread pool costs ten times the call. */
function isFolder(folder: string): boolean {
  try {
    return statSync(folder).isDirectory()
  } catch {
    return false
  }
}

const resolvedCache = new Map<string, readonly ResolvedTool[]>()

async function findTool({ registry }: RunnerTools, digest: string, name: string): Promise<ResolvedTool | ToolResult> {
  let resolved = resolvedCache.get(digest)
  if (!resolved) {
    const version = await registry.version(digest)
    if (!version) return failed('failed', "The session's definition is not in the registry.")
    const answer = resolveTools(version.definition.tools ?? [])
    if (!answer.ok)
      return failed('failed', `The definition's tools are not valid: ${answer.problems[0]?.message ?? ''}`)
    resolved = answer.tools
    if (resolvedCache.size > 1000) resolvedCache.clear()
    resolvedCache.set(digest, resolved)
  }
  return (
    resolved.find(({ definition }) => definition.name === name) ??
    failed('not-found', `The agent has no tool "${name}".`)
  )
}

async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
