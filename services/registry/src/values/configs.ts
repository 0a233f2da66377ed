// Configs: values in plain text, by name.
import {
  type Config,
  type ConfigAnswer,
  ConfigEntry,
  type ConfigList,
  maxConfigBytes,
  ReinsError,
} from '@reins/contracts'
import type { RegistryLog } from '../registry-log.ts'
import { Entries, pageOf } from './entries.ts'

export interface ConfigsOptions {
  readonly log: RegistryLog
  readonly now: () => number
}

export class Configs {
  readonly #entries: Entries<typeof ConfigEntry, ConfigEntry>
  readonly #now: () => number

  constructor({ log, now }: ConfigsOptions) {
    this.#entries = new Entries({ log, kind: 'config', schema: ConfigEntry, now })
    this.#now = now
  }

  async put(
    name: string,
    value: unknown,
    by: string,
    limited?: boolean,
  ): Promise<{ value: ConfigAnswer; seq: number }> {
    checkValue(value)
    const make = (stamps: Omit<ConfigEntry, 'kind' | 'name' | 'by' | 'value'>): ConfigEntry => ({
      ...{ kind: 'kept', name, value, by, ...stamps },
    })
    const { entry, outcome, seq } = await this.#entries.write(name, make, limited ? by : undefined)
    return { value: { config: configOf(entry, value), outcome }, seq }
  }

  async get(name: string): Promise<{ value: Config }> {
    const entry = await this.#entries.kept(name)
    return { value: configOf(entry, entry.value) }
  }

  /** Its value; undefined: there is none. */
  async find(name: string): Promise<unknown> {
    return (await this.#entries.find(name))?.value
  }

  /** `only`: of these names. */
  async list(limit: number, after: string | undefined, only?: readonly string[]): Promise<{ value: ConfigList }> {
    const shown = (await this.#entries.all()).filter(({ name }) => !only || only.includes(name))
    const all = shown.map((entry) => configOf(entry, entry.value))
    const { items, next } = pageOf(all, { limit, after })
    return { value: { configs: [...items], ...(next === undefined ? {} : { next }) } }
  }

  async delete(name: string, by: string): Promise<{ value: { name: string }; seq: number }> {
    const seq = await this.#entries.change(name, (entry) => {
      if (entry?.kind !== 'kept') throw this.#entries.missing(name)
      return { kind: 'removed', name, createdAt: entry.createdAt, updatedAt: this.#now(), by }
    })
    return { value: { name }, seq: seq ?? 0 }
  }
}

const configOf = ({ name, createdAt, updatedAt, by }: ConfigEntry, value: unknown): Config => ({
  ...{ name, value, createdAt, updatedAt, by },
})

function checkValue(value: unknown): void {
  if (value === null || value === undefined)
    throw new ReinsError('invalid_request', 'The value of the config is missing: it may be any JSON value but null.')
  const bytes = Buffer.byteLength(JSON.stringify(value))
  if (bytes > maxConfigBytes)
    throw new ReinsError(
      'invalid_request',
      `The value of the config has ${bytes} bytes as JSON; a config has at most ${maxConfigBytes}.`,
    )
}
