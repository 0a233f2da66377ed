// The client against the gateway that it is made for.
import { createClient, type FollowItem } from '@reins/client'
import { ReinsError } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { begin, definition, finish, token, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(async () => {
  expect(await world.close()).toEqual([])
})

const client = () => createClient({ baseUrl: world.url, token })

describe('the client', () => {
  test('starts, sends, waits, steers, reads', async () => {
    const { sessions, pools, health } = client()
    const { session, messageId } = await sessions.create({ agent: 'helper', message: 'Hi' }, { idempotencyKey: 'c1' })
    expect((await sessions.create({ agent: 'helper', message: 'Hi' }, { idempotencyKey: 'c1' })).session.id).toBe(
      session.id,
    )
    await world.turn(session.id, messageId!)
    const subscription = world.journal.feed.frames(session.id, ({ frame }) => {
      const [event] = frame.events
      if (event?.type !== 'message.received') return
      subscription.close()
      void world.turn(session.id, event.data.message, 'Again.', 't2')
    })
    const { turn } = await sessions.sendAndWait(session.id, { content: 'And?' })
    expect(turn).toMatchObject({ id: 't2', status: 'completed', content: 'Again.' })
    expect((await sessions.pause(session.id)).status).toBe('paused')
    expect((await sessions.resume(session.id)).status).toBe('idle')
    expect((await sessions.get(session.id)).turns).toBe(2)
    expect((await sessions.state(session.id)).status).toBe('idle')
    const page = await sessions.events(session.id, { limit: 2 })
    expect(page.events.map(({ type }) => type)).toEqual(['session.started', 'message.received'])
    expect((await pools()).length).toBe(2)
    expect((await health()).status).toBe('ok')
    expect((await client().agents.get('helper')).definition).toEqual(definition)
  })

  test('throws what the server says', async () => {
    const missing = client().sessions.get('01HZZZZZZZZZZZZZZZZZZZZZZZ')
    await expect(missing).rejects.toBeInstanceOf(ReinsError)
    await expect(missing).rejects.toMatchObject({ code: 'session_not_found', next: expect.any(String) })
    await expect(createClient({ baseUrl: world.url, token: 'x' }).sessions.list()).rejects.toMatchObject({
      code: 'unauthorized',
    })
    await expect(
      client().agents.put('helper', { definition }, { kind: 'update', digest: 'no digest' }),
    ).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('follows a session through a gateway that goes away and comes back elsewhere', async () => {
    const first = await World.start()
    const id = await first.session()
    const second = await World.start({ config: { sessions: first.journal.sessions, feed: first.journal.feed } })
    let at = first.url
    const stop = new AbortController()
    const following = createClient({
      baseUrl: 'http://gateway',
      token,
      fetch: (url, init) => fetch(url.replace('http://gateway', at), init),
      wait: async () => {},
    })
    const got: string[] = []
    const show = (item: FollowItem) =>
      'state' in item
        ? item.state
        : 'n' in item
          ? `${item.n}.${item.i} ${item.type}`
          : item.type === 'delta'
            ? `${item.data.offset}:${item.data.text}`
            : item.type
    for await (const item of following.sessions.follow(id, { signal: stop.signal })) {
      got.push(show(item))
      if (got.at(-1) === '1.0 session.started') await first.append(id, [...begin('t1', 'm')], { status: 'running' })
      if (got.at(-1) === '2.1 model-call.started') first.delta(id, 'Hel', 0)
      if (got.at(-1) === '0:Hel') {
        at = second.url
        first.delta(id, 'lo', 3)
        await first.close()
      }
      if (got.at(-1) === '3:lo') await first.append(id, [...finish('t1', 'Hello')], { status: 'idle' })
      if (got.at(-1) === '3.1 turn.completed') stop.abort()
    }
    expect(got.filter((one) => one !== 'lost' && one !== 'back')).toEqual([
      '1.0 session.started',
      '2.0 turn.started',
      '2.1 model-call.started',
      '0:Hel',
      '3:lo',
      '3.0 model-call.completed',
      '3.1 turn.completed',
    ])
    expect(got.filter((one) => one === 'lost' || one === 'back')).toEqual(['lost', 'back'])
    await second.close()
  })

  test('does not follow what cannot be followed', async () => {
    const take = async (options: { id?: string; bearer?: string; after?: string }) => {
      const { id = await world.session(), bearer = token, after } = options
      const one = createClient({ baseUrl: world.url, token: bearer })
      for await (const item of one.sessions.follow(id, after === undefined ? {} : { after })) return item.type
    }
    await expect(take({ bearer: 'wrong' })).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(take({ id: '01HZZZZZZZZZZZZZZZZZZZZZZZ' })).rejects.toMatchObject({ code: 'session_not_found' })
    await expect(take({ after: 'AAAA' })).rejects.toMatchObject({ code: 'invalid_cursor' })
    expect(await take({})).toBe('session.started')
  })
})
