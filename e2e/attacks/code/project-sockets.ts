// Whoever may open a WebSocket to an agent of a project, or stands before its door, against the gateway that serves it beside itself.
//   PS1. `got through` is an upgrade that nobody granted, a second answer, a word in a session that is not the sender's, a token that is
//        said back, more memory of the gateway than a few messages take, and a gateway that serves nobody else meanwhile.
import { instanceSessionId } from '@reins/contracts'
import { eventually } from '../../harness/eventually.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { frame, handshake, Innocent, key, RawSocket } from '../../harness/sockets.ts'
import type { World } from '../../harness/world.ts'
import { builtOf, deploy, forger, residentOf } from './projects.ts'
import type { Tally } from '../tally.ts'

const megabyte = 1024 ** 2
const mostGrowth = 250 * megabyte

const agent = (body: string): string => `import { createAgent } from '@reins/agent'
export const websocket = async (c: any, next: any) => {
  const id = c.req.param('id')
  ${body}
}
export default createAgent(() => ({ model: 'scripted/assistant', instructions: 'You do what you are told.' }))`

const files = (name: string, body: string): Readonly<Record<string, string>> => ({
  'package.json': `{ "name": "${name}", "type": "module" }`,
  [`src/agents/${name}-spoken.ts`]: agent(body),
  [`src/agents/${name}-closed.ts`]: agent('await next()').replace('export const websocket', 'const unused'),
  'src/app.ts': `import { Hono } from 'hono'
import { flue } from '@reins/agent/app'
const app = new Hono()
app.get('/well', (c) => c.text('well'))
app.route('/', flue())
export default app`,
})

const odd = `const served = (more: any) => ({ kind: 'agent-events', name: 'mine-spoken', method: 'GET', url: '/', query: {}, headers: { accept: 'text/event-stream' }, body: '', id: 'begun', ...more })
  if (id === 'hangs') await new Promise(() => {})
  if (id === 'two-hundred') return c.text('well', 200)
  if (id === 'silent') return
  if (id === 'throws') throw new Error('no luck')
  if (id === 'exits') process.exit(1)
  if (id === 'streams') { ${forger}
    ask('serve', served({})); await soon(); ask('head', { status: 200, headers: [], passed: 1, body: true }); await soon(); done({ kind: 'response' }); await soon() }
  if (id === 'refuses-by-stream') { ${forger}
    ask('serve', served({})); await soon(); ask('head', { status: 403, headers: [], passed: 1, body: true }); await soon(); done({ kind: 'response' }); await soon() }
  if (id === 'grants-others') { ${forger}
    ask('serve', served({ kind: 'agent-socket', name: 'theirs-spoken', id: 'stolen' })); ask('serve', served({ kind: 'agent-socket', name: 'helper', id: 'stolen' })); await soon()
    ask('head', { status: 200, headers: [], passed: 1, body: true }); await soon(); done({ kind: 'response' }); await soon() }
  await next()`

export async function tryProjectSockets(world: World, gateway: ServiceProcess, tally: Tally): Promise<void> {
  const { url } = gateway
  await deploy(world, 'mine', await builtOf(files('mine', odd)))
  await deploy(world, 'theirs', await builtOf(files('theirs', 'await next()')))
  const path = '/projects/mine/agents/mine-spoken'
  await eventually(async () => (await fetch(`${url}/projects/mine/well`)).status === 200, { withinMs: 90_000 })
  const innocent = await Innocent.open(`${url.replace('http', 'ws')}/projects/theirs/agents/theirs-spoken/innocent`)
  const well = async (): Promise<boolean> => gateway.alive() && (await innocent.answers())
  const begun = await Innocent.open(`${url.replace('http', 'ws')}${path}/begun`)
  await begun.prompt('say begun')
  const note = async (who: string, what: string, through: boolean, said = ''): Promise<void> => {
    const bad = through || !(await well())
    if (bad) console.log(`${who}: ${what}: ${JSON.stringify(said.slice(0, 300))}`)
    tally.note(who, what, bad ? 'got through' : 'refused')
  }
  try {
    await tryUpgrades(world, url, path, note)
    await tryFrames(gateway, path, note)
    await tryPrompts(world, url, path, note)
  } finally {
    innocent.close()
    begun.close()
  }
}

type Note = (who: string, what: string, through: boolean, said?: string) => Promise<void>

async function tryUpgrades(world: World, url: string, path: string, note: Note): Promise<void> {
  const who = 'who asks for an upgrade'
  const { token } = world
  const second = `GET /v1/sessions HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const other = '/projects/theirs/agents/theirs-spoken/x'
  const asked: Readonly<Record<string, string>> = {
    'with a body that is another request':
      handshake(url, `${path}/silent`, { 'content-length': String(second.length) }) + second,
    'with another request behind it': handshake(url, `${path}/silent`) + second,
    'with a body in chunks, and another request': `${handshake(url, `${path}/silent`, { 'transfer-encoding': 'chunked' })}0\r\n\r\n${second}`,
    'with two lengths': handshake(url, `${path}/x`, { 'content-length': ['4', '5'] }) + second,
    'with a length and chunks':
      handshake(url, `${path}/x`, { 'content-length': '4', 'transfer-encoding': 'chunked' }) + second,
    'by POST': handshake(url, `${path}/x`, { 'content-length': '0' }, 'POST'),
    'by HEAD': handshake(url, `${path}/x`, {}, 'HEAD'),
    'by CONNECT': handshake(url, `${path}/x`, {}, 'CONNECT'),
    'in HTTP/1.0': handshake(url, `${path}/x`, {}, 'GET', '1.0'),
    'to two protocols': handshake(url, `${path}/x`, { upgrade: 'websocket, h2c' }),
    'to HTTP/2': handshake(url, `${path}/x`, { upgrade: 'h2c', 'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA' }),
    'without a wish to upgrade the connection': handshake(url, `${path}/x`, { connection: 'keep-alive' }),
    'without a key': handshake(url, `${path}/x`, { 'sec-websocket-key': undefined }),
    'with a short key': handshake(url, `${path}/x`, { 'sec-websocket-key': 'eA==' }),
    'with two keys': handshake(url, `${path}/x`, { 'sec-websocket-key': [key(), key()] }),
    'in version 7': handshake(url, `${path}/x`, { 'sec-websocket-version': '7' }),
    'with two hosts': handshake(url, `${path}/x`, { host: [new URL(url).host, 'evil.example'] }),
    'under another name (DNS rebinding)': handshake(url, `${path}/x`, { host: 'evil.example' }),
    'from a page of another origin': handshake(url, `${path}/x`, { origin: 'https://evil.example' }),
    'from a page without an origin': handshake(url, `${path}/x`, { origin: 'null' }),
    'from a page whose origin begins alike': handshake(url, `${path}/x`, { origin: `${url}.evil.example` }),
    'from a page with a name in its origin': handshake(url, `${path}/x`, {
      origin: url.replace('//', '//evil.example@'),
    }),
    'from a page of another port': handshake(url, `${path}/x`, { origin: 'http://127.0.0.1:1' }),
    'at an address with a host in it': handshake(url, `http://evil.example${path}/x`),
    'to an agent that opens no WebSocket': handshake(url, '/projects/mine/agents/mine-closed/x'),
    'to an agent of another project': handshake(url, '/projects/mine/agents/theirs-spoken/x'),
    'to an agent of nobody': handshake(url, '/projects/mine/agents/helper/x'),
    'to a project that is none': handshake(url, '/projects/none/agents/mine-spoken/x'),
    'to a name that is inherited': handshake(url, '/projects/__proto__/agents/constructor/x'),
    'with a blank instance': handshake(url, `${path}/%20`),
    'with half an instance': handshake(url, `${path}/%ff`),
    'with a long instance': handshake(url, `${path}/${'x'.repeat(3000)}`),
    'to a session without a token': handshake(url, `/v1/sessions/${innocentSession}/socket`),
    'to a session by two slashes': handshake(url, `//v1/sessions/${innocentSession}/socket`),
    'to a session by an escaped path': handshake(url, `/%761/sessions/${innocentSession}/socket`),
    'to a session by the project': handshake(url, `/projects/mine/../../v1/sessions/${innocentSession}/socket`),
    'to a session by an escaped step up': handshake(
      url,
      `/projects/mine/%2e%2e/%2e%2e/v1/sessions/${innocentSession}/socket`,
    ),
    'with a token as its only protocol': handshake(url, `/v1/sessions/${innocentSession}/socket`, {
      'sec-websocket-protocol': `bearer.${token}`,
    }),
    'with a wrong token as a protocol': handshake(url, `/v1/sessions/${innocentSession}/socket`, {
      'sec-websocket-protocol': 'reins, bearer.wrong',
    }),
    'with two tokens': handshake(url, `/v1/sessions/${innocentSession}/socket`, {
      authorization: ['Bearer wrong', `Bearer ${token}`],
    }),
    'with a wrong token beside a right one': handshake(url, `/v1/sessions/${innocentSession}/socket`, {
      authorization: 'Bearer wrong',
      'sec-websocket-protocol': `reins, bearer.${token}`,
    }),
    'where the app answers 200': handshake(url, `${path}/two-hundred`),
    'where the app answers nothing': handshake(url, `${path}/silent`),
    'where the app throws': handshake(url, `${path}/throws`),
    'where the app ends its process': handshake(url, `${path}/exits`),
    'where the app never answers': handshake(url, `${path}/hangs`),
    'where the app answers with a stream': handshake(url, `${path}/streams`),
    'where the app refuses with a stream': handshake(url, `${path}/refuses-by-stream`),
    'where the app would grant what is not its own': handshake(url, `${path}/grants-others`),
    'to another project with a wish for this one': handshake(url, `${other.replace('theirs/', 'mine/')}`),
  }
  await Promise.all(
    Object.entries(asked).map(async ([what, text]) => {
      const raw = new RawSocket(url)
      raw.write(text)
      const ended = await raw.over()
      const answers = raw.text.match(/^HTTP\/1\.[01] /gm)?.length ?? 0
      const through =
        /^HTTP\/1\.1 101/.test(raw.text) || answers > 1 || raw.text.includes(token) || /"sessions":\[/.test(raw.text)
      raw.socket.destroy()
      await note(who, what, through || !ended, raw.text)
    }),
  )
  const carried = new RawSocket(url)
  carried.write(handshake(url, `${path}/carried`, { 'sec-websocket-protocol': `reins, bearer.${token}` }))
  await carried.comes(/"type":"ready"/)
  carried.write(frame(JSON.stringify({ version: 1, type: 'prompt', requestId: 'a', message: 'say carried' })))
  await carried.comes(/"type":"result"/, 90_000)
  const log = await world.readLog(instanceSessionId('mine-spoken', 'carried', 'default'))
  await note(
    who,
    'with the token of the operator, which the answer says back or the app acts with',
    carried.text.includes(token) || log.some(({ frame: { role, by } }) => role === 'g' && by !== 'app:mine'),
    carried.text,
  )
  carried.socket.destroy()
}

/** A session id, which nobody has to know. */
const innocentSession = instanceSessionId('theirs-spoken', 'innocent', 'default')

async function tryFrames(gateway: ServiceProcess, path: string, note: Note): Promise<void> {
  const { url } = gateway
  const who = 'who speaks on a WebSocket'
  const opened = async (): Promise<RawSocket> => {
    const raw = new RawSocket(url)
    raw.write(handshake(url, `${path}/frames`))
    if (!(await raw.comes(/"type":"ready"/))) throw new Error(raw.text)
    return raw
  }
  const big = (size: number) => Buffer.alloc(size, 'x')
  const ends: Readonly<Record<string, Buffer>> = {
    'a frame that is not masked': frame('{}', { masked: false }),
    'a frame with a reserved bit': frame('{}', { rsv: 4 }),
    'a frame of no kind': frame('{}', { opcode: 3 }),
    'a control frame of no kind': frame('', { opcode: 11 }),
    'a long ping': frame(big(126), { opcode: 9 }),
    'a ping in pieces': frame('', { opcode: 9, fin: false }),
    'the middle of a message': frame('{}', { opcode: 0 }),
    'a message within a message': Buffer.concat([frame('{', { fin: false }), frame('{}')]),
    'a text that is none': frame(Buffer.from([0xff, 0xfe])),
    bytes: frame(big(10), { opcode: 2 }),
    'a close of one byte': frame('x', { opcode: 8 }),
    'a close with a code that is none': frame(Buffer.from([0x03, 0xed]), { opcode: 8 }),
    'a close with a text that is none': frame(Buffer.from([0x03, 0xe8, 0xff]), { opcode: 8 }),
    'the announcement of 2^63 bytes': frame('', { length: 2n ** 63n }),
    'the announcement of 4 GB': frame('', { length: 2n ** 32n }),
    'the announcement of 12 MB': frame('', { length: 12_000_000n }),
    'a message of 2 MB without images': frame(big(2_000_000)),
    'a message of 2 MB that has the word images': frame(`{"x":"images: [","y":"${'x'.repeat(2_000_000)}"}`),
    'more than half a million pieces': Buffer.concat([
      frame('[', { fin: false }),
      ...Array(600_000).fill(frame('1', { opcode: 0, fin: false })),
    ]),
    'more than half a million empty pieces': Buffer.concat([
      frame('[', { fin: false }),
      ...Array(600_000).fill(frame('', { opcode: 0, fin: false })),
    ]),
  }
  for (const [what, bytes] of Object.entries(ends)) {
    const before = residentOf(gateway.pid)
    const raw = await opened()
    await raw.writes(bytes)
    const ended = await raw.closes()
    raw.socket.destroy()
    await note(
      who,
      `${what}: ${raw.closeCode() ?? '-'}`,
      !ended || residentOf(gateway.pid) - before > mostGrowth,
      raw.text,
    )
  }
  const stays: Readonly<Record<string, string>> = {
    'no object': '[]',
    'no JSON': '{"version":1',
    'another version': '{"version":2,"type":"ping"}',
    'a frame of no type': '{"version":1,"type":"__proto__","requestId":"a"}',
    'a frame without a name': '{"version":1,"type":"prompt","message":"x"}',
    'a name of 257 characters': JSON.stringify({
      version: 1,
      type: 'prompt',
      requestId: 'x'.repeat(257),
      message: 'x',
    }),
    'what is nested without end': `{"version":1,"type":"prompt","requestId":"a","message":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    __proto__: '{"version":1,"type":"prompt","requestId":"a","__proto__":{"message":"x"},"message":7}',
    'a message that is none': '{"version":1,"type":"prompt","requestId":"a","message":{"text":"x"}}',
    'a session with a reserved name':
      '{"version":1,"type":"prompt","requestId":"a","session":"task:x","message":"say x"}',
    'a run of a workflow': '{"version":1,"type":"invoke","requestId":"a","payload":{}}',
    'the end of what is not its own': '{"version":1,"type":"abort","requestId":"another"}',
    'images that are none':
      '{"version":1,"type":"prompt","requestId":"a","message":"x","images":[{"type":"image","data":"x"}]}',
    'a key that is none': '{"version":1,"type":"prompt","requestId":"a","message":"","idempotencyKey":7}',
  }
  for (const [what, text] of Object.entries(stays)) {
    const raw = await opened()
    raw.write(frame(text))
    const refused = await raw.comes(/"type":"error"/)
    raw.write(frame('{"version":1,"type":"ping","requestId":"after"}'))
    const goesOn = await raw.comes(/"type":"pong","requestId":"after"/)
    const said = /"type":"(?:started|result)"/.test(raw.text) || /node_modules|at \w+ \(|\/tmp\//.test(raw.text)
    raw.socket.destroy()
    await note(who, what, !refused || !goesOn || said, raw.text)
  }
  // What waits for somebody who takes nothing, or does not come to an end.
  const piece = (one: Buffer) => Buffer.concat(Array<Buffer>(Math.ceil(megabyte / one.length)).fill(one))
  const floods: Readonly<Record<string, Buffer>> = {
    'pings whose answers nobody takes': piece(frame(big(125), { opcode: 9 })),
    'pings of Reins whose answers nobody takes': piece(
      frame(`{"version":1,"type":"ping","requestId":"${'x'.repeat(200)}"}`),
    ),
    'frames that are none, whose refusals nobody takes': piece(frame('{}')),
  }
  for (const [what, bytes] of Object.entries(floods)) {
    const raw = await opened()
    raw.socket.pause()
    const grown = await growth(gateway.pid, async () => {
      for (let sent = 0; sent < 200 && !raw.closed && raw.socket.writable; sent++) {
        const taken = raw.writes(bytes)
        // A gateway that takes no more has bounded it as well.
        if (!(await Promise.race([taken.then(() => true), new Promise((go) => setTimeout(go, 3000, false))]))) break
      }
    })
    raw.socket.destroy()
    await note(who, `${what}: ${Math.round(grown / megabyte)} MB`, grown > mostGrowth)
  }
  const many: RawSocket[] = []
  const half = frame(big(9_900_000), { length: 9_999_999n })
  const grown = await growth(gateway.pid, async () => {
    for (let at = 0; at < 50; at++) {
      const raw = await opened()
      many.push(raw)
      await Promise.race([raw.writes(half), new Promise((go) => setTimeout(go, 5000))])
    }
    await new Promise((go) => setTimeout(go, 1000))
  })
  await note(who, `fifty messages of 10 MB that do not end: ${Math.round(grown / megabyte)} MB`, grown > mostGrowth)
  for (const raw of many) raw.socket.destroy()
}

async function growth(pid: number, during: () => Promise<void>): Promise<number> {
  const before = residentOf(pid)
  let most = before
  const looks = setInterval(() => {
    most = Math.max(most, residentOf(pid))
  }, 50)
  await during()
  clearInterval(looks)
  return Math.max(most, residentOf(pid)) - before
}

async function tryPrompts(world: World, url: string, path: string, note: Note): Promise<void> {
  const who = 'who may speak to one agent'
  const ws = url.replace('http', 'ws')
  const mine = await Innocent.open(`${ws}${path}/mine`)
  mine.say({ type: 'prompt', requestId: 'long', message: 'stream 2000 every 50' })
  await mine.hears(({ type }) => type === 'started')
  for (let at = 0; at < 100; at++) mine.say({ type: 'prompt', requestId: `w${at}`, message: `say ${at}` })
  await mine.hears(({ type, requestId }) => type === 'error' && requestId === 'w99')
  const refused = mine.frames.filter(({ type, requestId }) => type === 'error' && String(requestId).startsWith('w'))
  await note(who, 'have a hundred prompts wait', refused.length < 36)
  // Of others: a socket says which instance it is of when it is opened, and its frames name sessions of that alone.
  const before = (await world.readLog(innocentSession)).length
  for (const session of ['../innocent', innocentSession, 'innocent/default', `*`, '>'])
    mine.say({ type: 'prompt', requestId: `s-${session}`, session, message: 'say taken' })
  mine.say({ type: 'abort', requestId: 'innocent' })
  await note(who, 'speak to a session of another project', (await world.readLog(innocentSession)).length !== before)
  // Taken away: what was open by then begins nothing any more.
  const open = await Innocent.open(`${ws}${path}/open`)
  await world.api.once('DELETE', '/v1/projects/mine')
  await eventually(async () => (await fetch(`${url}/projects/mine/well`)).status === 404, { withinMs: 60_000 })
  const late = await Innocent.open(`${ws}${path}/late`).then(
    () => true,
    () => false,
  )
  await note(who, 'open one to a project that is gone', late)
  open.say({ type: 'prompt', requestId: 'after', message: 'say after' })
  const answer = JSON.stringify(await open.hears(({ type }) => type === 'error'))
  const log = await world.readLog(instanceSessionId('mine-spoken', 'open', 'default'))
  await note(who, 'go on with a project that is gone', log.length > 0 || !answer.includes('agent_not_found'), answer)
  mine.close()
  open.close()
}
