// Everything that stays open while somebody waits: each door of the product that does so is opened with a token, and then the token, who holds
// it, or a role is changed.
//   KO1. The doors are those that the product names itself, in /openapi.json. One that nobody knows how to open here fails the attack.
//   KO2. `got through` is what does not end, or ends without a reason; and a command that is obeyed on a socket by then.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chatRun, SocketCommand, webhookMaking } from '@reins/contracts'
import WebSocket from 'ws'
import { workflowsProject } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import type { World } from '../../harness/world.ts'
import { type Ask, askingWith } from './history.ts'
import type { Tally } from '../tally.ts'

/** In an answer of ten minutes, that is soon. */
const endsWithinMs = 30_000

/** What somebody has open. */
interface Open {
  /** What was said until it ended. */
  readonly over: Promise<string>
  /** Where commands are sent. */
  readonly socket?: WebSocket
}

/** What the doors are opened on. */
interface Place {
  /** Sessions of `mine` that are idle. */
  idle(): Promise<string>
  /** A session whose cancel nobody hears of. */
  readonly stopping: string
  readonly run: string
  readonly webhook: string
}

type Opener = (world: World, token: string, place: Place) => Promise<Open>

interface Described {
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: { const?: unknown } }[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

/** KO1. */
export async function doorsOf(world: World): Promise<readonly string[]> {
  const { body } = await world.api.once<{ paths: Record<string, Record<string, Described>> }>('GET', '/openapi.json')
  return Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { parameters, responses }]) => {
      const door = `${method.toUpperCase()} ${path}`
      const forms = Object.keys(responses[200]?.content ?? {})
      const streams = forms.includes('application/json') ? forms.filter((form) => form !== 'application/json') : []
      const waits = parameters.filter((one) => one.in === 'query' && one.name === 'wait')
      return [
        ...streams.map((form) => `${door} as ${form}`),
        ...waits.map(({ schema }) => `${door}?wait=${String(schema.const ?? true)}`),
        ...(responses[101] ? [`${door} as a WebSocket`] : []),
      ]
    }),
  )
}

const read = (form: string): Opener => {
  return async (world, token, place) => {
    const response = await fetch(`${world.api.url()}/v1/sessions/${await place.idle()}/events`, {
      headers: { authorization: `Bearer ${token}`, accept: form },
    })
    if (!response.ok) throw new Error(await response.text())
    return { over: response.text().catch(String) }
  }
}

const request = (ask: (place: Place) => Promise<readonly [string, string, unknown?]>): Opener => {
  return async (world, token, place) => {
    const [method, path, body] = await ask(place)
    const asked = fetch(`${world.api.url()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { over: asked.then(async (response) => `${response.status} ${await response.text()}`).catch(String) }
  }
}

const socket: Opener = async (world, token, place) => {
  const at = `${world.api.url().replace('http', 'ws')}/v1/sessions/${await place.idle()}/socket`
  const client = new WebSocket(at, { headers: { authorization: `Bearer ${token}` } })
  let text = ''
  client.on('message', (data) => (text += String(data)))
  client.on('error', () => undefined)
  const over = new Promise<string>((done) => client.once('close', () => done(text)))
  await new Promise<void>((go, stop) => client.once('open', () => go()).once('unexpected-response', stop))
  return { over, socket: client }
}

const openers: Readonly<Record<string, Opener>> = {
  'GET /v1/sessions/{id}/events as text/event-stream': read('text/event-stream'),
  'GET /v1/sessions/{id}/events as application/x-ndjson': read('application/x-ndjson'),
  'GET /v1/sessions/{id}/socket as a WebSocket': socket,
  'POST /v1/sessions?wait=turn': request(async () => [
    'POST',
    '/v1/sessions?wait=turn',
    { agent: 'mine', message: 'hang' },
  ]),
  'POST /v1/sessions/{id}/messages?wait=turn': request(async ({ idle }) => [
    'POST',
    `/v1/sessions/${await idle()}/messages?wait=turn`,
    { content: 'hang' },
  ]),
  'POST /v1/sessions/{id}/fork?wait=turn': request(async ({ idle }) => [
    'POST',
    `/v1/sessions/${await idle()}/fork?wait=turn`,
    { message: 'hang' },
  ]),
  'GET /v1/sessions/{id}/stop?wait=true': request(async ({ stopping }) => [
    'GET',
    `/v1/sessions/${stopping}/stop?wait=true`,
  ]),
  'POST /v1/runs?wait=result': request(async () => ['POST', '/v1/runs?wait=result', { workflow: 'waits' }]),
  'GET /v1/runs/{id}?wait=result': request(async ({ run }) => ['GET', `/v1/runs/${run}?wait=result`]),
}

/** Requests that wait for somebody else: no description tells of them. */
const others: Readonly<Record<string, Opener>> = {
  'POST /v1/webhooks/{id}/test': request(async ({ webhook }) => ['POST', `/v1/webhooks/${webhook}/test`]),
  'POST /v1/agents/{name}/mcp-test': request(async () => ['POST', '/v1/agents/hung/mcp-test']),
}

const may = (agent: string): readonly string[] => [
  ...[`session:${agent}:read`, `session:${agent}:fork`, `session:${agent}:cancel`, `agent:${agent}:start`, chatRun],
]
const all = [...may('mine'), 'workflow:waits:*', 'agent:hung:update', webhookMaking]
/** As much, and of what is open nothing. */
const less = [...may('other'), 'workflow:other:*', 'agent:other:update', 'webhook:other:manage']

interface Person {
  readonly name: string
  readonly role: string
  readonly token: string
  readonly id: string
  /** epoch ms; of a token that does not expire: 0. */
  readonly endsAt: number
}

async function person(admin: Ask, name: string, expires?: string): Promise<Person> {
  const role = `role-of-${name}`
  await admin('POST', `/v1/roles/${role}`, { permissions: all })
  await admin('POST', '/v1/principals', { name, roles: [role] })
  const { text } = await admin('POST', '/v1/tokens', { principal: name, ...(expires ? { expires } : {}) })
  const made = JSON.parse(text) as { token: { id: string; expiresAt?: number }; text: string }
  return { name, role, token: made.text, id: made.token.id, endsAt: made.token.expiresAt ?? 0 }
}

type Change = (admin: Ask, person: Person) => Promise<unknown>

const changes: Readonly<Record<string, { readonly expires?: string; readonly change: Change; readonly less?: true }>> =
  {
    'the token was revoked': { change: (admin, { id }) => admin('DELETE', `/v1/tokens/${id}`) },
    'who holds it was banned': { change: (admin, { name }) => admin('POST', `/v1/principals/${name}/ban`, {}) },
    'the role was lowered': {
      change: (admin, { role }) => admin('PUT', `/v1/roles/${role}`, { permissions: less }),
      less: true,
    },
    'the role was taken away': {
      change: (admin, { name, role }) => admin('POST', `/v1/principals/${name}/revoke`, { roles: [role] }),
      less: true,
    },
    'the token expired': { expires: '40s', change: async () => undefined },
  }

/** Takes what is said to it, and answers nothing. */
async function silence(): Promise<{ readonly url: string; close(): void }> {
  const server: Server = createServer(() => undefined)
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** `executor`: stands still while a cancel is waited for. Webhooks may go to this machine. */
export async function tryKeptOpen(world: World, executor: ServiceProcess, tally: Tally): Promise<void> {
  const admin: Ask = async (...asked) => {
    const answer = await askingWith(world, world.token)(...asked)
    if (answer.status >= 300) throw new Error(`${asked[0]} ${asked[1]}: ${answer.text}`)
    return answer
  }
  const doors = await doorsOf(world)
  for (const door of doors) if (!openers[door]) tally.note('what is open', `open ${door} in a test`, 'got through')
  const hung = await silence()
  try {
    await world.agent('hung', { mcp_servers: [{ name: 'none', url: hung.url }] })
    const bundle = workflowsProject({ waits: `return await ctx.waitFor('go')` })
    await admin('PUT', '/v1/projects/waiting', { bundle })
    const idle = async (): Promise<string> => (await world.api.create('mine')).session.id
    for (const [why, { change, expires, less: lowered }] of Object.entries(changes)) {
      const { session: stopping } = await world.api.create('mine', 'hang')
      const started = JSON.parse((await admin('POST', '/v1/runs', { workflow: 'waits' })).text)
      const made = JSON.parse((await admin('POST', '/v1/webhooks', { url: hung.url, on: ['turn.failed'] })).text)
      const place: Place = { idle, stopping: stopping.id, run: started.run.runId, webhook: made.webhook.id }
      await eventually(async () => (await world.readLog(stopping.id)).length > 1, { withinMs: 60_000 })
      executor.stop()
      await world.api.control(stopping.id, 'cancel')
      const who = await person(admin, `holder-${why.replaceAll(/\W/g, '-')}`, expires)
      const open: (readonly [string, Open])[] = []
      for (const [door, opener] of Object.entries(openers)) {
        if (!doors.includes(door)) throw new Error(`${door} is no door any more: take it away here`)
        open.push([door, await opener(world, who.token, place)])
      }
      // Those end by themselves after ten seconds: they begin when the token has a few left.
      if (expires) await eventually(() => who.endsAt - Date.now() < 6000, { withinMs: 60_000 })
      for (const [door, opener] of Object.entries(others)) open.push([door, await opener(world, who.token, place)])
      // Whatever ends before the change is no attempt.
      const early = new Map<string, string>()
      let changed = false
      for (const [door, { over }] of open) void over.then((said) => changed || early.set(door, said))
      await change(admin, who)
      changed = expires === undefined
      if (early.size > 0) throw new Error(`${why}: ended before: ${JSON.stringify([...early])}`)
      if (!expires) for (const one of open) await tryCommands(world, why, one[1], tally)
      changed = true
      await Promise.all(
        open.map(async ([door, { over, socket: client }]) => {
          const within = endsWithinMs + (expires ? 40_000 : 0)
          const late = new Promise<string>((go) => setTimeout(() => go('it goes on'), within).unref())
          const said = await Promise.race([over, late])
          const told = /"code":"(unauthorized|forbidden|session_not_found)"/.test(said)
          if (!told) console.log(`${why}: ${door}: ${said.slice(-300)}`)
          tally.note('what is open', `${door}, when ${why}`, told ? 'refused' : 'got through')
          client?.terminate()
        }),
      )
      const again = askingWith(world, who.token)
      const { status } = await again('GET', `/v1/sessions/${stopping.id}`)
      const known = lowered ? status === 404 || status === 403 : status === 401
      tally.note('what is open', `ask anew, when ${why}`, known ? 'refused' : 'got through')
      executor.continue()
      await admin('DELETE', `/v1/webhooks/${place.webhook}`)
    }
  } finally {
    executor.continue()
    hung.close()
  }
}

/** Each command that there is, at once: nobody has closed the socket yet. */
async function tryCommands(world: World, why: string, { socket: client }: Open, tally: Tally): Promise<void> {
  if (!client) return
  const session = /sessions\/([^/]+)\/socket/.exec(client.url)?.[1] ?? ''
  const before = (await world.readLog(session)).length
  const fields = { call: 'c', verdict: 'approve', elicitation_id: 'e', action: 'decline', grant: 'all', content: 'hi' }
  const types = SocketCommand.anyOf.flatMap(({ properties: { type, ...properties } }) => {
    const names = 'const' in type ? [type.const] : type.anyOf.map((one) => one.const)
    const given = Object.entries(fields).filter(([name]) => name in properties)
    return names.map((name) => ({ type: name, ref: `${name}`, ...Object.fromEntries(given) }))
  })
  const answers: { ref?: string; ok?: boolean; error?: { code: string } }[] = []
  client.on('message', (data) => answers.push(JSON.parse(String(data))))
  for (const command of types) client.send(JSON.stringify(command))
  const ended = new Promise<void>((go) => client.once('close', () => go()))
  const answered = eventually(() => types.every(({ ref }) => answers.some((one) => one.ref === ref)), {
    withinMs: endsWithinMs,
  }).catch(() => undefined)
  await Promise.race([ended, answered])
  for (const { ref } of types) {
    // A list of nothing is what anybody gets who may see some other session.
    const obeyed = answers.some((one) => one.ref === ref && one.ok === true && !/:\[\]/.test(JSON.stringify(one)))
    tally.note('what is open', `the command ${ref}, when ${why}`, obeyed ? 'got through' : 'refused')
  }
  const grown = (await world.readLog(session)).length > before
  tally.note('what is open', `write by a socket, when ${why}`, grown ? 'got through' : 'refused')
}
