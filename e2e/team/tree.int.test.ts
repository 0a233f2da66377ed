// The tree of a delegation as one thing, on real processes: looked at, followed over cut connections, answered, cancelled, paused.
import type {
  ApiDelta,
  ApiEvent,
  ApprovalList,
  ControlAccepted,
  SessionTree,
  StreamItem,
  TreeStop,
} from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { World } from '../harness/world.ts'
import { childAt, dataOf, delegate, sound } from './events.ts'

const deadline = 180_000
let world: World

beforeAll(async () => {
  world = await World.open()
  await world.start('registry')
  await Promise.all([
    world.start('session-gateway'),
    world.start('session-gateway'),
    world.start('executor'),
    world.start('executor'),
    world.start('tool-runner'),
    world.start('memory'),
  ])
  await world.agent('helper', { description: 'Delegate what must be looked up.' })
  await world.agent('careful', {
    description: 'Delegate what a person must see first.',
    tools: [{ shell: { approval: 'always' } }],
  })
  await world.agent('middle', { description: 'Delegate what has parts.', agents: ['helper', 'careful'] })
  await world.agent('lead', { agents: ['helper', 'middle', 'careful'] })
}, deadline)

afterAll(() => world?.close(), deadline)

const begin = async (...instructions: readonly string[]): Promise<string> =>
  (await world.api.create('lead', instructions.join(' & '))).session.id
/** What separates commands is no separator inside of an instruction. */
const asked = (agent: string, instruction: string) => delegate({ agent, instruction }).replaceAll('&', '\\u0026')
const helper = (instruction: string) => asked('helper', instruction)
const middle = (instruction: string) => asked('middle', instruction)

const treeOf = async (session: string): Promise<SessionTree> =>
  (await world.api.once<SessionTree>('GET', `/v1/sessions/${session}/tree`)).body
const states = ({ nodes }: SessionTree) => nodes.map(({ agent, depth, state }) => `${depth} ${agent} ${state}`)
const stopOf = async (session: string): Promise<TreeStop | null> =>
  (
    await world.api.once<{ stop: TreeStop | null }>('GET', `/v1/sessions/${session}/stop?wait=true`, undefined, {
      withinMs: 90_000,
    })
  ).body.stop
const child = (session: string, at = 0) => eventually(async () => (await childAt(world, session, at)) || undefined)

test(
  'shows who runs, who waits and for what, and sums up each branch',
  async () => {
    const session = await begin(middle(helper('hang')), helper('say done'))
    const shown = await eventually(async () => {
      const tree = await treeOf(session)
      const wanted = '0 lead waiting; 1 middle waiting; 2 helper running; 1 helper completed'
      // The lead hears of the end of its helper a moment later.
      return states(tree).join('; ') === wanted && tree.nodes[0]?.doing.length === 1 && tree
    })
    expect(shown.nodes.map(({ branch }) => branch.sessions)).toEqual([4, 2, 1, 1])
    expect(shown.nodes[0]).toMatchObject({
      doing: [{ name: 'middle', child: shown.nodes[1]?.id }],
      branch: { running: 1, waiting: 2, failed: 0 },
    })
    expect(shown.nodes[0]?.branch.usage.inputTokens).toBe(
      shown.nodes.reduce((sum, { usage }) => sum + usage.inputTokens, 0),
    )
    await world.api.control(session, 'cancel')
    await sound(world, session)
    const after = await eventually(async () => {
      const tree = await treeOf(session)
      return tree.nodes.every(({ state }) => state !== 'running' && state !== 'waiting') && tree
    })
    expect(states(after)).toEqual([
      '0 lead cancelled',
      '1 middle cancelled',
      '2 helper cancelled',
      '1 helper completed',
    ])
  },
  deadline,
)

/** Items of a tree until `enough`, over connections that are cut again and again, each at the next gateway, with the cursor so far. */
async function followTree(
  session: string,
  enough: (items: readonly StreamItem[]) => boolean,
): Promise<readonly StreamItem[]> {
  const items: StreamItem[] = []
  let cursor: string | undefined
  for (let gateway = 0; !enough(items); gateway++) {
    const connection = new AbortController()
    const after = cursor === undefined ? '' : `&after=${cursor}`
    const response = await fetch(`${world.api.url(gateway)}/v1/sessions/${session}/events?tree=true${after}`, {
      headers: { ...world.api.headers, accept: 'application/x-ndjson' },
      signal: AbortSignal.any([connection.signal, AbortSignal.timeout(60_000)]),
    })
    let rest = ''
    let taken = 0
    const decoder = new TextDecoder()
    const reader = response.body!.getReader()
    while (taken < 7 + gateway && !enough(items)) {
      const { done, value } = await reader.read()
      if (done) break
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '') continue
        const item = JSON.parse(line) as StreamItem
        items.push(item)
        cursor = item.cursor
        if (++taken >= 7 + gateway) break
      }
    }
    connection.abort()
    await reader.cancel().catch(() => undefined)
  }
  return items
}

const isDelta = (item: StreamItem): item is ApiDelta => item.type === 'delta'
const isEvent = (item: StreamItem): item is ApiEvent => 'n' in item

test(
  'is followed in one order by one cursor, over cut connections and two gateways, with no gap and no repeat',
  async () => {
    const session = await begin(
      helper('stream 60 every 30'),
      middle(helper('stream 60 every 30')),
      helper('stream 60 every 30'),
    )
    const items = await followTree(session, (all) =>
      all.some((item) => isEvent(item) && item.session === session && item.type === 'turn.completed'),
    )
    const events = items.filter(isEvent)
    for (const one of new Set(events.map((event) => event.session ?? ''))) {
      const own = events.filter((event) => event.session === one).map(({ n, i }) => `${n}.${i}`)
      const log = (await world.readLog(one)).flatMap(({ frame }) => frame.events.map((_, i) => `${frame.n}.${i}`))
      expect([one, own]).toEqual([one, log.slice(0, own.length)])
    }
    expect(new Set(events.map((event) => event.session)).size).toBe(5)
    // Of each answer each character once, in its order, whoever else was writing.
    const ends = new Map<string, number>()
    for (const { session: whose, data } of items.filter(isDelta)) {
      const key = `${whose}/${data.call}/${data.attempt}/${data.block}`
      expect([key, data.offset]).toEqual([key, ends.get(key) ?? 0])
      ends.set(key, data.offset + data.text.length)
    }
    expect(ends.size).toBeGreaterThanOrEqual(3)
    await sound(world, session)
  },
  deadline,
)

test(
  'lists what waits for people anywhere in it, and is answered by the id of the session that waits',
  async () => {
    const session = await begin(middle(asked('careful', '!shell echo seen')))
    const waiting = await eventually(async () => {
      const { body } = await world.api.once<ApprovalList>('GET', `/v1/approvals?tree=${session}`)
      return body.approvals?.[0]
    })
    expect(waiting).toMatchObject({ agent: 'careful', name: 'shell', state: 'waiting' })
    const other = await begin(helper('say nothing'))
    expect((await world.api.once<ApprovalList>('GET', `/v1/approvals?tree=${other}`)).body.approvals).toEqual([])
    const { status } = await world.api.once('POST', `/v1/sessions/${waiting.session}/approvals/${waiting.call}`, {
      verdict: 'approved',
      digest: waiting.digest,
    })
    expect(status).toBe(202)
    await sound(world, session, waiting.session)
    expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([{ status: 'completed' }])
  },
  deadline,
)

test(
  'is cancelled with a receipt of each session, and what had run is listed',
  async () => {
    const session = await begin(middle(helper('!shell touch here && then hang')), helper('hang'))
    const first = await child(session)
    const leaf = await child(first)
    await eventually(async () => (await dataOf(world, leaf, 'model-call.started')).length > 1)
    await world.api.control(session, 'cancel')
    expect(await stopOf(session)).toMatchObject({
      what: 'cancel',
      complete: true,
      sessions: 4,
      ran: [{ session: leaf, agent: 'helper', name: 'shell', how: 'done' }],
      pending: [],
    })
    await sound(world, session, first, leaf, await child(session, 1))
    const receipts = (await dataOf(world, session, 'delegation.settled')).filter(({ stopped }) => stopped)
    expect(receipts.map(({ stopped }) => stopped?.sessions).sort()).toEqual([1, 2])
    expect(await dataOf(world, leaf, 'turn.cancelled')).toMatchObject([{ ran: [{ name: 'shell', how: 'done' }] }])
  },
  deadline,
)

test(
  'is cancelled while it still grows: no session of it goes on',
  async () => {
    const grows = Array.from({ length: 4 }, () => middle([1, 2, 3].map(() => helper('hang')).join(' & ')))
    const session = await begin(...grows)
    await child(session)
    await world.api.control(session, 'cancel')
    expect(await stopOf(session)).toMatchObject({ what: 'cancel', complete: true, pending: [] })
    const known = (await world.readLog()).length
    expect(known).toBeGreaterThan(0)
    const { nodes } = await treeOf(session)
    for (const { id } of nodes) await sound(world, id)
    expect((await treeOf(session)).nodes.filter(({ state }) => state === 'running' || state === 'queued')).toEqual([])
  },
  deadline,
)

test(
  'is paused with a receipt of each session, and goes on where the pause had paused it',
  async () => {
    const session = await begin(middle(helper('stream 20 every 20')), helper('!shell sleep 1 && then say two'))
    const first = await child(session)
    const leaf = await child(first)
    const second = await child(session, 1)
    const accepted = await world.api.once<ControlAccepted>('POST', `/v1/sessions/${session}/pause?tree=true`)
    expect(accepted.status).toBe(202)
    const stop = await stopOf(session)
    expect(stop).toMatchObject({ what: 'pause', complete: true, pending: [] })
    const paused = await treeOf(session)
    for (const { id, state } of paused.nodes)
      expect([id, ['paused', 'completed']]).toEqual([id, expect.arrayContaining([state])])
    expect((await world.api.once('POST', `/v1/sessions/${session}/pause?tree=true`)).status).toBe(200)
    await world.api.control(session, 'resume')
    await sound(world, session, first, leaf, second)
    expect((await dataOf(world, session, 'delegation.settled')).map(({ status }) => status)).toEqual([
      'completed',
      'completed',
    ])
    expect(await dataOf(world, session, 'turn.completed')).toHaveLength(1)
  },
  deadline,
)
