// Where an agent's file tools and shell work. A choice is known by a registered symbol, so that it is one over two copies of this package.

export const sandboxMarker: unique symbol = Symbol.for('reins.sandbox')

export type SandboxForm =
  | { readonly version: 1; readonly kind: 'local'; readonly cwd?: string }
  | { readonly version: 1; readonly kind: 'virtual' }

export interface SandboxChoice {
  readonly [sandboxMarker]: SandboxForm
}

export function localSandbox({ cwd }: { readonly cwd?: string } = {}): SandboxChoice {
  const form: SandboxForm = Object.freeze({ version: 1, kind: 'local', ...(cwd === undefined ? {} : { cwd }) })
  return Object.freeze({ [sandboxMarker]: form })
}

/**
 * Files and a shell in memory, of each session its own. They stand in the log of the session, 2 MB at most, and outlive every process. It is
 * what an agent has that says nothing of a sandbox; `sandbox: false` is none.
 */
export function virtual(): SandboxChoice {
  return Object.freeze({ [sandboxMarker]: Object.freeze({ version: 1 as const, kind: 'virtual' as const }) })
}

export function sandboxForm(value: unknown): SandboxForm | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, sandboxMarker)) return undefined
  return (value as SandboxChoice)[sandboxMarker]
}
