// The whole product in the process of a test, on a folder of its own, and what a client asks of it.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '@reins/service'
import { type RunningProduct, up } from '../src/commands/up.ts'
import { type LocalConfig, loadLocalConfig } from '../src/config.ts'
import { openDataDir } from '../src/data/data-dir.ts'
import { madeCluster } from './made-cluster.ts'

/** Of a product whose data folder is `data` in the given one. */
export const configOf = (disk: string, more: Readonly<Record<string, string>> = {}): LocalConfig =>
  loadLocalConfig(
    {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      REINS_PORT: '0',
      REINS_DATA_DIR: path.join(disk, 'data'),
      REINS_LOG_LEVEL: 'error',
      REINS_ALLOW_UNSANDBOXED_SHELL: '1',
      ...more,
    },
    {},
    disk,
  )

export class Product {
  /** Of the principal admin. */
  readonly token: string
  readonly #running: RunningProduct
  private constructor(running: RunningProduct, token: string) {
    this.#running = running
    this.token = token
  }

  /** The caller closes it. `copied`: with the data of a Postgres that was made before. `more`: of the environment. */
  static async start(
    disk: string,
    { copied = true, more = {} }: { readonly copied?: boolean; readonly more?: Readonly<Record<string, string>> } = {},
  ): Promise<Product> {
    const config = configOf(disk, more)
    if (copied) {
      const made = openDataDir(config.dataDir)
      await madeCluster(path.join(made.path, 'postgres'))
      made.release()
    }
    const product = await up({
      ...{ config, clock: systemClock, version: '0', say: () => undefined },
      fatal: (error) => {
        throw error
      },
    })
    return new Product(product, readFileSync(path.join(disk, 'data', 'admin.token'), 'utf8').trim())
  }

  async ask(method: string, route: string, body?: unknown, token = this.token) {
    const response = await fetch(`${this.#running.url}${route}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    return { status: response.status, json: JSON.parse(await response.text()) }
  }

  readonly ready = async () => (await this.ask('GET', '/ready')).status

  get url(): string {
    return this.#running.url
  }

  pids(): { readonly nats?: number; readonly postgres?: number } {
    return this.#running.serverPids()
  }

  async close(): Promise<void> {
    await this.#running.close({ withinMs: 20_000 })
  }
}
