// Forks over HTTP, against the in-memory journal.
import { frameHash, eventsJsonOf, emptyHead } from '@reins/contracts'
import { checkLog } from '@reins/session'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { World } from './world.ts'

let world: World
const may = (...permissions: readonly string[]) => ({ permissions: [...permissions] })
beforeAll(async () => {
  world = await World.start({
    tokens: {
      forker: may('session:helper:fork', 'session:helper:read', 'agent:helper:start', 'workflow:agents:agent_chat:run'),
      reads: may('session:*:read', 'agent:*:start', 'workflow:agents:agent_chat:run'),
      blind: may('session:*:fork', 'agent:*:start', 'workflow:agents:agent_chat:run'),
      stranger: may('session:other:fork', 'session:other:read', 'agent:*:start', 'workflow:agents:agent_chat:run'),
    },
  })
})
afterAll(() => world.close())

/** Two turns: the first message is in frame 1, the second in frame 4. */
async function conversation(): Promise<{ readonly id: string; readonly second: string }> {
  const { json } = await world.request('POST', '/v1/sessions', { body: { agent: 'helper', message: 'first' } })
  const id = json.session.id
  await world.turn(id, json.messageId, 'One.', 't1')
  const sent = await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content: 'second' } })
  await world.turn(id, sent.json.messageId, 'Two.', 't2')
  return { id, second: sent.json.messageId }
}

const fork = (id: string, body: unknown = {}, more: { token?: string; headers?: Record<string, string> } = {}) =>
  world.request('POST', `/v1/sessions/${id}/fork`, { body, ...more })

/** What a model would be sent. */
async function said(id: string): Promise<readonly string[]> {
  const { json } = await world.request('GET', `/v1/sessions/${id}/state`)
  return json.state.transcript.map((one: { content?: { text: string }[] }) => one.content?.[0]?.text)
}

async function sound(id: string): Promise<void> {
  const stored = (await world.frames(id)).map((frame) => ({ frame, eventsJson: eventsJsonOf(frame) }))
  expect(checkLog(id, stored).problems).toEqual([])
}

describe('a fork', () => {
  it('goes on behind the last frame, at rest, under whoever forked it, and reads what was before as its own', async () => {
    const { id } = await conversation()
    const { status, json } = await fork(id, {}, { token: 'forker' })
    expect(status).toBe(201)
    const forked = json.session.id
    expect(json.session).toMatchObject({
      ...{ agent: 'helper', status: 'idle', turns: 0, principal: 'forker', title: 'first' },
      forkedFrom: { session: id, frame: 6 },
      usage: { inputTokens: 0, outputTokens: 0 },
    })
    expect(await said(forked)).toEqual(['first', 'One.', 'second', 'Two.'])
    expect((await world.request('GET', `/v1/sessions/${forked}`)).json).toEqual(json.session)
    const { events } = (await world.request('GET', `/v1/sessions/${forked}/events`)).json
    const source = (await world.request('GET', `/v1/sessions/${id}/events`)).json
    const plain = (all: readonly { n: number; i: number; type: string }[]) => all.map(({ n, i, type }) => [n, i, type])
    expect(plain(events)).toEqual([...plain(source.events), [7, 0, 'session.forked']])
    for (const [at, { cursor }] of events.entries()) {
      const rest = await world.request('GET', `/v1/sessions/${forked}/events?after=${cursor}`)
      expect(plain(rest.json.events)).toEqual(plain(events.slice(at + 1)))
      expect((await world.request('GET', `/v1/sessions/${forked}/state?at=${cursor}`)).status).toBe(200)
    }
    expect(
      (await world.request('GET', `/v1/sessions/${forked}/events?after=${json.cursor}`)).json.events,
    ).toMatchObject([{ type: 'session.forked', data: { from: id, n: 6 } }])
    await sound(forked)
  })

  it('is chained on the hash of the frame that it names, which anybody can check from the frames', async () => {
    const { id } = await conversation()
    const { json } = await fork(id, { at: 3 })
    const { frames } = (await world.request('GET', `/v1/sessions/${json.session.id}/frames`)).json
    let previous = emptyHead(id).hash
    for (const frame of frames) {
      expect(frameHash(previous, frame, frame.events)).toBe(frame.hash)
      previous = frame.hash
    }
    expect(frames.map(({ n }: { n: number }) => n)).toEqual([1, 2, 3, 4])
    const page = await world.request('GET', `/v1/sessions/${json.session.id}/frames?after=${frames[1].seq}&limit=1`)
    expect(page.json).toMatchObject({ more: true, frames: [{ n: 3 }] })
  })

  it('says a message again with the images that it showed', async () => {
    const { id } = await conversation()
    const { json } = await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content: 'what is this?' } })
    const images = [{ type: 'image' as const, mimeType: 'image/png', ref: 'sha256-1', bytes: 9 }]
    await world.append(id, [{ type: 'images.attached', data: { message: json.messageId, images } }])
    const shown = async (body: object) => {
      const forked = (await fork(id, body)).json
      const { events } = (await world.request('GET', `/v1/sessions/${forked.session.id}/events?limit=1000`)).json
      const ofFork = events.filter(({ data }: { data: { message?: string } }) => data.message === forked.messageId)
      await sound(forked.session.id)
      return ofFork.flatMap(({ type, data }: { type: string; data: { images?: unknown } }) =>
        type === 'images.attached' ? [data.images] : [],
      )
    }
    expect(await shown({ again: true })).toEqual([images])
    expect(await shown({ before: json.messageId, message: 'something else' })).toEqual([])
  })

  it('begins before a message, with another one or the same, and goes on by itself', async () => {
    const { id, second } = await conversation()
    const other = await fork(id, { before: second, message: 'instead' })
    expect(other.json).toMatchObject({ session: { forkedFrom: { session: id, frame: 3 } } })
    const forked = other.json.session.id
    await world.turn(forked, other.json.messageId, 'Else.', 't5')
    expect(await said(forked)).toEqual(['first', 'One.', 'instead', 'Else.'])
    const again = await fork(id, { again: true })
    await world.turn(again.json.session.id, again.json.messageId, 'Two again.', 't5')
    expect(await said(again.json.session.id)).toEqual(['first', 'One.', 'second', 'Two again.'])
    expect((await world.request('GET', `/v1/sessions/${again.json.session.id}`)).json).toMatchObject({
      turns: 1,
      usage: { inputTokens: 3, outputTokens: 2 },
    })
    expect(await said(id)).toEqual(['first', 'One.', 'second', 'Two.'])
    await sound(forked)
    await sound(again.json.session.id)
  })

  it('begins before the first message of all, with nothing said', async () => {
    const { id } = await conversation()
    const { events } = (await world.request('GET', `/v1/sessions/${id}/events`)).json
    const first = events.find(({ type }: { type: string }) => type === 'message.received').data.message
    const { json } = await fork(id, { before: first })
    expect(json.session).toMatchObject({ forkedFrom: { session: id, frame: 1 }, status: 'idle' })
    expect(await said(json.session.id)).toEqual([])
  })

  it('can be forked: of what it has from another session, as a fork of that one', async () => {
    const { id } = await conversation()
    const one = (await fork(id)).json.session.id
    const sent = await world.request('POST', `/v1/sessions/${one}/messages`, { body: { content: 'third' } })
    await world.turn(one, sent.json.messageId, 'Three.', 't9')
    const two = (await fork(one)).json.session
    expect(two.forkedFrom).toEqual({ session: one, frame: 10 })
    expect(await said(two.id)).toEqual(['first', 'One.', 'second', 'Two.', 'third', 'Three.'])
    expect((await fork(two.id, { at: 3 })).json.session.forkedFrom).toEqual({ session: id, frame: 3 })
    await sound(two.id)
  })

  it('of an ended session goes on', async () => {
    const { id } = await conversation()
    await world.append(id, [{ type: 'session.ended', data: { reason: 'done' } }], { status: 'ended' })
    const { json } = await fork(id, { message: 'go on' })
    expect(json.session.status).toBe('idle')
    await world.turn(json.session.id, json.messageId, 'On.', 't9')
    expect((await said(json.session.id)).slice(-2)).toEqual(['go on', 'On.'])
  })

  it('is made once for one key, also where the source has gone on since', async () => {
    const { id } = await conversation()
    const headers = { 'idempotency-key': 'fork-once' }
    const first = await fork(id, {}, { headers })
    await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content: 'more' } })
    const again = await fork(id, {}, { headers })
    expect([again.status, again.json]).toEqual([first.status, first.json])
    world.idempotency.forgetOutcomes = true
    const lost = await fork(id, {}, { headers: { 'idempotency-key': 'fork-lost' } })
    const found = await fork(id, {}, { headers: { 'idempotency-key': 'fork-lost' } })
    world.idempotency.forgetOutcomes = false
    expect(found.json.session.id).toBe(lost.json.session.id)
  })
})

describe('a fork is refused', () => {
  it.each([
    [{ at: 99 }, /has 6 frames/],
    [{ at: 2, before: 'm' }, /at or before, not both/],
    [{ message: 'x', again: true }, /message or again, not both/],
    [{ at: 2, again: true }, /again needs before/],
    [{ before: 'nothing' }, /has no message nothing/],
    [{ at: 0 }, /at/],
  ])('for %j', async (body, why) => {
    const { id } = await conversation()
    const { status, json } = await fork(id, body)
    expect([status, json.error.code]).toEqual([400, 'invalid_request'])
    expect(json.error.message).toMatch(why)
  })

  it('to whoever may not fork it, not read it, or not start its agent; a stranger is not told that it is there', async () => {
    const { id } = await conversation()
    expect((await fork(id, {}, { token: 'reads' })).status).toBe(403)
    expect((await fork(id, {}, { token: 'blind' })).status).toBe(403)
    expect((await fork(id, {}, { token: 'stranger' })).status).toBe(404)
    expect((await fork('01JZZZZZZZZZZZZZZZZZZZZZZZ')).status).toBe(404)
  })

  it('where it would be a fork of too many forks', async () => {
    let { id } = await conversation()
    for (let depth = 1; depth <= 16; depth++) id = (await fork(id)).json.session.id
    expect(await said(id)).toHaveLength(4)
    const { status, json } = await fork(id)
    expect([status, json.error.message]).toEqual([400, expect.stringMatching(/at most 16 forks/)])
  })
})
