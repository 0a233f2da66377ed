// Reading settings from the environment: pure and total. Services' config.ts use it; nothing else reads the environment.
//   const env = new Environment(process.env); const config = {...}; env.check()
export type Env = Readonly<Record<string, string | undefined>>

export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export class Environment {
  readonly #env: Env
  readonly #flags: ReadonlyMap<string, string>
  readonly #problems: string[] = []

  /** `flags`: the flag by which a variable was given; problems name it instead. */
  constructor(env: Env, flags: ReadonlyMap<string, string> = new Map()) {
    this.#env = env
    this.#flags = flags
  }

  text(name: string): string | undefined
  text(name: string, fallback: string): string
  text(name: string, fallback?: string): string | undefined {
    const value = this.#env[name]
    return value === undefined || value === '' ? fallback : value
  }

  integer(name: string, fallback: number, range: { min: number; max: number }): number {
    const value = this.text(name)
    if (value === undefined) return fallback
    const number = Number(value)
    if (Number.isSafeInteger(number) && number >= range.min && number <= range.max) return number
    this.#problems.push(
      `${name}="${value}" is not valid. Give a whole number from ${range.min} to ${range.max}, such as ${name}=${fallback}`,
    )
    return fallback
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.text(name)
    if (value === undefined) return fallback
    if (['1', 'true', 'yes', 'on'].includes(value.toLowerCase())) return true
    if (['0', 'false', 'no', 'off'].includes(value.toLowerCase())) return false
    this.#problems.push(`${name}="${value}" is not valid. Give 1 or 0, such as ${name}=1`)
    return fallback
  }

  oneOf<T extends string>(name: string, fallback: T, valid: readonly T[]): T {
    const value = this.text(name)
    if (value === undefined) return fallback
    const known = valid.find((option) => option === value)
    if (known === undefined)
      this.#problems.push(
        `${name}="${value}" is not valid. Give one of ${valid.join(', ')}, such as ${name}=${fallback}`,
      )
    return known ?? fallback
  }

  /** `a=b,c=d` */
  labels(name: string): Record<string, string> {
    const labels: Record<string, string> = {}
    for (const pair of (this.text(name) ?? '').split(',').filter(Boolean)) {
      const at = pair.indexOf('=')
      if (at < 1)
        this.#problems.push(
          `${name}="${pair}" is not valid. Give name=value pairs with commas between them, such as ${name}=browser=true,region=eu`,
        )
      else labels[pair.slice(0, at)] = pair.slice(at + 1)
    }
    return labels
  }

  problem(message: string): void {
    this.#problems.push(message)
  }

  /** `REINS_PORT="x"` as it was given: `--port "x"`. */
  #asGiven(problem: string): string {
    let text = problem
    for (const [name, flag] of this.#flags) text = text.replaceAll(`${name}=`, `${flag} `)
    return text
  }

  /** Throws a ConfigError that lists all problems at once. */
  check(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems.map((problem) => this.#asGiven(problem)))
  }
}
