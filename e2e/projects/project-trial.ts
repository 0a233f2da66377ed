// What the tests of projects share: a whole product of the real binary for each file of tests, and folders with projects in it.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { SessionEvent } from '@reins/contracts'
import { afterAll, beforeAll } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { eventually } from '../harness/eventually.ts'

export type Files = Readonly<Record<string, string>>

/** `product` is there from `beforeAll` on. */
export class ProjectTrial {
  #product: Product | undefined

  /** `settings`: of the product's environment. Call it at the top of a file of tests. */
  constructor(settings: () => Readonly<Record<string, string>> = () => ({})) {
    beforeAll(async () => {
      this.#product = await Product.start(settings())
    }, 120_000)
    afterAll(async () => this.#product?.close())
  }

  get product(): Product {
    if (!this.#product) throw new Error('the product has not been started yet')
    return this.#product
  }

  /** The folder that the files lie in. */
  readonly write = (name: string, files: Files): string => {
    const folder = path.join(this.product.folder, name)
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
      writeFileSync(path.join(folder, file), text)
    }
    return folder
  }

  /** Once so many are there: what the session was sent, and by whom. */
  readonly messagesOf = (session: string, count: number) =>
    eventually(async () => {
      const { status, json } = await this.product.ask('GET', `/v1/sessions/${session}/frames`)
      if (status !== 200) return undefined
      const frames = json.frames as readonly { readonly by: string; readonly events: string }[]
      const found = frames.flatMap(({ by, events }) =>
        (JSON.parse(events) as readonly SessionEvent[]).flatMap((event) =>
          event.type === 'message.received' ? [{ by, message: event.data.message }] : [],
        ),
      )
      return found.length < count ? undefined : found
    })
}

/** The text of a file with an agent that asks for nothing to be installed. */
export const agentFile = (model: string, more = '') => `
  ${more}
  const mark = Symbol.for('reins.agent')
  export default Object.freeze({ [mark]: { version: 1 }, initialize: () => ({ model: '${model}' }) })
`
