// The built-in tools as a source of tools: the first adapter of the port in source.ts.
import { statSync } from 'node:fs'
import path from 'node:path'
import type { AgentDefinition } from '@reins/contracts'
import type { ToolSettings } from '../context.ts'
import { ToolFailure } from '../outcome.ts'
import type { PathLocks } from '../path-locks.ts'
import { type ResolvedTools, resolveTools, toolsProblemsText } from '../resolve.ts'
import { runTool } from '../run.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { ToolCatalog, ToolListing, ToolSource } from '../source.ts'

export interface BuiltinOptions {
  /** Where relative workspaces are resolved. Absolute. */
  readonly workspaceRoot: string
  /** Folders that no tool may see. Absolute. */
  readonly masked: readonly string[]
  readonly sandbox: Sandbox
  /** One for all calls of a process. */
  readonly locks: PathLocks
}

type Definition = Pick<AgentDefinition, 'name' | 'tools'>

/** What there is, for those who run nothing. */
export const builtinCatalog: ToolCatalog & { list(definition: Definition): ToolListing } = { name: 'builtin', list }

export function builtinSource(options: BuiltinOptions): ToolSource {
  return {
    ...builtinCatalog,
    run: (call, context) => {
      const settings = settingsOf(call.definition, call.name)
      const workspace = path.resolve(options.workspaceRoot, settings.workspace)
      if (!isFolder(workspace)) throw noWorkspace(settings.workspace)
      const { masked, sandbox, locks } = options
      return runTool(call.name, call.arguments, { ...context, workspace, settings, masked, sandbox, locks })
    },
  }
}

function list(definition: Definition): ToolListing {
  const resolved = resolvedOf(definition)
  if (!resolved.ok) return { kind: 'problems', problems: resolved.problems }
  return {
    kind: 'listed',
    tools: resolved.tools.map(({ definition: { name, description, parameters, replay, risk, time }, settings }) => ({
      name,
      description,
      parameters: { ...parameters },
      replay,
      risk,
      time: time(settings.timeoutMs),
    })),
  }
}

/** A definition is one object for all calls of a session; resolving compiles its patterns. */
const resolvedDefinitions = new WeakMap<Definition, ResolvedTools>()

function resolvedOf(definition: Definition): ResolvedTools {
  const known = resolvedDefinitions.get(definition)
  if (known) return known
  const resolved = resolveTools(definition.tools ?? [])
  resolvedDefinitions.set(definition, resolved)
  return resolved
}

function settingsOf(definition: Definition, name: string): ToolSettings {
  const resolved = resolvedOf(definition)
  if (!resolved.ok) throw new ToolFailure('failed', toolsProblemsText(resolved.problems))
  const tool = resolved.tools.find((one) => one.definition.name === name)
  if (!tool) throw new ToolFailure('not-found', `the agent has no tool "${name.slice(0, 100)}"`)
  return tool.settings
}

const noWorkspace = (workspace: string): ToolFailure =>
  new ToolFailure(
    'workspace_not_found',
    `the workspace "${workspace.slice(0, 200)}" is no folder on the machine of the tool-runner. Make it, or name another one in the agent's definition`,
  )

/** Synchronous, as the tools' own walk to a file is: the way through the thread pool costs ten times the call. */
function isFolder(folder: string): boolean {
  try {
    return statSync(folder).isDirectory()
  } catch {
    return false
  }
}
