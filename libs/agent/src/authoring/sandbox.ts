// Where an agent's file tools and shell work. A choice is known by a registered symbol, so that it is one over two copies of this package.

export const sandboxMarker: unique symbol = Symbol.for('reins.sandbox')

export interface ContextOption {
  /** `false`: AGENTS.md and the skills in .agents/skills of the folder that it works in are files like any other, and instruct nobody. */
  readonly workspaceContext?: boolean
}

export type SandboxForm = { readonly version: 1 } & ContextOption &
  ({ readonly kind: 'local'; readonly cwd?: string } | { readonly kind: 'virtual' })

export interface SandboxChoice {
  readonly [sandboxMarker]: SandboxForm
}

export function localSandbox({ cwd, ...context }: { readonly cwd?: string } & ContextOption = {}): SandboxChoice {
  const folder = cwd === undefined ? {} : { cwd }
  const form: SandboxForm = Object.freeze({ version: 1, kind: 'local', ...folder, ...contextOf('local', context) })
  return Object.freeze({ [sandboxMarker]: form })
}

/**
 * Files and a shell in memory, of each session its own. They stand in the log of the session, 2 MB at most, and outlive every process. It is
 * what an agent has that says nothing of a sandbox; `sandbox: false` is none.
 */
export function virtual(options: ContextOption = {}): SandboxChoice {
  const [unknown] = Object.keys(options).filter((key) => key !== 'workspaceContext')
  if (unknown !== undefined) throw new TypeError(`virtual() has no option "${unknown}": it has workspaceContext alone.`)
  const form: SandboxForm = Object.freeze({ version: 1, kind: 'virtual', ...contextOf('virtual', options) })
  return Object.freeze({ [sandboxMarker]: form })
}

/** Throws a TypeError. */
function contextOf(of: string, { workspaceContext }: ContextOption): ContextOption {
  if (workspaceContext === undefined) return {}
  if (typeof workspaceContext !== 'boolean') throw new TypeError(`"workspaceContext" of ${of}() is true or false.`)
  return { workspaceContext }
}

export function sandboxForm(value: unknown): SandboxForm | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, sandboxMarker)) return undefined
  return (value as SandboxChoice)[sandboxMarker]
}
