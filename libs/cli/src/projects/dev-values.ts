// The values of `.env` on the Reins that a project is developed on: those that the project declares are set there as configs and secrets.
//   DE1. Only names that the project declares are taken; the rest of the file stays where it is.
//   DE2. A Reins that the developer's command has started is the developer's: the file wins. On another one nothing is overwritten but what
//        this command has set itself.
//   DE3. No value is ever printed.
import { parseEnv } from 'node:util'
import { ReinsError } from '@reins/contracts'
import type { ReinsClient } from '../client-port.ts'

type Declared = { readonly env?: readonly string[]; readonly secrets?: readonly string[] }
type Values = Pick<ReinsClient, 'configs' | 'secrets'>

export class DevValues {
  readonly #client: Values
  readonly #own: boolean
  /** As this command has set them. */
  readonly #set = new Map<string, string>()
  readonly #told = new Set<string>()

  /** `own`: the Reins is that of this command. */
  constructor(client: Values, own: boolean) {
    this.#client = client
    this.#own = own
  }

  /** `text`: of the file; undefined: there is none. Gives lines for the developer. */
  async give({ env = [], secrets = [] }: Declared, text: string | undefined): Promise<readonly string[]> {
    const values: NodeJS.Dict<string> = text === undefined ? {} : parseEnv(text)
    const { configs: kept, secrets: hidden } = this.#client
    const lines: string[] = []
    for (const name of env)
      lines.push(
        ...(await this.#one(
          'config',
          name,
          values[name],
          () => kept.get(name),
          (value) => kept.set(name, value),
        )),
      )
    for (const name of secrets)
      lines.push(
        ...(await this.#one(
          'secret',
          name,
          values[name],
          () => hidden.get(name),
          (value) => hidden.set(name, value),
        )),
      )
    return lines
  }

  async #one(
    what: 'config' | 'secret',
    name: string,
    value: string | undefined,
    get: () => Promise<unknown>,
    set: (value: string) => Promise<unknown>,
  ): Promise<readonly string[]> {
    const there = await get().then(
      () => true,
      (error: unknown) => {
        if (error instanceof ReinsError && /_not_found$/.test(error.code)) return false
        throw error
      },
    )
    const ours = this.#set.get(name)
    if (value === undefined || value === '')
      return there
        ? []
        : this.#once(`The ${what} ${name} is not set. Write it into .env, or: reins ${what} set ${name}`)
    if (there && ours === undefined && !this.#own)
      return this.#once(`This Reins has the ${what} ${name} already; the one in .env is not used.`) // DE2
    if (ours === value && there) return []
    await set(value)
    this.#set.set(name, value)
    return [`Set the ${what} ${name} from .env.`]
  }

  #once(line: string): readonly string[] {
    if (this.#told.has(line)) return []
    this.#told.add(line)
    return [line]
  }
}
