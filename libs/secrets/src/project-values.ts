// What a project declares (`env`, `secrets` of reins.config.ts), as its code is given it: one text for each name.
//   PV1. The values of secrets are learnt by whoever masks before code is given them, and are kept nowhere here.
//   PV2. The registry gives the secrets that this build of the project declares, and no others.
import { type Resolve, resolveSecrets } from './named-secrets.ts'

export interface DeclaredValues {
  readonly env?: readonly string[]
  readonly secrets?: readonly string[]
}

export type ProjectValues =
  /** `secrets`: the names of those that nobody may see. */
  | { readonly kind: 'given'; readonly env: Readonly<Record<string, string>>; readonly secrets?: readonly string[] }
  /** The project declares what is not set. */
  | { readonly kind: 'missing'; readonly message: string }

export interface ProjectValuesOptions {
  /** The value of a config; undefined: there is none. Rejects where nobody can say. */
  config(name: string): Promise<unknown>
  readonly resolve: Resolve
  readonly learnt: (values: readonly string[]) => void
}

const withinMs = 10_000

/** `digest`: of the build. Rejects where the registry does not answer. */
export async function projectValues(
  { config, resolve, learnt }: ProjectValuesOptions,
  { env: names = [], secrets = [] }: DeclaredValues,
  digest: string,
): Promise<ProjectValues> {
  const env: Record<string, string> = {}
  for (const name of names) {
    const value = await config(name)
    if (value === undefined) return missing('config', name, `reins config set ${name} VALUE`)
    env[name] = typeof value === 'string' ? value : JSON.stringify(value)
  }
  if (secrets.length === 0) return { kind: 'given', env, secrets }
  const found = await resolveSecrets(resolve, secrets, digest, withinMs)
  if (found.kind !== 'resolved')
    throw new Error(
      `the secrets of the project cannot be had: ${found.kind === 'refused' ? found.error.message : 'the answer cannot be read'}`,
    )
  learnt(Object.values(found.values)) // PV1
  for (const name of secrets) {
    const value = found.values[name]
    if (value === undefined) return missing('secret', name, `reins secret set ${name}`)
    env[name] = value
  }
  return { kind: 'given', env, secrets }
}

const missing = (what: string, name: string, command: string): ProjectValues => ({
  kind: 'missing',
  message: `The project declares the ${what} ${name}, which is not set. Set it, and try again: ${command}`,
})
