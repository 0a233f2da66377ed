// The door @reins/agent/node: what needs a machine with folders.
import { type ContextOption, localSandbox, type SandboxChoice } from './authoring/sandbox.ts'

export interface LocalOptions extends ContextOption {
  /** The folder. Default: the agent's own `cwd`. */
  readonly cwd?: string
}

/**
 * The agent works in a folder of the machine of its tool-runner: it reads and writes files there and runs programs, inside of the sandbox
 * of Reins, where the operator allows the folder.
 */
export function local(options: LocalOptions = {}): SandboxChoice {
  const unknown = Object.keys(options).filter((key) => key !== 'cwd' && key !== 'workspaceContext')
  if (unknown.length > 0)
    throw new TypeError(
      `local() has no option "${unknown[0]}": it has cwd and workspaceContext alone. Programs get their environment from the operator of the machine.`,
    )
  if (options.cwd !== undefined && (typeof options.cwd !== 'string' || options.cwd.trim() === ''))
    throw new TypeError('local() needs a folder as "cwd", such as "/srv/project", or none.')
  return localSandbox(options)
}
