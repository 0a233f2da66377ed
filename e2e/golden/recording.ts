// The product in this process, and its sessions saved as golden journals: what record.ts and record-newer.ts do their talking with.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connectBroker, findSessionStreams, readMessages } from '@reins/broker'
import { sessionFilter } from '@reins/contracts'
import { loadLocalConfig, processEnvironment, up } from '@reins/local'
import { systemClock } from '@reins/service'
import { type GoldenFrame, goldenState } from '../../libs/session/test/golden.ts'

interface Answer {
  readonly session: { readonly id: string }
  readonly events: readonly { readonly type: string }[]
}

/** The caller closes it. Journals are written to `target`. */
export async function startRecording(target: string) {
  mkdirSync(target, { recursive: true })
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-golden-'))
  const config = loadLocalConfig(
    { ...processEnvironment(), REINS_PORT: '0', REINS_SCRIPTED_INTERVAL_MS: '1' },
    { dataDir: path.join(folder, 'data') },
    folder,
  )
  const product = await up({
    config,
    clock: systemClock,
    version: '0',
    say: () => {},
    fatal: (error) => {
      throw error
    },
  })
  const token = readFileSync(path.join(product.dataDir, 'admin.token'), 'utf8').trim()
  const servers = JSON.parse(readFileSync(path.join(product.dataDir, 'servers.json'), 'utf8'))
  const { user, password } = servers.users.executor
  const broker = await connectBroker({ url: servers.natsUrl, user, password, name: 'golden' })

  async function call(method: string, route: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${product.url}/v1${route}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as Answer
    if (!response.ok) throw new Error(`${method} ${route}: ${JSON.stringify(answer)}`)
    return answer
  }

  /** Until there are so many events of this type. */
  async function until(id: string, type: string, times = 1): Promise<void> {
    for (;;) {
      const { events } = await call('GET', `/sessions/${id}/events?limit=1000`)
      if (events.filter((event) => event.type === type).length >= times) return
      await pause(50)
    }
  }

  /** `source`: of a fork, the session that it was forked from. */
  async function save(name: string, id: string, source?: string): Promise<void> {
    const streams = await findSessionStreams(broker)
    const read = (session: string) => readMessages(broker, streams.of(session), sessionFilter(session), {})
    const own = await read(id)
    const first = Number(own[0]?.header('Reins-N') ?? 1)
    const before = source === undefined ? [] : await read(source)
    const messages = [...before.filter(({ header }) => Number(header('Reins-N')) < first), ...own]
    const names = ['Reins-Frame', 'Reins-N', 'Reins-Hash', 'Reins-Needs', 'Reins-Status', 'Reins-Pool']
    const frames: GoldenFrame[] = messages.map(({ seq, subject, body, header }) => ({
      seq,
      subject,
      headers: Object.fromEntries(names.map((one) => [one, header(one)])),
      body,
    }))
    write(target, name, id, frames)
    console.log(name, frames.length, 'frames')
  }

  return {
    call,
    until,
    save,
    newSession: async (agent = 'assistant'): Promise<string> => (await call('POST', '/sessions', { agent })).session.id,
    send: (id: string, content: string, onBusy = 'queue') =>
      call('POST', `/sessions/${id}/messages`, { content, onBusy }),
    /** Resolves when the turn has ended. */
    ask: (id: string, content: string) => call('POST', `/sessions/${id}/messages?wait=turn`, { content }),
    close: async (): Promise<void> => {
      await broker.close()
      await product.close({ withinMs: 20_000 })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** With the state that this process's build folds the frames to. */
export function write(target: string, name: string, id: string, frames: readonly GoldenFrame[]): void {
  const golden = { id, frames, state: goldenState(id, frames) }
  writeFileSync(path.join(target, `${name}.golden.json`), `${JSON.stringify(golden, null, 1)}\n`)
}
