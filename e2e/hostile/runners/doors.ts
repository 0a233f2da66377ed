// One running product, and what a stranger sends to its HTTP API. The product is closed by whoever started it.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Product } from '../../bad-input/product.ts'
import { eventually } from '../../harness/eventually.ts'
import type { Request } from '../cases/doors/bodies.ts'
import { sendRaw } from './raw-requests.ts'
import type { Replay } from '../cases/decisions/replays.ts'

interface Waiting {
  readonly session: string
  readonly call: string
  readonly digest: string
  /** In the workspace; there once the call has run. */
  readonly file: string
}

export class Doors {
  readonly #product: Product
  readonly #session: string
  #files = 0

  private constructor(product: Product, session: string) {
    this.#product = product
    this.#session = session
  }

  /** `more`: environment beside what each test has. */
  static async start(more: Readonly<Record<string, string>> = {}): Promise<Doors> {
    const product = await Product.start(more)
    await product.agent('helper', product.workspace)
    const { status, text } = await product.ask('PUT', '/v1/agents/careful', {
      ...{ name: 'careful', model: 'scripted/assistant', system_prompt: 'You help.' },
      tools: [{ write_file: { workspace: product.workspace, approval: 'always' } }],
    })
    if (status !== 201) throw new Error(text)
    return new Doors(product, await product.session('helper'))
  }

  /** What is there after all that was sent, as a text; empty: nothing but what was there before. */
  async trace(): Promise<string> {
    const { json } = await this.#product.ask('GET', '/v1/agents?limit=500')
    const agents = json.agents.map(({ name }: { readonly name: string }) => name).sort()
    const secrets = (await this.#product.ask('GET', '/v1/secrets')).text
    // Postgres and the queue may not have settled when the product says that it is ready, nor right after a flood: health is waited for.
    const health = async () => (await this.#product.ask('GET', '/health')).json.status
    await eventually(async () => (await health()) === 'ok')
    const answer = await this.#product.turn(await this.#product.session('helper'), 'say still here')
    const outside = existsSync(path.join(this.#product.folder, 'outside.txt')) ? ', a file outside' : ''
    return `${answer}${secrets.includes('HOSTILE') ? ', a secret' : ''}${outside}, ${agents.join(' ')}`
  }

  get target(): { readonly url: string; readonly token: string; readonly session: string } {
    return { url: this.#product.url, token: this.#product.token, session: this.#session }
  }

  /** Who the token is taken for. */
  async tryToken(token: string): Promise<string> {
    const response = await fetch(`${this.#product.url}/v1/access/me`, { headers: { authorization: `Bearer ${token}` } })
    return `${response.status} ${await response.text()}`
  }

  tryRaw(bytes: string): Promise<string> {
    const { url, token, session } = this.target
    const filled = bytes.replaceAll('{token}', token).replaceAll('{session}', session)
    return sendRaw(url, filled.replaceAll('{host}', new URL(url).host))
  }

  close = (): Promise<readonly string[]> => this.#product.close()

  async tryRequest({ method, target, body, headers = {} }: Request): Promise<string> {
    const response = await fetch(this.#product.url + target.replace('{session}', this.#session), {
      method,
      headers: {
        authorization: `Bearer ${this.#product.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) }),
    })
    return `${response.status} ${await response.text()}`
  }

  /** What each decision was answered, and how often each of two calls has run. */
  async tryReplay({ decisions, atOnce = false }: Replay): Promise<string> {
    const [one, other] = await Promise.all([this.#waiting(), this.#waiting()])
    const send = async ({
      to = 'one',
      call = to,
      body,
      headers = {},
    }: Replay['decisions'][number]): Promise<string> => {
      const at = to === 'one' ? one : other
      const id = call === 'one' ? one.call : call === 'other' ? other.call : call
      const filled = JSON.stringify(body).replaceAll('{digest}', one.digest).replaceAll('{other}', other.digest)
      const { status, json } = await this.#product.ask(
        'POST',
        `/v1/sessions/${at.session}/approvals/${encodeURIComponent(id)}`,
        filled,
        headers,
      )
      return `${status}${json?.error ? ` ${json.error.code}` : ''}`
    }
    const answers: string[] = []
    if (atOnce) answers.push(...(await Promise.all(decisions.map(send))).sort())
    else for (const decision of decisions) answers.push(await send(decision))
    const ran = [await this.#ran(one), await this.#ran(other)]
    return `${answers.join(', ')}; ran ${ran.join(' and ')}`
  }

  /** A session whose model wants to write a file, and waits for a person. Two sessions wait for calls of the same id, if ids are so. */
  async #waiting(): Promise<Waiting> {
    const file = `file-${++this.#files}.txt`
    const message = `call write_file ${JSON.stringify({ path: file, content: 'as asked' })}`
    const { json } = await this.#product.ask('POST', '/v1/sessions', { agent: 'careful', message })
    const session: string = json.session.id
    const requested = async () => (await this.#events(session)).find(({ type }) => type === 'approval.requested')
    await eventually(async () => (await requested()) !== undefined)
    const { call, digest } = (await requested())?.data ?? {}
    return { session, call: String(call), digest: String(digest), file }
  }

  /** How often, and what the file holds then; where the call waits still, it is denied, so that its turn ends. */
  async #ran({ session, call, file }: Waiting): Promise<string> {
    const denial = await this.#product.ask('POST', `/v1/sessions/${session}/approvals/${call}`, { verdict: 'denied' })
    await eventually(async () => (await this.#events(session)).some(({ type }) => type === 'turn.completed'))
    const events = await this.#events(session)
    const times = events.filter(({ type, data }) => type === 'tool-call.completed' && data.status === 'ok').length
    const at = path.join(this.#product.workspace, file)
    const held = existsSync(at) ? `"${readFileSync(at, 'utf8')}"` : 'nothing'
    return `${times} times (${held}${denial.status === 202 ? ', waited still' : ''})`
  }

  async #events(
    session: string,
  ): Promise<readonly { readonly type: string; readonly data: Record<string, unknown> }[]> {
    return (await this.#product.ask('GET', `/v1/sessions/${session}/events?limit=1000`)).json.events
  }
}
