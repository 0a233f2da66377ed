// reins.config.ts: what a project needs of where it runs. It exports an object by default.
//   PC1. Names alone stand here: the values are the operator's, and are in no bundle.

/** `export default { env: ['REGION'], secrets: ['STRIPE_KEY'] } satisfies ProjectConfig` */
export interface ProjectConfig {
  /** Names of configs: `env.REGION` is what `reins config set REGION …` said. */
  readonly env?: readonly string[]
  /** Names of secrets: `env.STRIPE_KEY` is what `reins secret set STRIPE_KEY` was given. */
  readonly secrets?: readonly string[]
}

const most = 40
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const example = `Write "export default { env: ['REGION'], secrets: ['STRIPE_KEY'] }".`

/** What is wrong goes to `say`. */
export function declaredNames(config: unknown, say: (message: string) => void): ProjectConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    say(`must default-export an object. ${example}`)
    return {}
  }
  for (const key of Object.keys(config))
    if (key !== 'env' && key !== 'secrets') say(`has the unknown field "${key}": env and secrets are the fields.`)
  const { env, secrets } = config as Readonly<Record<string, unknown>>
  const [variables, kept] = [namesOf('env', env, say), namesOf('secrets', secrets, say)]
  for (const name of variables) if (kept.includes(name)) say(`names ${name} in env and in secrets: keep one.`)
  return {
    ...(variables.length > 0 ? { env: variables } : {}),
    ...(kept.length > 0 ? { secrets: kept } : {}),
  }
}

function namesOf(field: string, value: unknown, say: (message: string) => void): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.some((name) => typeof name !== 'string')) {
    say(`${field} must be a list of names, and holds no values. ${example}`)
    return []
  }
  const names = [...new Set(value as readonly string[])]
  for (const name of names)
    if (!namePattern.test(name))
      say(`${field} has ${JSON.stringify(name.slice(0, 80))}, which is no name: letters, digits, "_", "." and "-".`)
  if (names.length > most) say(`${field} has ${names.length} names; at most ${most} are allowed.`)
  return names
}
