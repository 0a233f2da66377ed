// What the tests of code that decides share: a world with everything but executors, agents whose file is written here, and what their
// sessions said.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bundledCode } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import type { StoredFrame } from '../../harness/stored-log.ts'
import { World } from '../../harness/world.ts'
import { countOf, eventsOf } from '../bench.ts'

type Log = readonly StoredFrame[]

export class WorkflowBench {
  readonly world: World
  readonly counter: Counter

  protected constructor(world: World, counter: Counter) {
    this.world = world
    this.counter = counter
  }

  /** Whoever opens it closes it. */
  static async open(): Promise<WorkflowBench> {
    return new WorkflowBench(await openWorld(), await Counter.start())
  }

  async close(): Promise<void> {
    await this.world.close()
    this.counter.close()
  }

  /** The same name again is a later version of the agent. */
  async agent(name: string, code: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const definition = {
      name,
      model: 'scripted/assistant',
      system_prompt: 'Be brief.',
      workflow_file: './chat.ts',
      ...more,
    }
    const files = [{ file: './chat.ts', text: bundledCode(code, 'chat.ts') }]
    const { status, body } = await this.world.api.once('PUT', `/v1/agents/${name}`, { definition, files })
    if (status !== 201 && status !== 200) throw new Error(JSON.stringify(body))
  }

  isPaused(victim: ServiceProcess): Promise<unknown> {
    return eventually(async () => victim.isPaused(), {
      withinMs: 90_000,
      describe: () => `the executor stands at its point\n${victim.log().join('\n')}`,
    })
  }

  async send(session: string, content: string): Promise<void> {
    const { status, body } = await this.world.api.once('POST', `/v1/sessions/${session}/messages`, { content })
    if (status >= 300) throw new Error(JSON.stringify(body))
  }

  /** The log, once the code has paused so often and the session is at rest. */
  paused(session: string, times: number): Promise<Log> {
    return this.until(session, (log) => countOf(log, 'run.paused') >= times && settled(log))
  }

  until(session: string, there: (log: Log) => boolean): Promise<Log> {
    let last: Log = []
    return eventually(
      async () => {
        last = await this.world.readLog(session)
        return there(last) ? last : undefined
      },
      {
        withinMs: 90_000,
        describe: () =>
          `${session}: ${eventsOf(last)
            .map(({ type }) => type)
            .join(' ')}`,
      },
    )
  }

  /** Why the run has ended; the session has ended with it. */
  async failed(session: string): Promise<{ readonly code: string; readonly message: string }> {
    const log = await this.until(session, (now) => countOf(now, 'session.ended') > 0)
    for (const event of eventsOf(log)) if (event.type === 'run.ended' && event.data.error) return event.data.error
    throw new Error(`${session} has not failed`)
  }

  /** What a session waits for that nobody serves. */
  unserved(session: string): Promise<unknown> {
    return eventually(
      async () => {
        const { body } = await this.world.api.once<{ unserved?: unknown }>('GET', `/v1/sessions/${session}`)
        return body.unserved
      },
      { withinMs: 60_000, describe: () => `${session} says that nobody serves it` },
    )
  }

  said(log: Log): readonly (string | null)[] {
    return eventsOf(log).flatMap((event) =>
      event.type === 'run.paused' && event.data.output.type === 'chat_response' ? [event.data.output.content] : [],
    )
  }
}

export async function openWorld(): Promise<World> {
  const world = await World.open()
  await Promise.all(
    (['registry', 'session-gateway', 'tool-runner', 'memory'] as const).map((name) => world.start(name)),
  )
  return world
}

/** A server that counts what it is told. */
export class Counter {
  readonly url: string
  readonly #server: Server
  readonly #told: readonly string[]
  /** It answers nobody. */
  hold = false

  private constructor(server: Server, told: readonly string[]) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#server = server
    this.#told = told
  }

  static async start(): Promise<Counter> {
    const told: string[] = []
    const server = createServer((request, response) => {
      told.push(decodeURIComponent(request.url?.slice(1) ?? ''))
      if (!counter.hold) response.end('counted')
    })
    server.on('error', (error) => {
      throw error
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const counter = new Counter(server, told)
    return counter
  }

  /** What it was told that has this in it. */
  about(part: string): readonly string[] {
    return this.#told.filter((one) => one.includes(part))
  }

  times(what: string): number {
    return this.#told.filter((one) => one === what).length
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

/** Each replay that began has ended. */
const settled = (log: Log): boolean => {
  const last = eventsOf(log).findLast(({ type }) => type.startsWith('run.') || type.startsWith('turn.'))
  return last?.type === 'run.replay-ended' && last.data.how === 'suspended'
}
