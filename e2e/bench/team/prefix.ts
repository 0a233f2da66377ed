// How much of a request repeats the beginning of the one before, which a provider's cache does not read again: a session of tool turns with
// a plan, whose notices change from call to call. The model is a process as ever; what it is sent goes past us.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startProduct, type ProductOptions } from '../product/product.ts'
import type { Durability, Processes } from '../options.ts'
import { toolMessage } from '../turns/turns.ts'

export interface PrefixShare {
  readonly turns: number
  readonly requests: number
  /** Percent of the bytes of all requests but the first. */
  readonly share: number
  /** The smallest of one request, from the fifth on. */
  readonly least: number
}

const provider = 'watched'

export async function measurePrefix(durability: Durability, processes: Processes, turns: number): Promise<PrefixShare> {
  const watch = new Watch()
  const options: ProductOptions = { providers: [{ name: provider, baseUrl: await watch.open() }] }
  const product = await startProduct(durability, processes, options)
  try {
    watch.to = product.modelUrl
    await product.api.putAgent({
      ...{ name: 'bench-planner', model: `${provider}/assistant`, system_prompt: 'You are measured.' },
      ...{ max_tokens: 100_000, max_tool_calls: 100, planning: true },
      tools: [{ files: { workspace: product.workspace } }],
    })
    const steps = Array.from({ length: 5 }, (_, at) => ({ name: `step-${at}`, description: 'A step.' }))
    const session = await product.api.begin('bench-planner', `call create_plan ${JSON.stringify({ steps })}`)
    for (let turn = 2; turn <= turns; turn++) {
      const step = turn % 10 === 0 ? `call mark_step_done {"step_name": "step-${turn / 10 - 1}", "result": "r"} & ` : ''
      await product.api.turn(session, `${turn < 60 ? step : ''}${toolMessage}`)
    }
    return watch.measured(turns)
  } finally {
    await product.close()
    watch.close()
  }
}

class Watch {
  to = ''
  readonly #server: Server
  readonly #seen: { readonly bytes: number; readonly repeated: number }[] = []
  #last = Buffer.alloc(0)

  constructor() {
    this.#server = createServer((asked, answer) => void this.#pass(asked, answer))
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  measured(turns: number): PrefixShare {
    const seen = this.#seen.slice(1)
    const sum = (of: (one: (typeof seen)[number]) => number): number => seen.reduce((all, one) => all + of(one), 0)
    const percent = (share: number): number => Math.round(share * 1000) / 10
    return {
      ...{ turns, requests: this.#seen.length },
      share: percent(sum(({ repeated }) => repeated) / sum(({ bytes }) => bytes)),
      least: percent(Math.min(...seen.slice(3).map(({ bytes, repeated }) => repeated / bytes))),
    }
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of asked) pieces.push(piece as Buffer)
    const body = Buffer.concat(pieces)
    this.#seen.push({ bytes: body.length, repeated: sameBeginning(this.#last, body) })
    this.#last = body
    const path = (asked.url ?? '').replace(/^\/v1/, '')
    const on = request(`${this.to}${path}`, { method: asked.method, headers: asked.headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(answer)
    })
    on.on('error', () => answer.destroy())
    on.end(body)
  }
}

function sameBeginning(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length)
  let at = 0
  while (at < most && a[at] === b[at]) at++
  return at
}
