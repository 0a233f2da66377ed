// What somebody has open by the app of a project, when the project is deleted, or a build comes that does not offer it any more: streams, requests
// that wait, WebSockets, and answers of the app's own that do not end.
//   GP1. `got through` is what does not end, what shows a word that was said afterwards, and a message that the app still gives an agent.
import { instanceSessionId } from '@reins/contracts'
import WebSocket from 'ws'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'
import { builtOf, deploy } from './projects.ts'

const endsWithinMs = 30_000
const word = 'said-afterwards'
/** By then the project is gone. */
const lateMs = 15_000

const module = (offered: boolean): string => `import { createAgent } from '@reins/agent'
${offered ? `export const route = async (_c: any, next: any) => next()\nexport const websocket = async (_c: any, next: any) => next()` : ''}
export default createAgent(() => ({ model: 'scripted/assistant', instructions: 'You do what you are told.' }))`

const workflow = (offered: boolean): string => `
${offered ? `export const route = async (_c: any, next: any) => next()\nexport const websocket = async (_c: any, next: any) => next()` : ''}
export async function run(ctx: any) { return await ctx.waitFor('go') }`

const files = (name: string, offered: boolean): Readonly<Record<string, string>> => ({
  'package.json': `{ "name": "${name}", "type": "module" }`,
  [`src/agents/${name}-agent.ts`]: module(offered),
  [`src/workflows/${name}-flow.ts`]: workflow(offered),
  'src/app.ts': `import { Hono } from 'hono'
import { dispatch } from '@reins/agent'
import { flue } from '@reins/agent/app'
const app = new Hono()
app.get('/well', (c) => c.text('well ${offered}'))
app.get('/endless', () => new Response(new ReadableStream({ async pull(to) {
  await new Promise((go) => setTimeout(go, 200)); to.enqueue(new TextEncoder().encode('tick')) } })))
app.get('/late', async (c) => {
  await new Promise((go) => setTimeout(go, ${lateMs}))
  await dispatch({ agent: '${name}-agent', id: 'late', input: 'say ${word}' })
  return c.text('dispatched') })
app.route('/', flue())
export default app`,
})

interface Open {
  readonly what: string
  readonly over: Promise<string>
  close(): void
}

async function request(url: string, what: string, path: string, init: RequestInit = {}): Promise<Open> {
  const left = new AbortController()
  const asked = fetch(`${url}${path}`, { ...init, signal: left.signal })
  const over = asked.then(async (response) => `${response.status} ${await response.text()}`).catch(String)
  return { what, over, close: () => left.abort() }
}

async function socket(url: string, what: string, path: string, words: readonly object[]): Promise<Open> {
  const client = new WebSocket(`${url.replace('http', 'ws')}${path}`)
  let text = ''
  client.on('message', (data) => (text += String(data)))
  client.on('error', () => undefined)
  const over = new Promise<string>((done) => client.once('close', (code) => done(`${text} ${code}`)))
  await new Promise<void>((go, stop) => client.once('open', () => go()).once('unexpected-response', stop))
  for (const one of words) client.send(JSON.stringify({ version: 1, ...one }))
  return { what, over, close: () => client.terminate() }
}

const sse = { headers: { accept: 'text/event-stream' } }
const post = (body: object, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

/** Everything that a project may keep open. */
async function openAll(url: string, name: string, hung: string): Promise<readonly Open[]> {
  const agent = `/projects/${name}/agents/${name}-agent`
  const flow = `/projects/${name}/workflows/${name}-flow`
  const started = (await (await fetch(`${url}${flow}`, post({}))).json()) as { runId: string }
  return Promise.all([
    request(url, 'events of an instance', `${agent}/followed`, sse),
    request(url, 'the events of a prompt', `${agent}/${hung}`, post({ message: 'hang' }, sse.headers)),
    request(url, 'the result of a prompt', `${agent}/waited`, post({ message: 'hang' })),
    request(url, 'the result of a run', `${flow}?wait=result`, post({})),
    request(url, 'the events of a run', flow, post({}, sse.headers)),
    request(url, 'the stream of a run', `/projects/${name}/runs/${started.runId}/stream`, sse),
    request(url, 'an answer of the app that does not end', `/projects/${name}/endless`),
    request(url, 'a request that dispatches late', `/projects/${name}/late`),
    socket(url, 'a WebSocket to an agent', `${agent}/quiet`, []),
    socket(url, 'a WebSocket with a prompt', `${agent}/spoken`, [{ type: 'prompt', requestId: 'a', message: 'hang' }]),
    socket(url, 'a WebSocket to a run', flow, [{ type: 'invoke', requestId: 'a', payload: {} }]),
  ])
}

/** Ends with the project, not with what it offers. */
const ofTheApp: ReadonlySet<string> = new Set([
  'an answer of the app that does not end',
  'a request that dispatches late',
])

export async function tryGoneProjects(world: World, url: string, tally: Tally): Promise<void> {
  const changes: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
    'was deleted': (name) => world.api.once('DELETE', `/v1/projects/${name}`),
    'offers it no more': async (name) => deploy(world, name, await builtOf(files(name, false))),
  }
  for (const [why, change] of Object.entries(changes)) {
    const name = why === 'was deleted' ? 'gone' : 'closed'
    await deploy(world, name, await builtOf(files(name, true)))
    const well = async (text: string) => (await (await fetch(`${url}/projects/${name}/well`)).text()).includes(text)
    await eventually(() => well('well true'), { withinMs: 90_000 })
    const first = await fetch(
      `${url}/projects/${name}/agents/${name}-agent/followed?wait=result`,
      post({ message: 'say begun' }),
    )
    if (!first.ok) throw new Error(`${name}: ${first.status} ${await first.text()}`)
    const session = instanceSessionId(`${name}-agent`, 'followed', 'default')
    const open = await openAll(url, name, 'hung')
    const opened = Date.now()
    const early = new Map<string, string>()
    let changed = false
    for (const { what, over } of open) void over.then((said) => changed || early.set(what, said))
    for (const instance of ['hung', 'waited', 'spoken'])
      await eventually(
        async () => (await world.readLog(instanceSessionId(`${name}-agent`, instance, 'default'))).length > 1,
        { withinMs: 60_000 },
      )
    if (early.size > 0) throw new Error(`${why}: ended before: ${JSON.stringify([...early]).slice(0, 2000)}`)
    changed = true
    await change(name)
    await eventually(async () => !(await well('well true')), { withinMs: 60_000 })
    // Those that are closed where the gateway looks, which is each second, show nothing of what comes later.
    await new Promise((go) => setTimeout(go, 3000))
    await world.api.once('POST', `/v1/sessions/${session}/messages`, { content: `say ${word}` })
    const ends = async ({ what, over }: Open): Promise<void> => {
      const late = new Promise<string>((go) => setTimeout(go, endsWithinMs, 'it goes on').unref())
      const said = await Promise.race([over, late])
      const through = said === 'it goes on' || said.includes(word)
      if (through) console.log(`${what}, when its project ${why}: ${said.slice(-300)}`)
      tally.note('who has something of a project open', `${what}, when it ${why}`, through ? 'got through' : 'refused')
    }
    await Promise.all(open.filter(({ what }) => why === 'was deleted' || !ofTheApp.has(what)).map(ends))
    await new Promise((go) => setTimeout(go, opened + lateMs + 2000 - Date.now()))
    const late = await world.readLog(instanceSessionId(`${name}-agent`, 'late', 'default'))
    if (why === 'was deleted')
      tally.note(
        'who has something of a project open',
        'dispatch when it was deleted',
        late.length > 0 ? 'got through' : 'refused',
      )
    for (const one of open) one.close()
  }
}
