// The tree of a delegation over HTTP: from the index and the tail of the stream, or from the stream alone.
import { type IndexedTree, type SessionTree, serviceSubject } from '@reins/contracts'
import { emptyInfo, foldInfo, infoOf } from '@reins/session'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { begin, finish, World } from './world.ts'

let world: World
let root: string
let child: string
beforeAll(async () => {
  world = await World.start()
  root = await world.session()
  child = `${root}-0123456789abcdef`
  await world.append(root, [...begin('t1', 'm')], { status: 'running' })
  await world.append(
    root,
    [
      {
        type: 'delegation.requested',
        data: { call: 'k1', agent: 'looker', digest: 'd', child, pool: 'default', instruction: 'look' },
      },
    ],
    { status: 'waiting' },
  )
  await world.append(child, [
    {
      type: 'session.started',
      data: {
        ...{ agent: 'looker', digest: 'd', model: 'scripted/echo', tools: {}, limits: { maxToolCalls: 10 } },
        ...{ pools: { executor: 'default', tools: 'default' }, parent: { session: root, call: 'k1', pool: 'default' } },
      },
    },
    { type: 'message.received', data: { message: 'm-k1', content: [{ type: 'text', text: 'look' }], onBusy: 'queue' } },
  ])
})
afterAll(() => world.close())

const tree = async (id = root) => {
  const { status, json } = await world.request('GET', `/v1/sessions/${id}/tree`)
  expect(status).toBe(200)
  return json as SessionTree
}
const shown = ({ nodes }: SessionTree) => nodes.map(({ id, depth, state }) => [id, depth, state])

test('without an index it is read from the stream, with what each session does and waits for', async () => {
  const answer = await tree()
  expect(shown(answer)).toEqual([
    [root, 0, 'waiting'],
    [child, 1, 'queued'],
  ])
  expect(answer.nodes).toMatchObject([
    { agent: 'helper', doing: [{ call: 'k1', name: 'looker', child }], branch: { sessions: 2, waiting: 1 } },
    { agent: 'looker', parent: root, call: 'k1', branch: { sessions: 1 } },
  ])
  expect((await tree(child)).root).toBe(root)
})

test('its cursor is one of the tree: what happens behind it is the next that is told', async () => {
  const { cursor } = await tree()
  await world.append(child, [...begin('t1', 'm-k1')], { status: 'running' })
  const { json } = await world.request('GET', `/v1/sessions/${root}/events?tree=true&after=${cursor}`)
  expect(json.events.map((event: { session: string; type: string }) => [event.session, event.type])).toEqual([
    [child, 'turn.started'],
    [child, 'model-call.started'],
  ])
})

test('with an index only what the index does not account for is read from the stream', async () => {
  const reads: number[] = []
  const { sessions } = world.journal
  const readTree = sessions.readTree.bind(sessions)
  sessions.readTree = (id, options = {}) => {
    reads.push(options.after ?? 0)
    return readTree(id, options)
  }
  const indexed = async (session: string) => {
    const frames = await world.frames(session)
    const fold = frames.reduce((info, frame) => foldInfo(info, frame), emptyInfo)
    const { seq, n } = fold.last
    return { info: infoOf(session, fold), work: fold.work, faulted: fold.faulted, seq, n }
  }
  const rows = [await indexed(root), await indexed(child)]
  const upTo = Math.max(...rows.map(({ seq }) => seq))
  const value: IndexedTree = { upTo, sessions: rows }
  world.replies[serviceSubject('memory', 'sessions.tree')] = { ok: true, value }
  expect(shown(await tree())).toEqual([
    [root, 0, 'waiting'],
    [child, 1, 'running'],
  ])
  await world.append(child, [...finish('t1', 'Found.')], { status: 'idle' })
  const answer = await tree()
  expect(shown(answer)[1]).toEqual([child, 1, 'completed'])
  expect(answer.nodes[0]?.branch.usage).toMatchObject({ inputTokens: 3, outputTokens: 2 })
  expect(reads.every((after) => after >= upTo - 1)).toBe(true)
})

test('of a session that does not exist is not found, and needs the right to read sessions', async () => {
  expect((await world.request('GET', '/v1/sessions/01HZZZZZZZZZZZZZZZZZZZZZZZ/tree')).status).toBe(404)
  expect((await world.request('GET', `/v1/sessions/${root}-fedcba9876543210/tree`)).status).toBe(404)
  expect((await world.request('GET', `/v1/sessions/${root}/tree`, { token: null })).status).toBe(401)
})

test('a session of which something cannot be read hides no other one, and is named to whoever may read it', async () => {
  const { sessions } = world.journal
  const readTree = sessions.readTree.bind(sessions)
  sessions.readTree = async (id, options = {}) => {
    options.onUnreadable?.(child)
    return (await readTree(id, options)).filter(({ session }) => session !== child)
  }
  world.replies[serviceSubject('memory', 'sessions.tree')] = {
    ...{ ok: false, error: { code: 'unavailable', message: 'away', details: {} } },
  }
  const answer = await tree()
  expect(answer.unreadable).toEqual([child])
  expect(answer.nodes.map(({ id }) => id)).toEqual([root])
  const { status, json } = await world.request('GET', `/v1/sessions/${root}/events?tree=true`)
  expect(status).toBe(200)
  expect(json.unreadable).toEqual([child])
  expect(json.events.length).toBeGreaterThan(0)
})
