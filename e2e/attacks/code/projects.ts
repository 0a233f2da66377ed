// A project whose workflows and app turn on the services that run them: frames of their own at the pipe of their host, which say what no code
// that means well says. The executor, the gateway and their hosts are processes of a whole product.
//   PR1. `got through` is a run or a request of another project's code that is not answered any more, a service that ended, more memory of
//        the gateway than a few answers take, or what stands in a log or an answer and may not.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type StartedRun, sessionOfRun, type WorkflowRun } from '@reins/contracts'
import { buildProject } from '@reins/project'
import { workflowsProject } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'

/** Of the code of an attack: `say` writes a frame, `id` is its call, `done` ends it with this value. */
export const forger = `
  const fs = (await import('node:fs')).default
  const { syncBuiltinESMExports } = await import('node:module')
  const write = fs.writeSync
  let id
  fs.writeSync = (fd, bytes, ...more) => { id ??= JSON.parse(bytes.subarray(4).toString()).id; return write(fd, bytes, ...more) }
  syncBuiltinESMExports(); console.log('who am I'); fs.writeSync = write; syncBuiltinESMExports()
  const raw = (json) => { const body = Buffer.from(json), head = Buffer.alloc(4); head.writeUInt32BE(body.length)
    const all = Buffer.concat([head, body]); for (let at = 0; at < all.length; ) at += write(5, all, at) }
  const say = (word) => raw(JSON.stringify(word))
  const done = (value) => say({ kind: 'done', id, end: { kind: 'value', value } })
  const ask = (what, value) => say({ kind: 'request', id, request: 1e6, what, value })
  const deep = (levels) => '['.repeat(levels) + ']'.repeat(levels)
  const soon = () => new Promise((go) => setTimeout(go, 300))`

const odd = (words: string): string => `${forger}; ${words}; await soon(); done({ kind: 'suspended' }); await soon()`

/** The body of `run(ctx)`, by what is tried. */
const runs: Readonly<Record<string, string>> = {
  'end with 12 MB': `${forger}; done({ kind: 'completed', output: 'x'.repeat(12e6) }); await soon()`,
  'end with more than a value may have': `${forger}; done({ kind: 'completed', output: 'x'.repeat(300_000) }); await soon()`,
  'end with what is nested without end': `${forger}; raw('{"kind":"done","id":' + id + ',"end":{"kind":"value","value":{"kind":"completed","output":' + deep(1e6) + '}}}'); await soon()`,
  'end as diverged from nothing': `${forger}; done({ kind: 'diverged', position: 0 }); await soon()`,
  'end as diverged by what are no names': `${forger}; done({ kind: 'diverged', position: -1, recorded: {}, found: { operation: 7, name: null } }); await soon()`,
  'fail without a word': `${forger}; done({ kind: 'failed' }); await soon()`,
  'fail with a number': `${forger}; done({ kind: 'failed', error: { code: 5, message: 7 } }); await soon()`,
  'fail with 12 MB': `${forger}; done({ kind: 'failed', error: { code: 'x', message: 'x'.repeat(12e6), where: 'x'.repeat(1e6) } }); await soon()`,
  'end with null': `${forger}; done(null); await soon()`,
  'end with a list': `${forger}; done([]); await soon()`,
  'end as what is no end': `${forger}; done({ kind: '__proto__' }); await soon()`,
  'end a step that never began': odd(`ask('step-ended', { position: 0, attempt: 1 }); ask('step-ended', null)`),
  'end a step with 12 MB': odd(
    `ask('step', { position: 0, name: 'a', replay: 'safe' }); await soon(); ask('step-ended', { position: 0, attempt: 1, result: { kind: 'value', value: 'x'.repeat(12e6) } })`,
  ),
  'end a step with what is nested without end': odd(
    `ask('step', { position: 0, name: 'a', replay: 'safe' }); await soon(); raw('{"kind":"request","id":' + id + ',"request":9,"what":"step-ended","value":{"position":0,"attempt":1,"result":{"kind":"value","value":' + deep(1e6) + '}}}')`,
  ),
  'record 12 MB': odd(`ask('value', { position: 0, name: 'now', operation: 'now', value: 'x'.repeat(12e6) })`),
  'record at places that are none': odd(
    `for (const position of [-1, 1e9, 'x', null, 1.5]) ask('value', { position, name: 'now', operation: 'now', value: 1 })`,
  ),
  'sleep for ever': odd(`ask('sleep', { position: 0, name: 'sleep', ms: 1e308 })`),
  'sleep for no time that there is': odd(`ask('sleep', { position: 0, name: 'sleep', ms: 'x' })`),
  'pause with nothing': odd(`ask('pause', { position: 0, name: 'pause', output: null })`),
  'pause with a page that runs': odd(
    `ask('pause', { position: 0, name: 'pause', output: { type: 'elicitation', mode: 'url', elicitation_id: 'e', url: 'javascript:alert(1)', message: 'x', server_name: 's' } })`,
  ),
  'ask for a config outside': odd(`ask('config', { position: 0, name: '../token.admin' })`),
  'ask for an agent that is no name': odd(`ask('init', { position: 0, name: 'h', agent: { toString: 1 } })`),
  'ask for an agent by a wildcard': odd(`ask('init', { position: 0, name: 'h', agent: '*' })`),
  'prompt a session that is another': odd(
    `ask('prompt', { position: 0, name: '../../x', harness: '__proto__', message: 'x' })`,
  ),
  'have people asked as a chat does': odd(`ask('call', { position: 0, name: 'call', message: 'x' })`),
  'wait for a name with control characters': odd(
    `ask('wait', { position: 0, name: 'w', event: '\\u0000\\u001b[2J\\u202e.>*' })`,
  ),
  'wait for a name of a megabyte': odd(`ask('wait', { position: 0, name: 'w'.repeat(1e6), event: 'e'.repeat(1e6) })`),
  'log what steers a terminal': odd(
    `ask('log', { level: 'info', message: '\\n{"level":60,"msg":"forged"}\\u001b[2J' })`,
  ),
  'log at a level that is none': odd(`ask('log', { level: '__proto__', message: 5, attributes: 7 })`),
  'ask for what nobody knows': odd(
    `for (const what of ['__proto__', 'constructor', 'serve', 'body', 'values', 'run', '']) ask(what, null)`,
  ),
  'compact what is not its own': odd(`ask('compact', null); ask('compact', { session: '../x', key: {} })`),
  'dispatch nothing': odd(`ask('dispatch', null); ask('dispatch', { agent: 'helper', id: 'x', input: 1 })`),
  'ask for 10 MB of operations at once': `const helper = await ctx.init({ agent: 'helper' }).catch(() => null)
    ${forger}
    for (let position = 0; position < 50; position++) ask('value', { position, name: 'now', operation: 'now', value: 'x'.repeat(200_000) })
    await soon(); done({ kind: 'suspended' }); await soon()`,
}

const innocent = (): string => workflowsProject({ fine: `return await ctx.step('one', async () => 'fine')` })
const nameOf = (at: number): string => `attack-${at}`

/** One that is let begin with the others, and one after all of them, of a project of its own. */
export async function tryRuns(world: World, tally: Tally, alive: () => boolean): Promise<void> {
  const note = (what: string, through: boolean) =>
    tally.note('code of a workflow', what, through ? 'got through' : 'refused')
  const attacks = Object.entries(runs)
  await deploy(
    world,
    'hostile',
    workflowsProject(Object.fromEntries(attacks.map(([, body], at) => [nameOf(at), body]))),
  )
  await deploy(world, 'innocent', innocent())
  const inOne = 6
  for (let from = 0; from < attacks.length; from += inOne) {
    const some = attacks.slice(from, from + inOne)
    const sessions = await Promise.all(some.map((_, at) => start(world, nameOf(from + at))))
    // Most of them end, and some wait for what never comes.
    const ends = await Promise.all(sessions.map((session) => ended(world, session, 10_000).catch(() => undefined)))
    const other = await ended(world, await start(world, 'fine'), 90_000).catch(() => undefined)
    for (const [at, [what]] of some.entries()) {
      const session = sessions[at] ?? ''
      const events = (await world.readLog(session)).flatMap(({ frame }) => frame.events)
      const long = events.some((event) => JSON.stringify(event).length > 2_200_000)
      const through = other?.result !== 'fine' || !alive() || long || ends[at]?.status === 'completed'
      if (through) console.log(what, JSON.stringify({ end: ends[at], other, long }).slice(0, 500))
      note(what, through)
      if (ends[at] === undefined) await world.api.once('POST', `/v1/sessions/${session}/end`, {})
    }
  }
}

export async function deploy(world: World, name: string, bundle: string): Promise<void> {
  const { status, body } = await world.api.once('PUT', `/v1/projects/${name}`, { bundle })
  if (status >= 300) throw new Error(JSON.stringify(body))
}

async function start(world: World, workflow: string): Promise<string> {
  const { status, body } = await world.api.once<StartedRun>('POST', '/v1/runs', { workflow })
  if (status !== 202) throw new Error(JSON.stringify(body))
  return sessionOfRun(body.run.runId)
}

/** undefined: it waits for something, which is well. */
function ended(world: World, session: string, withinMs: number): Promise<WorkflowRun | undefined> {
  return eventually(
    async () => {
      const { body } = await world.api.once<WorkflowRun>('GET', `/v1/runs/${session}`)
      return body.status !== 'active' || body.waiting !== undefined ? { run: body } : undefined
    },
    { withinMs },
  ).then(({ run }) => (run.status === 'active' ? undefined : run))
}

/** The body of a handler of Hono, by what is tried; `c` is its context. What it returns is the answer. */
const apps: Readonly<Record<string, string>> = {
  'split its answer by a header': `ask('head', { status: 200, headers: [['x-a', 'a\\r\\nset-cookie: forged=1\\r\\n\\r\\n<h1>forged']], body: false })`,
  'split its answer by the name of a header': `ask('head', { status: 200, headers: [['x-a: b\\r\\nset-cookie', 'forged=1']], body: false })`,
  'say how long its answer is': `ask('head', { status: 200, headers: [['content-length', '5'], ['transfer-encoding', 'chunked'], ['connection', 'upgrade'], ['upgrade', 'h2c']], body: true }); ask('chunk', btoa('forged, and more'))`,
  'answer with 100 Continue': `ask('head', { status: 100, headers: [], body: false })`,
  'answer with 101 Switching Protocols': `ask('head', { status: 101, headers: [['upgrade', 'websocket']], body: false })`,
  'answer with 999': `ask('head', { status: 999, headers: [], body: false })`,
  'answer twice': `ask('head', { status: 200, headers: [], body: false }); ask('head', { status: 201, headers: [['x-second', 'forged']], body: false })`,
  'answer with a body before its head': `ask('chunk', btoa('forged'))`,
  'answer with a body that nobody made': `ask('head', { status: 200, headers: [], body: true, passed: 7 })`,
  'read a body that nobody made': `ask('read', { body: 7 }); ask('read', { body: '__proto__' }); ask('read', null)`,
  'answer with ten thousand headers': `ask('head', { status: 200, headers: Array.from({ length: 10_000 }, (_, at) => ['x-' + at, 'x']), body: false })`,
  'answer with a header of 10 MB': `ask('head', { status: 200, headers: [['x-long', 'x'.repeat(1e7)]], body: false })`,
  'serve an agent of nobody': `ask('serve', served({ kind: 'agent', name: 'helper', id: 'x' }))`,
  'serve a workflow of another project': `ask('serve', served({ kind: 'workflow', name: 'fine' }))`,
  'serve a run of another project': `ask('serve', served({ kind: 'run', name: 'fine', id: c.req.query('run') }))`,
  'serve the events of a run of another project': `ask('serve', served({ kind: 'run-events', name: 'mine', id: c.req.query('run') }))`,
  'own a run of another project': `ask('run-owner', { id: c.req.query('run') })`,
  'serve as the operator': `ask('serve', served({ kind: 'workflow', name: 'mine', principal: 'user:admin' }))`,
  'serve as a principal with control characters': `ask('serve', served({ kind: 'workflow', name: 'mine', principal: 'ada\\r\\nuser:admin' }))`,
  'serve a kind that is none': `for (const kind of ['__proto__', 'run', 'agent-socket', 'workflow-__proto__', '']) ask('serve', served({ kind, name: 'constructor', id: 'x' }))`,
  'dispatch to an agent of nobody': `ask('dispatch', { agent: 'helper', id: 'x', input: 'run it' }); ask('dispatch', null)`,
  'have the gateway answer without end': `for (let i = 0; i < 5000; i++) ask('serve', served({ kind: 'workflow', name: 'mine', body: 'x'.repeat(1e5) }))`,
  'ask for ten thousand things at once': `for (let i = 0; i < 10_000; i++) ask('run-owner', { id: 'x' })`,
  'log what looks like a line of the gateway': `say({ kind: 'log', id, level: 'error', message: 'x\\n{"level":60,"msg":"forged by an app"}' })`,
  'log 10 MB': `say({ kind: 'log', id, level: 'error', message: 'y'.repeat(1e7) })`,
}

const appFiles: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "hostile-app", "type": "module" }',
  'src/workflows/mine.ts': `export const route = async (c: any, next: any) => next()
export async function run() { return 1 }`,
  'src/app.ts': `import { Hono } from 'hono'
const app = new Hono()
const served = (more: any) => ({ kind: '', name: '', method: 'POST', url: '/', query: {}, headers: {}, body: '', ...more })
app.get('/well', (c) => c.text('well'))
app.get('/flood', async (c) => {
  ${forger}
  ask('head', { status: 200, headers: [], body: true })
  const piece = btoa('x'.repeat(5e6))
  for (;;) { ask('chunk', piece); ask('run-owner', { id: 'x' }); await new Promise((go) => setTimeout(go, 1)) }
})
${Object.values(apps)
  .map(
    (does, at) => `app.get('/attack-${at}', async (c) => {
  ${forger}
  ${does.replaceAll('\\\\', '\\')}
  await new Promise((go) => setTimeout(go, 400))
  return c.text('mine')
})`,
  )
  .join('\n')}
export default app
`,
}

interface Gateway {
  readonly pid: number
  readonly url: string
  alive(): boolean
  log(): readonly string[]
}

/** `gateway`: the process that is asked. Nobody else sends it large things meanwhile. */
export async function tryApps(world: World, gateway: Gateway, tally: Tally): Promise<void> {
  const note = (what: string, through: boolean) =>
    tally.note('code of an app', what, through ? 'got through' : 'refused')
  await deploy(world, 'hostile-app', await builtOf(appFiles))
  await deploy(world, 'innocent', innocent())
  const theirs = await start(world, 'fine')
  await ended(world, theirs, 90_000)
  const well = async () =>
    gateway.alive() && (await asked(gateway.url, '/projects/hostile-app/well')).includes('\r\nwell\r\n')
  await eventually(well, { withinMs: 90_000 })
  for (const [at, what] of Object.keys(apps).entries()) {
    const lines = gateway.log().length
    const text = await asked(gateway.url, `/projects/hostile-app/attack-${at}?run=${theirs}`)
    const [head = ''] = text.split('\r\n\r\n')
    const forged =
      /^(set-cookie|upgrade|x-second|x-long):/im.test(head) ||
      /^HTTP\/1\.1 (?:1\d\d|9\d\d)/.test(text) ||
      (text.match(/^HTTP\/1\.1 /gm)?.length ?? 0) !== 1 ||
      /"result":"fine"|<h1>forged/.test(text)
    const logged = gateway
      .log()
      .slice(lines)
      .some((line) => /^\{"level":60,"msg":"forged/.test(line) || line.length > 100_000)
    const through = forged || logged || !(await eventually(well, { withinMs: 60_000 }).catch(() => false))
    if (through) console.log(what, text.slice(0, 300))
    note(what, through)
  }
  const said = (await world.readLog()).flatMap(({ frame }) => (frame.role === 'g' ? [frame.by] : []))
  note(
    'write as the operator',
    said.includes('user:admin') && said.some((by) => by.startsWith('app:') && by.includes('\n')),
  )
  const events = (await world.readLog(theirs)).length
  note('change a run of another project', events !== (await world.readLog(theirs)).length)
  const before = residentOf(gateway.pid)
  const slow = await slowReader(gateway.url, '/projects/hostile-app/flood')
  let most = before
  for (let look = 0; look < 60; look++) {
    await new Promise((go) => setTimeout(go, 100))
    most = Math.max(most, gateway.alive() ? residentOf(gateway.pid) : Number.POSITIVE_INFINITY)
  }
  slow.destroy()
  const grown = Math.round((most - before) / 1024 ** 2)
  console.log(`a gateway grew by ${grown} MB while an app flooded a client that does not read`)
  note(
    'send without end to a client that does not read',
    grown > 300 || !(await eventually(well, { withinMs: 60_000 })),
  )
}

export async function builtOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-hostile-app-'))
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
      writeFileSync(path.join(folder, file), text)
    }
    const built = await buildProject(folder)
    if (built.kind !== 'built') throw new Error(JSON.stringify(built))
    return built.text
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** All that comes back, byte for byte, until the gateway closes the connection. */
function asked(url: string, target: string): Promise<string> {
  const { hostname, port, host } = new URL(url)
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    )
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part
    })
    socket.setTimeout(45_000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}

/** A client that asks, and takes nothing. */
async function slowReader(url: string, target: string): Promise<ReturnType<typeof connect>> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await new Promise((go) => socket.once('connect', go))
  socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  socket.pause()
  return socket
}

export const residentOf = (pid: number): number =>
  1024 * Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
