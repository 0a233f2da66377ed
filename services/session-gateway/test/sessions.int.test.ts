import { emptyHead, frameHash, instanceSessionId, poolKey, type SessionEvent } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { begin, endCursor, finish, usage, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(async () => {
  expect(await world.close()).toEqual([])
})

const pool = poolKey({ browser: 'true' })
const types = async (session: string) =>
  (await world.frames(session)).map((frame) => frame.events.map(({ type }) => type))

describe('starting a session', () => {
  test('without a message appends one frame to the log, at rest, and makes both pools', async () => {
    const { status, json } = await world.request('POST', '/v1/sessions', { body: { agent: 'helper', title: 'Mine' } })
    expect(status).toBe(201)
    expect(json.session).toMatchObject({
      agent: 'helper',
      model: 'scripted/echo',
      status: 'idle',
      title: 'Mine',
      turns: 0,
    })
    const [frame] = await world.frames(json.session.id)
    expect(frame).toMatchObject({ n: 1, prev: 0, role: 'g', by: 'user:admin', status: 'idle', pool, needs: 1 })
    expect(frame?.fault).toBeUndefined()
    expect(frame?.events).toEqual([
      {
        type: 'session.started',
        data: {
          ...{ agent: 'helper', digest: json.session.digest, model: 'scripted/echo', title: 'Mine' },
          ...{ pools: { executor: pool, tools: pool }, limits: { maxToolCalls: 10 } },
          tools: { read_file: 'safe', edit_file: 'never' },
          principal: 'admin',
          toolset: [
            { name: 'read_file', source: 'builtin', replay: 'safe', risk: 'read', digest: 'd1' },
            { name: 'edit_file', source: 'builtin', replay: 'never', risk: 'write', digest: 'd2' },
          ],
        },
      },
    ])
    expect((await world.journal.work.pools()).map(({ key, kind }) => [kind, key])).toEqual([
      ['exec', pool],
      ['tool', pool],
    ])
    expect((await world.journal.work.backlog('exec', pool)).backlog).toBe(0)
  })

  test('with a message wakes an executor with the same frame, and answers a cursor from which all of it is read', async () => {
    const { json } = await world.request('POST', '/v1/sessions', { body: { agent: 'helper', message: 'Hi there' } })
    const { id } = json.session
    expect(json.session.title).toBe('Hi there')
    expect(await types(id)).toEqual([['session.started', 'message.received']])
    expect((await world.journal.work.backlog('exec', pool)).backlog).toBe(1)
    const page = await world.request('GET', `/v1/sessions/${id}/events?after=${json.cursor}`)
    expect(page.json.events.map((event: { type: string }) => event.type)).toEqual([
      'session.started',
      'message.received',
    ])
    expect(page.json.events[1].data).toEqual({
      message: json.messageId,
      content: [{ type: 'text', text: 'Hi there' }],
      onBusy: 'queue',
    })
  })

  test('with an instance finds the session that is there, and sends the message into it', async () => {
    const body = { agent: 'helper', instance: 'alice', message: 'one' }
    const first = await world.request('POST', '/v1/sessions', { body })
    const again = await world.request('POST', '/v1/sessions', { body: { ...body, message: 'two' } })
    const quiet = await world.request('POST', '/v1/sessions', { body: { agent: 'helper', instance: 'alice' } })
    const other = await world.request('POST', '/v1/sessions', { body: { ...body, session: 'work' } })
    expect([first.status, again.status, quiet.status, other.status]).toEqual([201, 200, 200, 201])
    expect(first.json.session.id).toBe(instanceSessionId('helper', 'alice', 'default'))
    expect([again.json.session.id, quiet.json.session.id]).toEqual([first.json.session.id, first.json.session.id])
    expect(other.json.session.id).not.toBe(first.json.session.id)
    expect(await types(first.json.session.id)).toEqual([['session.started', 'message.received'], ['message.received']])
  })

  test('many at once with one instance make one session', async () => {
    const body = { agent: 'helper', instance: 'crowd' }
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.request('POST', '/v1/sessions', { body })))
    expect(new Set(answers.map(({ json }) => json.session.id)).size).toBe(1)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(await types(answers[0]?.json.session.id)).toEqual([['session.started']])
  })
})

describe('sending a message', () => {
  const send = (id: string, body: unknown) => world.request('POST', `/v1/sessions/${id}/messages`, { body })
  const lastTo = async (id: string) => {
    const before = (await world.journal.work.backlog('exec', pool)).backlog
    return { before, after: async () => (await world.journal.work.backlog('exec', pool)).backlog - before, id }
  }

  test('wakes a session at rest and keeps its status', async () => {
    const id = await world.session()
    const woken = await lastTo(id)
    const { status, json } = await send(id, { content: [{ type: 'text', text: 'Hi' }] })
    expect(status).toBe(202)
    expect(await woken.after()).toBe(1)
    const frame = (await world.frames(id)).at(-1)!
    expect(frame).toMatchObject({ n: 2, role: 'g', status: 'idle', pool })
    expect(frame.events).toEqual([
      {
        type: 'message.received',
        data: { message: json.messageId, content: [{ type: 'text', text: 'Hi' }], onBusy: 'queue' },
      },
    ])
  })

  test.each(['running', 'waiting', 'paused', 'quarantined'] as const)(
    'goes to the log of a session that is %s',
    async (status) => {
      const id = await world.session()
      await world.append(id, [], { status })
      const woken = await lastTo(id)
      expect((await send(id, { content: 'queue' })).status).toBe(202)
      expect((await send(id, { content: 'join', onBusy: 'join' })).status).toBe(202)
      expect(await woken.after()).toBe(0)
      expect((await send(id, { content: 'interrupt', onBusy: 'interrupt' })).status).toBe(202)
      expect(await woken.after()).toBe(1)
      const busy = await send(id, { content: 'reject', onBusy: 'reject' })
      expect([busy.status, busy.json.error.code]).toEqual([409, 'session_busy'])
      expect((await world.frames(id)).slice(1).map((frame) => frame.status)).toEqual([status, status, status, status])
    },
  )

  test('that asks to be rejected is refused while another one waits for its turn, and taken when none does', async () => {
    const id = await world.session()
    expect((await send(id, { content: 'first', onBusy: 'reject' })).status).toBe(202)
    const busy = await send(id, { content: 'second', onBusy: 'reject' })
    expect([busy.status, busy.json.error.code]).toEqual([409, 'session_busy'])
    expect((await world.frames(id)).map((frame) => frame.status)).toEqual(['idle', 'idle'])
  })

  test('decides again when somebody appended meanwhile, and is in once', async () => {
    const id = await world.session()
    const sent = await Promise.all(Array.from({ length: 10 }, (_, i) => send(id, { content: `m${i}` })))
    await world.append(id, [], { status: 'running' })
    expect(sent.map(({ status }) => status)).toEqual(Array(10).fill(202))
    const frames = await world.frames(id)
    expect(frames.map(({ n }) => n)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
  })

  test('never lowers the protocol that the session needs', async () => {
    const id = await world.session()
    const head = await world.journal.sessions.head(id)
    await world.journal.sessions.append(
      id,
      { ...head, id: 'newer', n: 2, prev: head.seq, at: 1, by: 'x', role: 'e', needs: 7, events: [] },
      { kind: 'log' },
      head.hash,
    )
    await send(id, { content: 'Hi' })
    expect((await world.journal.sessions.head(id)).needs).toBe(7)
  })

  test('is refused by an ended session, and nothing is appended', async () => {
    const id = await world.session()
    await world.append(id, [{ type: 'session.ended', data: { reason: 'requested' } }], { status: 'ended' })
    const { status, json } = await send(id, { content: 'Hi' })
    expect([status, json.error.code]).toEqual([409, 'session_ended'])
    expect(await world.frames(id)).toHaveLength(2)
  })
})

describe('waiting for the turn', () => {
  /** Answers the next message of the session, whenever it comes. */
  const answerNext = (id: string, events: (message: string) => readonly SessionEvent[][]) => {
    const subscription = world.journal.feed.frames(id, ({ frame }) => {
      const received = frame.events.find((event) => event.type === 'message.received')
      if (received?.type !== 'message.received') return
      subscription.close()
      void (async () => {
        for (const one of events(received.data.message)) await world.append(id, one, { status: 'idle' })
      })()
    })
  }

  test('answers with the answer and what it used', async () => {
    const id = await world.session()
    answerNext(id, (message) => [[...begin('t1', message)], [...finish('t1', 'Hello.')]])
    const { status, json } = await world.request('POST', `/v1/sessions/${id}/messages?wait=turn`, {
      body: { content: 'Hi' },
    })
    expect(status).toBe(200)
    expect(json).toEqual({
      turn: { id: 't1', status: 'completed', content: 'Hello.', usage, reason: 'answered' },
      messageId: json.messageId,
      cursor: endCursor(id, (await world.frames(id)).at(-1)!),
    })
  })

  test('answers for a message that joined a turn, failed, or was dropped', async () => {
    const id = await world.session()
    await world.append(id, [...begin('t1', 'earlier')], { status: 'running' })
    answerNext(id, (message) => [
      [{ type: 'message.joined', data: { message, turn: 't1' } }],
      [...finish('t1', 'Both.')],
    ])
    const joined = await world.request('POST', `/v1/sessions/${id}/messages?wait=turn`, {
      body: { content: 'And', onBusy: 'join' },
    })
    expect(joined.json.turn).toMatchObject({ id: 't1', status: 'completed', content: 'Both.' })
    answerNext(id, (message) => [
      [...begin('t2', message)],
      [{ type: 'turn.failed', data: { turn: 't2', usage, error: { code: 'auth', message: 'No key.' } } }],
    ])
    const failed = await world.request('POST', `/v1/sessions/${id}/messages?wait=turn`, { body: { content: 'x' } })
    expect(failed.json.turn).toMatchObject({ id: 't2', status: 'failed', error: { code: 'auth', message: 'No key.' } })
    answerNext(id, (message) => [[{ type: 'message.dropped', data: { message, reason: 'cancelled' } }]])
    const dropped = await world.request('POST', `/v1/sessions/${id}/messages?wait=turn`, { body: { content: 'y' } })
    expect(dropped.json.turn).toMatchObject({ status: 'cancelled', reason: 'cancelled' })
  })

  test('on a new session gives the session and the turn', async () => {
    const body = { agent: 'helper', instance: 'waiting', message: 'Hi' }
    const id = instanceSessionId('helper', 'waiting', 'default')
    answerNext(id, (message) => [[...begin('t1', message)], [...finish('t1', 'Hello.')]])
    const { status, json } = await world.request('POST', '/v1/sessions?wait=turn', { body })
    expect(status).toBe(201)
    expect(json).toMatchObject({ session: { id }, turn: { status: 'completed', content: 'Hello.' } })
    const without = await world.request('POST', '/v1/sessions?wait=turn', { body: { agent: 'helper' } })
    expect([without.status, without.json.error.code]).toEqual([400, 'invalid_request'])
  })

  test('that takes too long is told so, with where to read on', async () => {
    const slow = await World.start({ limits: { turnWithinMs: 1 } })
    const id = await slow.session()
    const { status, json } = await slow.request('POST', `/v1/sessions/${id}/messages?wait=turn`, {
      body: { content: 'Hi' },
    })
    expect([status, json.error.code]).toEqual([504, 'timed_out'])
    const page = await slow.request('GET', `/v1/sessions/${id}/events?after=${json.error.details.cursor}`)
    expect(page.status).toBe(200)
    await slow.close()
  })
})

describe('shutting down', () => {
  test('lets nobody wait for a turn, and loses no message', async () => {
    const other = await World.start()
    const id = await other.session()
    const { promise, resolve } = Promise.withResolvers<void>()
    const subscription = other.journal.feed.frames(id, () => resolve())
    const waiting = other.request('POST', `/v1/sessions/${id}/messages?wait=turn`, { body: { content: 'Hi' } })
    await promise
    subscription.close()
    expect(await other.close()).toEqual([])
    const { status, json } = await waiting
    expect([status, json.error.code]).toEqual([503, 'unavailable'])
    expect(json.error.details.messageId).toBeTruthy()
    expect(await other.frames(id)).toHaveLength(2)
  })
})

describe('steering a session', () => {
  const post = (id: string, verb: string) => world.request('POST', `/v1/sessions/${id}/${verb}`)

  test('cancel and end ask an executor; pause goes to the log; resume wakes', async () => {
    const id = await world.session()
    const before = (await world.journal.work.backlog('exec', pool)).backlog
    const answers = []
    for (const verb of ['cancel', 'pause', 'resume', 'end']) answers.push(await post(id, verb))
    expect(answers.map(({ status, json }) => [status, json.status])).toEqual([
      [202, 'idle'],
      [202, 'paused'],
      [202, 'idle'],
      [202, 'idle'],
    ])
    expect((await types(id)).slice(1).flat()).toEqual([
      'cancel.requested',
      'session.paused',
      'session.resumed',
      'cancel.requested',
    ])
    const frames = await world.frames(id)
    expect(frames.at(-1)?.events[0]).toMatchObject({ data: { end: true } })
    expect((await world.journal.work.backlog('exec', pool)).backlog - before).toBe(3)
    const page = await world.request('GET', `/v1/sessions/${id}/events?after=${answers[1]?.json.cursor}`)
    expect(page.json.events[0].type).toBe('session.paused')
  })

  test('repetitions that change nothing append nothing; what cannot be done is a conflict', async () => {
    const id = await world.session()
    await post(id, 'pause')
    const frames = (await world.frames(id)).length
    expect(await post(id, 'pause')).toMatchObject({ status: 200, json: { status: 'paused' } })
    expect(await post(id, 'release')).toMatchObject({ status: 409, json: { error: { code: 'session_conflict' } } })
    expect((await world.frames(id)).length).toBe(frames)
    await post(id, 'resume')
    expect(await post(id, 'resume')).toMatchObject({ status: 409, json: { error: { code: 'session_conflict' } } })
    await world.append(id, [], { status: 'quarantined' })
    expect(await post(id, 'pause')).toMatchObject({ status: 409, json: { error: { code: 'session_conflict' } } })
    expect(await post(id, 'release')).toMatchObject({ status: 202, json: { status: 'idle' } })
    await world.append(id, [{ type: 'session.ended', data: { reason: 'requested' } }], { status: 'ended' })
    expect(await post(id, 'end')).toMatchObject({ status: 200, json: { status: 'ended' } })
    expect(await post(id, 'cancel')).toMatchObject({ status: 409, json: { error: { code: 'session_ended' } } })
  })
})

describe('a request with an Idempotency-Key', () => {
  const send = (id: string, content: string, key: string) =>
    world.request('POST', `/v1/sessions/${id}/messages`, { body: { content }, headers: { 'idempotency-key': key } })

  test('that was refused leaves the key free for the corrected one', async () => {
    const create = (agent: string) =>
      world.request('POST', '/v1/sessions', { body: { agent }, headers: { 'idempotency-key': 'k-refused' } })
    expect(await create('nobody')).toMatchObject({ status: 404, json: { error: { code: 'agent_not_found' } } })
    expect(await create('helper')).toMatchObject({ status: 201 })
  })

  test('happens once, and gives the first answer again', async () => {
    const id = await world.session()
    const first = await send(id, 'Hi', 'k1')
    await world.turn(id, first.json.messageId)
    const again = await send(id, 'Hi', 'k1')
    expect(again).toMatchObject({ status: 202, json: first.json })
    expect((await types(id)).flat().filter((type) => type === 'message.received')).toHaveLength(1)
    const other = await send(id, 'Something else', 'k1')
    expect([other.status, other.json.error.code]).toEqual([409, 'idempotency_conflict'])
    const waiting = await world.request('POST', `/v1/sessions/${id}/messages?wait=turn`, {
      body: { content: 'Hi' },
      headers: { 'idempotency-key': 'k1' },
    })
    expect(waiting.json).toMatchObject({ messageId: first.json.messageId, turn: { content: 'Hello.' } })
  })

  test('that begins a session: what was said in it is not kept with the answer, and the answer is the same', async () => {
    const ask = () =>
      world.request('POST', '/v1/sessions', {
        body: { agent: 'helper', message: 'a word that is said once' },
        headers: { 'idempotency-key': 'k-title' },
      })
    const first = await ask()
    expect(first.json.session.title).toBe('a word that is said once')
    expect([...world.idempotency.entries.values()].join()).not.toContain('said once')
    expect((await ask()).json).toEqual(first.json)
  })

  test('whose answer was never noted finds its frame in the log, also under others', async () => {
    const id = await world.session()
    world.idempotency.forgetOutcomes = true
    const first = await send(id, 'Hi', 'k2')
    await world.append(id, [], { status: 'running' })
    const again = await send(id, 'Hi', 'k2')
    world.idempotency.forgetOutcomes = false
    expect(again.json).toEqual(first.json)
    expect(await world.frames(id)).toHaveLength(3)
  })

  test('many at once are one, also when they start a session', async () => {
    const id = await world.session()
    const sent = await Promise.all(Array.from({ length: 6 }, () => send(id, 'Hi', 'k3')))
    expect(new Set(sent.map(({ json }) => json.messageId)).size).toBe(1)
    expect(await world.frames(id)).toHaveLength(2)
    const create = () =>
      world.request('POST', '/v1/sessions', {
        body: { agent: 'helper', message: 'Hi' },
        headers: { 'idempotency-key': 'k4' },
      })
    const created = [await create(), await create()]
    expect(new Set(created.map(({ json }) => json.session.id)).size).toBe(1)
    expect(created[1]?.json.messageId).toBe(created[0]?.json.messageId)
  })
})

describe('a write', () => {
  /** What a request asks of the log; a second gateway over the same journal and keys. */
  const counted = async () => {
    const asked: string[] = []
    const { sessions, feed } = world.journal
    const log: SessionLog = {
      head: (...of) => {
        asked.push('head')
        return sessions.head(...of)
      },
      readTree: (...of) => sessions.readTree(...of),
      forkOf: sessions.forkOf,
      frameAt: (...of) => {
        asked.push('frameAt')
        return sessions.frameAt(...of)
      },
      read: (...of) => {
        asked.push('read')
        return sessions.read(...of)
      },
      append: (...frame) => {
        asked.push('append')
        return sessions.append(...frame)
      },
    }
    const gateway = await World.start({ config: { sessions: log, feed, idempotency: world.idempotency } })
    onTestFinished(async () => void (await gateway.close()))
    return { gateway, asked }
  }

  test.each([
    ['plain', '', {}],
    ['with a key', '', { 'idempotency-key': 'k-cost' }],
    ['that waits', '?wait=turn', {}],
    ['with a key that waits', '?wait=turn', { 'idempotency-key': 'k-cost-wait' }],
  ])('%s costs one direct get and one append', async (_name, query, headers) => {
    const { gateway, asked } = await counted()
    const id = await world.session()
    const subscription = world.journal.feed.frames(id, ({ frame }) => {
      const [event] = frame.events
      if (event?.type !== 'message.received') return
      subscription.close()
      asked.push('in')
      void world.turn(id, event.data.message)
    })
    const path = `/v1/sessions/${id}/messages${query}`
    const answer = await gateway.request('POST', path, { body: { content: 'Hi' }, headers })
    expect(answer.status).toBe(query === '' ? 202 : 200)
    expect(asked.slice(0, 2)).toEqual(['head', 'append'])
    expect(asked.slice(0, asked.indexOf('in'))).toEqual(['head', 'append'])
  })

  test('that comes again costs one direct get, and its key', async () => {
    const { gateway, asked } = await counted()
    const id = await world.session()
    const options = { body: { content: 'Hi' }, headers: { 'idempotency-key': 'k-again' } }
    const first = await world.request('POST', `/v1/sessions/${id}/messages`, options)
    const again = await gateway.request('POST', `/v1/sessions/${id}/messages`, options)
    expect(again.json).toEqual(first.json)
    expect(asked).toEqual(['head'])
  })

  test('that an older gateway has answered gets that answer, and one that a newer one noted is not done twice', async () => {
    const id = await world.session()
    const options = { body: {}, headers: { 'idempotency-key': 'k-old' } }
    const before = new Set(world.idempotency.entries.keys())
    expect((await world.request('POST', `/v1/sessions/${id}/pause`, options)).status).toBe(202)
    const [key = ''] = [...world.idempotency.entries.keys()].filter((one) => !before.has(one))
    const { v: _, outcome, ...entry } = JSON.parse(world.idempotency.entries.get(key) ?? '{}')
    await world.request('POST', `/v1/sessions/${id}/resume`)
    const frames = (await world.frames(id)).length
    const body = { id, status: 'paused', cursor: 'as it was' }
    world.idempotency.entries.set(key, JSON.stringify({ ...entry, answer: { status: 202, body } }))
    expect(await world.request('POST', `/v1/sessions/${id}/pause`, options)).toMatchObject({ status: 202, json: body })
    world.idempotency.entries.set(key, JSON.stringify({ v: 3, ...entry, outcome }))
    expect(await world.request('POST', `/v1/sessions/${id}/pause`, options)).toMatchObject({
      status: 409,
      json: { error: { code: 'idempotency_conflict' } },
    })
    expect(await world.frames(id)).toHaveLength(frames)
  })
})

describe('reading a session', () => {
  test('shows it from its stream, without the index', async () => {
    const id = await world.session()
    const sent = await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content: 'What\n is   this?' } })
    await world.turn(id, sent.json.messageId)
    const { json } = await world.request('GET', `/v1/sessions/${id}`)
    expect(json).toMatchObject({ id, agent: 'helper', status: 'idle', title: 'What is this?', turns: 1, usage })
    await world.append(id, [{ type: 'session.renamed', data: { title: 'Named' } }])
    expect((await world.request('GET', `/v1/sessions/${id}`)).json.title).toBe('Named')
  })

  test('pages through its events by cursor', async () => {
    const id = await world.session()
    const sent = await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content: 'Hi' } })
    await world.turn(id, sent.json.messageId)
    const seen: string[] = []
    let after = ''
    for (let more = true; more; ) {
      const { json } = await world.request('GET', `/v1/sessions/${id}/events?limit=2${after && `&after=${after}`}`)
      seen.push(
        ...json.events.map((event: { n: number; i: number; type: string }) => `${event.n}.${event.i} ${event.type}`),
      )
      after = json.cursor
      more = json.more
    }
    expect(seen).toEqual([
      '1.0 session.started',
      '2.0 message.received',
      '3.0 turn.started',
      '3.1 model-call.started',
      '4.0 model-call.completed',
      '4.1 turn.completed',
    ])
  })

  test('gives its frames with the bytes that their hashes are over', async () => {
    const id = await world.session()
    const sent = await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content: 'Hi' } })
    await world.turn(id, sent.json.messageId)
    let previous = emptyHead(id).hash
    let after = 0
    for (let more = true; more; ) {
      const { json } = await world.request('GET', `/v1/sessions/${id}/frames?after=${after}&limit=3`)
      for (const frame of json.frames) {
        expect(frameHash(previous, frame, frame.events)).toBe(frame.hash)
        previous = frame.hash
        after = frame.seq
      }
      more = json.more
    }
    expect(previous).toBe((await world.journal.sessions.head(id)).hash)
  })

  test('gives the folded state at any event', async () => {
    const id = await world.session()
    const sent = await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content: 'Hi' } })
    await world.turn(id, sent.json.messageId)
    const events = (await world.request('GET', `/v1/sessions/${id}/events`)).json.events
    const started = events.find((event: { type: string }) => event.type === 'turn.started')
    const then = (await world.request('GET', `/v1/sessions/${id}/state?at=${started.cursor}`)).json
    expect(then.state.turn).toMatchObject({ id: 't1', model: null })
    const now = (await world.request('GET', `/v1/sessions/${id}/state`)).json
    expect(now).toMatchObject({ id, status: 'idle', state: { turn: null, turns: 1 } })
    expect(now.cursor).toBe(events.at(-1).cursor)
  })

  test('lists sessions from the index, and says when nobody answers for it', async () => {
    const list = { sessions: [], next: 'x' }
    world.replies['svc.memory.sessions.list'] = { ok: true, value: list }
    expect((await world.request('GET', '/v1/sessions?agent=helper&status=idle&limit=5')).json).toEqual(list)
    expect(world.calls.at(-1)).toEqual({
      subject: 'svc.memory.sessions.list',
      request: { agent: 'helper', status: 'idle', limit: 5 },
    })
    delete world.replies['svc.memory.sessions.list']
    const { status, json, headers } = await world.request('GET', '/v1/sessions')
    expect([status, json.error.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
  })

  test('lists, shows and ends sessions also under the names of executions', async () => {
    const list = { sessions: [] }
    world.replies['svc.memory.sessions.list'] = { ok: true, value: list }
    expect((await world.request('GET', '/agents/sessions')).json).toEqual(list)
    expect(world.calls.at(-1)?.request).toEqual({ limit: 50 })
    for (const [word, status] of [
      ['RUNNING', 'running'],
      ['PAUSED', 'paused'],
      ['COMPLETED', 'ended'],
      ['CANCELLED', 'ended'],
      ['FAILED', 'quarantined'],
    ]) {
      await world.request('GET', `/agents/helper/sessions?state=${word}&limit=5`)
      expect(world.calls.at(-1)?.request).toEqual({ agent: 'helper', status, limit: 5 })
    }
    delete world.replies['svc.memory.sessions.list']
    const wrong = await world.request('GET', '/agents/helper/sessions?state=TIRED')
    expect([wrong.status, wrong.json.error.message]).toEqual([400, expect.stringContaining('FAILED for quarantined')])
    const { json: made } = await world.request('POST', '/v1/sessions', { body: { agent: 'helper' } })
    const { id } = made.session
    expect((await world.request('GET', `/executions/${id}`)).json).toMatchObject({ id, agent: 'helper', turns: 0 })
    expect((await world.request('POST', `/executions/${id}/cancel`)).status).toBe(202)
    const { events } = (await world.request('GET', `/v1/sessions/${id}/events`)).json
    expect(events.at(-1)).toMatchObject({ type: 'cancel.requested', data: { end: true } })
    expect((await world.request('GET', '/executions/none')).status).toBe(404)
    expect((await world.request('GET', '/agents/sessions', { token: null })).status).toBe(401)
  })
})
