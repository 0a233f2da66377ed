// Where an agent's file tools and shell work. A choice is known by a registered symbol, so that it is one over two copies of this package.

export const sandboxMarker: unique symbol = Symbol.for('reins.sandbox')

export interface SandboxForm {
  readonly version: 1
  readonly kind: 'local'
  readonly cwd?: string
}

export interface SandboxChoice {
  readonly [sandboxMarker]: SandboxForm
}

export function localSandbox({ cwd }: { readonly cwd?: string } = {}): SandboxChoice {
  const form: SandboxForm = Object.freeze({ version: 1, kind: 'local', ...(cwd === undefined ? {} : { cwd }) })
  return Object.freeze({ [sandboxMarker]: form })
}

export function sandboxForm(value: unknown): SandboxForm | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, sandboxMarker)) return undefined
  return (value as SandboxChoice)[sandboxMarker]
}
