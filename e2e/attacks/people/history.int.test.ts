// Attacks on what is kept of sessions, and on taking it away: a part of `npm run test:long` and of `npm run attacks`.
import { archivistUser, chatRun } from '@reins/contracts'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../harness/eventually.ts'
import { World } from '../../harness/world.ts'
import { tryErasingAtBroker, tryErasingFrames, tryForkingWhileErasing, tryToErase } from './erasing.ts'
import { type Ask, askingWith, type Kept, principalWith, tryHistory } from './history.ts'
import { tryReaders } from '../services/readers.ts'
import { Tally } from '../tally.ts'
import { tryTakenAway } from './taken-away.ts'

const deadline = 240_000
const word = 'sesame-of-another-agent'
let world: World
let admin: Ask
let kept: Kept
let receiver: Server
const told: string[] = []

beforeAll(async () => {
  receiver = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    told.push(body)
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  world = await World.open()
  const environment = {
    REINS_ARCHIVE_AFTER: '1h',
    REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser),
    REINS_ALLOW_PRIVATE_WEBHOOKS: '1',
  }
  await world.start('registry', { environment })
  await Promise.all([
    world.start('session-gateway', { environment }),
    world.start('memory', { environment }),
    world.start('tool-runner'),
    world.start('executor'),
  ])
  admin = askingWith(world, world.token)
  await world.agent('theirs', { description: 'Delegate what is secret.' })
  await world.agent('mine', { agents: ['theirs'] })
  const { session, cursor } = await world.api.create('theirs', `say ${word}`)
  await world.settled(session.id)
  await world.api.turn(session.id, `!shell yes ${word} | head -c 300000`)
  const events = (await world.settled(session.id)).flatMap(({ frame }) => frame.events)
  const done = events.find((event) => event.type === 'tool-call.completed')
  const said = events.find((event) => event.type === 'message.received')
  if (done?.type !== 'tool-call.completed' || said?.type !== 'message.received') throw new Error('nothing was kept')
  const { session: mine } = await world.api.create('mine', 'say begun')
  await world.settled(mine.id)
  await world.api.turn(mine.id, 'call delegate {"agent":"theirs","instruction":"!shell echo below"}')
  const below = (await world.readLog(mine.id)).map(({ frame }) => frame)
  const tree = await admin('GET', `/v1/sessions/${mine.id}/tree`)
  const child = (JSON.parse(tree.text) as { nodes: { id: string }[] }).nodes.find(({ id }) => id !== mine.id)?.id
  if (child === undefined) throw new Error(`nothing was delegated: ${tree.text} ${below.length}`)
  await admin('POST', `/v1/sessions/${child}/messages`, { content: `say ${word}` })
  kept = {
    theirs: session.id,
    ref: done.data.ref ?? 'none',
    message: said.data.message,
    cursor,
    mine: mine.id,
    child,
    word,
  }
  expect(done.data.ref).toBeTruthy()
}, deadline)
afterAll(async () => {
  await world?.close()
  receiver?.closeAllConnections()
  receiver?.close()
}, deadline)

test(
  'what was said in a session of another agent is not seen by any cursor, reference, fork, tree, stream or webhook',
  async () => {
    const tally = new Tally()
    const uses = ['agent:mine:start', chatRun, 'session:mine:fork', 'usage:mine:read']
    const hooks = ['webhook:*:manage', 'webhook:*:read']
    const one = await principalWith(world, 'of-one-agent', [...uses, ...hooks, 'session:mine:read'])
    const only = await principalWith(world, 'of-one-session', [
      ...uses,
      ...['agent:mine:session:read', `execution:${kept.mine}:read`],
    ])
    const { port } = receiver.address() as AddressInfo
    const hook = await one('POST', '/v1/webhooks', { url: `http://127.0.0.1:${port}/`, on: ['*'] })
    expect(hook.status).toBe(201)
    await tryHistory(one, 'a token for one agent', kept, tally)
    await tryHistory(only, 'a token for one session', kept, tally)
    await world.api.turn(kept.theirs, `say ${word}`)
    await world.api.turn(kept.mine, 'say told')
    await eventually(() => told.some((body) => body.includes('told')), { withinMs: 60_000 })
    tally.note(
      'a token for one agent',
      'be told of it by a webhook',
      told.some((body) => body.includes(word)) ? 'got through' : 'refused',
    )
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  deadline,
)

test(
  'a webhook tells what its maker may read by now, and nothing after a ban',
  async () => {
    const tally = new Tally()
    await tryTakenAway(world, admin, kept, tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  2 * deadline,
)

test(
  'nobody erases what is not theirs to erase, and no fork keeps what was erased',
  async () => {
    const tally = new Tally()
    const { session } = await world.api.create('theirs', `say ${word}`)
    await world.settled(session.id)
    await world.api.control(session.id, 'end')
    const all = ['session:theirs:read', 'session:theirs:cancel', 'session:theirs:fork', 'agent:theirs:start', chatRun]
    const reader = await principalWith(world, 'reader', all)
    const other = await principalWith(world, 'eraser-of-mine', ['session:mine:erase', 'session:mine:read', ...all])
    const old = await principalWith(world, 'of-before', ['sessions:read', 'sessions:write'])
    for (const [who, ask] of [
      ['a reader', reader],
      ['who erases another agent', other],
      ['an older token', old],
    ] as const)
      await tryToErase(ask, who, session.id, tally)
    await tryErasingFrames(world, word, admin, tally)
    await tryErasingAtBroker(world, tally)
    expect((await admin('GET', `/v1/sessions/${session.id}/events`)).text).toContain(word)
    await tryForkingWhileErasing(world, word, admin, 4, tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  deadline,
)

test(
  'whoever reads what others write goes on, and believes nothing that is not the writer’s to say',
  async () => {
    const tally = new Tally()
    const { port } = receiver.address() as AddressInfo
    const made = await admin('POST', '/v1/webhooks', { url: `http://127.0.0.1:${port}/`, on: ['*'] })
    const { webhook } = JSON.parse(made.text) as { webhook: { id: string } }
    const { session } = await world.api.create('theirs', 'say begun')
    await world.settled(session.id)
    await tryReaders(world, { session: session.id, webhook: webhook.id, admin, told }, tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  deadline,
)
