// Records golden journals from the real product: `node e2e/golden/record.ts <folder>`. A file that is committed is never recorded anew:
// old journals must keep folding to the same state (a change of the fold's meaning is a new fold version, with new files beside these).

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connectBroker, readMessages } from '@reins/broker'
import { sessionFilter, streams } from '@reins/contracts'
import { loadLocalConfig, processEnvironment, up } from '@reins/local'
import { systemClock } from '@reins/service'
import { type GoldenFrame, goldenState } from '../../libs/session/test/golden.ts'

const target = path.resolve(process.argv[2] ?? 'libs/session/golden')
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
const user = servers.users.executor
const broker = await connectBroker({ url: servers.natsUrl, user: user.user, password: user.password, name: 'golden' })

interface Answer {
  readonly session: { readonly id: string }
  readonly events: readonly { readonly type: string }[]
}

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
const newSession = async (): Promise<string> => (await call('POST', '/sessions', { agent: 'assistant' })).session.id
const send = (id: string, content: string, onBusy = 'queue') =>
  call('POST', `/sessions/${id}/messages`, { content, onBusy })
const ask = (id: string, content: string) => call('POST', `/sessions/${id}/messages?wait=turn`, { content })
async function until(id: string, type: string): Promise<void> {
  for (;;) {
    const { events } = await call('GET', `/sessions/${id}/events?limit=1000`)
    if (events.some((event) => event.type === type)) return
    await pause(50)
  }
}
async function save(name: string, id: string): Promise<void> {
  const messages = await readMessages(broker, streams.sessions, sessionFilter(id), {})
  const names = ['Reins-Frame', 'Reins-N', 'Reins-Hash', 'Reins-Needs', 'Reins-Status', 'Reins-Pool']
  const frames: GoldenFrame[] = messages.map(({ seq, subject, body, header }) => ({
    seq,
    subject,
    headers: Object.fromEntries(names.map((one) => [one, header(one)])),
    body,
  }))
  writeFileSync(
    path.join(target, `${name}.golden.json`),
    `${JSON.stringify({ id, frames, state: goldenState(id, frames) }, null, 1)}\n`,
  )
  console.log(name, frames.length, 'frames')
}

const plain = await newSession()
await ask(plain, 'say hello')
await ask(plain, 'think first of all | then this')
await save('plain-turns', plain)

const tools = await newSession()
await ask(tools, 'write notes.txt: one two three && then read notes.txt && then !shell cat notes.txt')
await ask(tools, 'read notes.txt & list . & !shell echo hi')
await ask(tools, 'read no-such-file')
await save('tools', tools)

const cancelled = await newSession()
await send(cancelled, 'hang')
await until(cancelled, 'model-call.started')
await send(cancelled, 'say queued')
await call('POST', `/sessions/${cancelled}/cancel`)
await until(cancelled, 'turn.cancelled')
await ask(cancelled, 'say after')
await save('cancelled', cancelled)

const interrupted = await newSession()
await send(interrupted, 'hang')
await until(interrupted, 'model-call.started')
await send(interrupted, 'say instead', 'interrupt')
await until(interrupted, 'turn.completed')
await save('interrupted', interrupted)

const joined = await newSession()
await send(joined, '!shell sleep 0.5')
await until(joined, 'tool-call.started')
await send(joined, 'say joined', 'join')
await until(joined, 'turn.completed')
await save('joined', joined)

const paused = await newSession()
await send(paused, '!shell sleep 0.3')
await until(paused, 'tool-call.started')
await call('POST', `/sessions/${paused}/pause`)
await until(paused, 'tool-call.completed')
await call('POST', `/sessions/${paused}/resume`)
await until(paused, 'turn.completed')
await call('POST', `/sessions/${paused}/end`)
await until(paused, 'session.ended')
await save('paused-and-ended', paused)

const failing = await newSession()
await send(failing, 'fail overloaded once')
await until(failing, 'turn.completed')
await ask(failing, 'fail auth')
await save('throttled-and-failed', failing)

await broker.close()
await product.close({ withinMs: 20_000 })
rmSync(folder, { recursive: true, force: true })
process.exit(0)
