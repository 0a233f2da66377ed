// Built-in tools as a tool-runner calls them: with a pool of workers, and the sandbox of this machine for the shell.
import type { AgentDefinition } from '@reins/contracts'
import {
  builtinSource,
  detectSandbox,
  noGuard,
  noValues,
  PathLocks,
  resolveToolset,
  runCall,
  type Sandbox,
  type ToolOutcome,
} from '@reins/tools'
import type { TrappedWorkspace } from './workspace.ts'

export interface ToolInput {
  readonly tool: string
  readonly args: unknown
}

export interface BuiltinTools {
  readonly sandbox: Sandbox
  call(input: ToolInput): Promise<string>
  close(): Promise<void>
}

const kept = { ref: 'kept', dropped: 0 }

/** Whoever makes them closes them. `seconds`: of each command; other calls have a minute. */
export async function builtinTools({ path, masked }: TrappedWorkspace, seconds: number): Promise<BuiltinTools> {
  const sandbox = await detectSandbox()
  const guard = { ...noGuard, masked: [masked] }
  const source = builtinSource({ workspaceRoot: path, guard, sandbox, locks: new PathLocks() })
  const definition: AgentDefinition = {
    ...{ name: 'hostile', model: 'm/m', system_prompt: 'x' },
    tools: [{ system_tools: { workspace: path, timeout: 60 } }, { shell: { workspace: path, timeout: seconds } }],
  }
  const toolset = await resolveToolset([source], definition)
  if (toolset.kind !== 'resolved') throw new Error('the built-in tools do not resolve')
  const context = {
    ...noValues,
    signal: new AbortController().signal,
    session: 's',
    idempotencyKey: 'k',
    progress: () => {},
    keep: async (output: AsyncIterable<Uint8Array> | Uint8Array) => {
      // What is kept is consumed to its end, as an object store does.
      if (!(output instanceof Uint8Array)) for await (const _ of output);
      return kept
    },
  }
  return {
    sandbox,
    call: async ({ tool, args }) =>
      told(await runCall(toolset.tools, { name: tool, arguments: args, definition }, context)),
    close: () => source.close(),
  }
}

/** An outcome as one text: how it ended, and what a model reads. */
export const told = ({ status, code, output }: ToolOutcome): string =>
  `${status}${code === undefined ? '' : ` ${code}`}: ${output}`
