import { connect, type Socket } from 'node:net'
import { decodeCursor, type SessionEvent } from '@reins/contracts'
import type { SessionFeed } from '@reins/journal'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EventStream, type Item } from './stream.ts'
import { begin, endCursor, finish, World } from './world.ts'

let world: World
let open: EventStream[]
beforeEach(async () => {
  world = await World.start()
  open = []
})
afterEach(async () => {
  for (const stream of open) stream.close()
  expect(await world.close()).toEqual([])
})

async function watch(id: string, query = '', headers: Record<string, string> = {}): Promise<EventStream> {
  const stream = await EventStream.open(`${world.url}/v1/sessions/${id}/events${query}`, headers)
  open.push(stream)
  return stream
}

/** `3.1 turn.started` for events, `delta 0:Hel` for deltas. */
const show = (items: readonly Item[]): string[] =>
  items.map(({ event, data }) =>
    event === 'delta'
      ? `delta ${data.data.call} ${data.data.offset}:${data.data.text}`
      : data.n === undefined
        ? `${event} ${JSON.stringify(data.data)}`
        : `${data.n}.${data.i} ${event}`,
  )

/** An event that everybody sees in the end. */
const bell = (id: string, name = 'bell') => world.append(id, [{ type: 'session.renamed', data: { title: name } }])

describe('an event stream', () => {
  test('gives history and then what comes, each event once with its cursor', async () => {
    const id = await world.session()
    const stream = await watch(id)
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream')
    expect(stream.response.headers.get('x-request-id')).toBeTruthy()
    expect(show(await stream.take(1))).toEqual(['1.0 session.started'])
    const frame = await world.append(id, [...begin('t1', 'm')], { status: 'running' })
    const items = await stream.take(2)
    expect(show(items)).toEqual(['2.0 turn.started', '2.1 model-call.started'])
    expect(items[1]?.id).toBe(endCursor(id, frame))
    expect(items[1]?.data).toEqual({
      ...{ cursor: items[1]?.id, n: 2, i: 1, at: world.now, by: 'executor-1', type: 'model-call.started' },
      data: { call: 'm-t1', attempt: 1, turn: 't1', model: 'scripted/echo' },
    })
  })

  test('goes on behind any cursor, also one inside a frame', async () => {
    const id = await world.session()
    await world.append(id, [...begin('t1', 'm')], { status: 'running' })
    await world.append(id, [...finish('t1', 'Hi')], { status: 'idle' })
    const all = await (await watch(id)).take(5)
    for (let at = 0; at < all.length - 1; at++) {
      const stream = await watch(id, '', { 'last-event-id': all[at]!.id })
      expect(await stream.take(4 - at)).toEqual(all.slice(at + 1))
    }
    const atEnd = await watch(id, `?after=${all[4]!.id}`)
    await bell(id)
    expect(show(await atEnd.take(1))).toEqual(['4.0 session.renamed'])
  })

  test('as NDJSON has one item a line', async () => {
    const id = await world.session()
    const stream = await EventStream.open(`${world.url}/v1/sessions/${id}/events`, { accept: 'application/x-ndjson' })
    open.push(stream)
    expect(stream.response.headers.get('content-type')).toContain('application/x-ndjson')
    expect(JSON.parse(await stream.line())).toMatchObject({ n: 1, i: 0, type: 'session.started' })
    world.delta(id, 'x', 0)
    await bell(id)
    expect(JSON.parse(await stream.line())).toMatchObject({ n: 2, i: 0, type: 'session.renamed' })
  })

  test('of many viewers who join while frames are appended shows each of them exactly the log', async () => {
    const id = await world.session()
    const streams: Promise<EventStream>[] = []
    for (let i = 0; i < 60; i++) {
      if (i % 3 === 0) streams.push(watch(id))
      await world.append(id, [{ type: 'session.renamed', data: { title: `${i}` } }])
    }
    await bell(id, 'last')
    const log = (await world.frames(id)).map(({ n }) => `${n}.0`)
    for (const stream of await Promise.all(streams)) {
      const seen: string[] = []
      for (let item = await stream.next(); item; item = await stream.next()) {
        seen.push(`${item.data.n}.${item.data.i}`)
        if (item.data.data.title === 'last') break
      }
      expect(seen).toEqual(log)
    }
  })

  test('with more to show than can be written one by one shows each viewer all tokens and events in their order', async () => {
    const busy = await World.start({ limits: { promptTokensPerSecond: 0 } })
    const id = await busy.session()
    await busy.append(id, [...begin('t1', 'm')], { status: 'running' })
    const streams: EventStream[] = []
    const word = (at: number) => `word${at} `
    let said = ''
    for (let at = 0; at < 120; at++) {
      if (at % 20 === 0) streams.push(await EventStream.open(`${busy.url}/v1/sessions/${id}/events`))
      busy.delta(id, word(at), said.length)
      said += word(at)
      if (at % 30 === 29) await busy.append(id, [{ type: 'session.renamed', data: { title: `${at}` } }])
      // A viewer that leaves lets the next one become one of the first.
      if (at === 90) streams.shift()?.close()
    }
    await busy.append(id, [{ type: 'session.renamed', data: { title: 'last' } }])
    for (const stream of streams) {
      let text = ''
      for (let item = await stream.next(); item; item = await stream.next()) {
        if (item.event === 'delta') {
          expect(item.data.data.offset).toBe(text.length)
          text += item.data.data.text
        } else if (item.data.data.title === 'last') break
      }
      expect(text).toBe(said)
      stream.close()
    }
    expect(await busy.close()).toEqual([])
  })

  test('shows all of the log where the nearest copy of it lags', async () => {
    let lag = 0
    const lagging = await World.start({ faults: { staleBy: () => lag } })
    const id = await lagging.session()
    for (let i = 0; i < 5; i++) await lagging.append(id, [{ type: 'session.renamed', data: { title: `${i}` } }])
    lag = 2
    const streams: EventStream[] = []
    for (let i = 0; i < 10; i++) {
      streams.push(await EventStream.open(`${lagging.url}/v1/sessions/${id}/events`))
      lag = 0
      await lagging.append(id, [{ type: 'session.renamed', data: { title: `late ${i}` } }])
      lag = 2
    }
    for (const stream of streams) {
      expect((await stream.take(16)).map(({ data }) => data.n)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1))
      stream.close()
    }
    lag = 0
    await lagging.close()
  })

  test('of a tree shows the sessions below the root too, in one order', async () => {
    const id = await world.session()
    const child = `${id}-0123456789abcdef`
    const delegation: SessionEvent = {
      type: 'delegation.requested',
      data: { call: 'c', agent: 'helper', digest: 'd', child, pool: 'default', instruction: 'go' },
    }
    await world.append(id, [delegation])
    await world.append(child, [{ type: 'session.renamed', data: { title: 'a' } }])
    const stream = await watch(id, '?tree=true')
    const first = await stream.take(3)
    await bell(child)
    await bell(id)
    const items = [...first, ...(await stream.take(2))]
    expect(items.map(({ data }) => [data.session === child ? 'child' : 'root', data.n])).toEqual([
      ['root', 1],
      ['root', 2],
      ['child', 1],
      ['child', 2],
      ['root', 3],
    ])
    const again = await watch(id, `?tree=true&after=${items[2]!.id}`)
    expect(await again.take(2)).toEqual(items.slice(3))
    const page = await world.request('GET', `/v1/sessions/${id}/events?tree=true&limit=3`)
    expect(page.json.events.map((event: { cursor: string }) => event.cursor)).toEqual(first.map((item) => item.id))
  })

  test('reads on after a reconnect what the feed lost', async () => {
    const id = await world.session()
    const stream = await watch(id)
    await stream.take(1)
    world.journal.restart()
    await bell(id)
    expect(show(await stream.take(1))).toEqual(['2.0 session.renamed'])
  })
})

describe('deltas', () => {
  let id: string
  beforeEach(async () => {
    id = await world.session()
    await world.append(id, [...begin('t1', 'm')], { status: 'running' })
  })

  test('come between the events, with cursors inside the answer', async () => {
    const stream = await watch(id)
    await stream.take(3)
    world.delta(id, 'Hel', 0)
    world.delta(id, 'lo', 3)
    const items = await stream.take(2)
    expect(show(items)).toEqual(['delta m-t1 0:Hel', 'delta m-t1 3:lo'])
    expect(decodeCursor(items[1]!.id)).toMatchObject({
      n: 2,
      i: 1,
      within: { call: 'm-t1', attempt: 1, block: 0, offset: 5 },
    })
    await world.append(id, [...finish('t1', 'Hello')], { status: 'idle' })
    expect(show(await stream.take(2))).toEqual(['3.0 model-call.completed', '3.1 turn.completed'])
  })

  test('of several sessions of a tree are told apart, and each goes on where its reader left it', async () => {
    const child = `${id}-0123456789abcdef`
    const delegation: SessionEvent = {
      type: 'delegation.requested',
      data: { call: 'c', agent: 'helper', digest: 'd', child, pool: 'default', instruction: 'go' },
    }
    await world.append(id, [delegation])
    await world.append(child, [...begin('t1', 'm')], { status: 'running' })
    const of = (items: readonly { readonly data: { readonly session?: string; readonly data?: unknown } }[]) =>
      items.map(({ data }) => {
        const { offset, text } = data.data as { offset?: number; text?: string }
        return `${data.session === child ? 'child' : 'root'} ${text === undefined ? 'event' : `${offset}:${text}`}`
      })
    const first = await watch(id, '?tree=true')
    await first.take(6)
    world.delta(id, 'Hel', 0)
    world.delta(child, 'Good', 0)
    world.delta(id, 'lo', 3)
    world.delta(child, ' day', 4)
    const items = await first.take(4)
    expect(of(items)).toEqual(['root 0:Hel', 'child 0:Good', 'root 3:lo', 'child 4: day'])
    // Back at the second one: of the first answer what came later, and of the second the same.
    const again = await watch(id, `?tree=true&after=${items[1]!.id}`)
    expect(of(await again.take(2)).sort()).toEqual(['child 4: day', 'root 3:lo'])
    // An event of one session in between forgets no answer of another.
    await bell(id)
    const [event] = await first.take(1)
    world.delta(child, '!', 8)
    const third = await watch(id, `?tree=true&after=${event!.id}`)
    expect(of(await third.take(1))).toEqual(['child 8:!'])
    // Who joins is given both from their beginnings, and a connection that breaks between the two loses neither.
    const fresh = await watch(id, '?tree=true')
    const given = (await fresh.take(9)).slice(7)
    expect(of(given).sort()).toEqual(['child 0:Good day!', 'root 0:Hello'])
    const between = await watch(id, `?tree=true&after=${given[0]!.id}`)
    expect(of(await between.take(1))).toEqual(of([given[1]!]))
    // A reader of events alone has read nothing of any answer.
    const quiet = await watch(id, '?tree=true&deltas=false')
    const last = (await quiet.take(7)).at(-1)
    expect(decodeCursor(last!.id)).not.toHaveProperty('places')
  })

  test('are left out where they are not wanted', async () => {
    const stream = await watch(id, '?deltas=false')
    await stream.take(3)
    world.delta(id, 'Hello', 0)
    await bell(id)
    expect(show(await stream.take(1))).toEqual(['3.0 session.renamed'])
  })

  test('of an answer that is half made are given to who joins, in one piece and then live', async () => {
    world.delta(id, 'Hel', 0)
    world.delta(id, 'lo ', 3)
    const stream = await watch(id)
    expect(show((await stream.take(4)).slice(3))).toEqual(['delta m-t1 0:Hello '])
    world.delta(id, 'you', 6)
    expect(show(await stream.take(1))).toEqual(['delta m-t1 6:you'])
    const later = await watch(id)
    expect(show((await later.take(4)).slice(3))).toEqual(['delta m-t1 0:Hello you'])
  })

  test('go on from a cursor inside the answer', async () => {
    const first = await watch(id)
    await first.take(3)
    world.delta(id, 'Hello', 0)
    world.delta(id, ' you', 5)
    const [hello] = await first.take(1)
    const again = await watch(id, '', { 'last-event-id': hello!.id })
    expect(show(await again.take(1))).toEqual(['delta m-t1 5: you'])
    const ahead = { call: 'm-t1', attempt: 1, block: 0, offset: 11 }
    const cursor = Buffer.from(JSON.stringify([id, 2, 2, 1, ...Object.values(ahead)])).toString('base64url')
    const early = await watch(id, `?after=${cursor}`)
    await early.response
    await world.append(id, []) // the viewer is live once it has got past this
    world.delta(id, ', world', 9)
    await bell(id)
    expect(show(await early.until('session.renamed'))).toEqual(['delta m-t1 11:world', '4.0 session.renamed'])
  })

  test('that are repeated, late, or of another attempt are not shown', async () => {
    const stream = await watch(id)
    await stream.take(3)
    world.delta(id, 'Hello', 0)
    world.delta(id, 'Hello', 0)
    world.delta(id, 'lo you', 3)
    world.delta(id, 'role', 0, { kind: 'output', call: 'm-t1' })
    world.delta(id, 'ghost', 0, { call: 'm-t0' })
    await world.append(id, [...finish('t1', 'Hello you')], { status: 'idle' })
    world.delta(id, ' late', 9)
    await bell(id)
    expect(show(await stream.until('session.renamed'))).toEqual([
      'delta m-t1 0:Hello',
      'delta m-t1 5: you',
      '3.0 model-call.completed',
      '3.1 turn.completed',
      '4.0 session.renamed',
    ])
  })

  test('with a gap that nobody can fill stop, and the whole comes with the event', async () => {
    const stream = await watch(id)
    await stream.take(3)
    world.delta(id, 'Hel', 0)
    world.delta(id, 'never shown', 100)
    world.delta(id, 'nor this', 111)
    await world.append(id, [...finish('t1', 'Hello')], { status: 'idle' })
    expect(show(await stream.take(3))).toEqual(['delta m-t1 0:Hel', '3.0 model-call.completed', '3.1 turn.completed'])
  })

  test('that the feed lost are filled in from what is still kept', async () => {
    const { feed } = world.journal
    let deaf = false
    const lossy: SessionFeed = {
      ...feed,
      deltas: (of, on) =>
        feed.deltas(of, (delta) => {
          if (!deaf) on(delta)
        }),
    }
    const other = await World.start({ config: { sessions: world.journal.sessions, feed: lossy } })
    const stream = await EventStream.open(`${other.url}/v1/sessions/${id}/events`)
    await stream.take(3)
    world.delta(id, 'Hel', 0)
    expect(show(await stream.take(1))).toEqual(['delta m-t1 0:Hel'])
    deaf = true
    world.delta(id, 'lo ', 3)
    await bell(id)
    await stream.take(1)
    deaf = false
    world.delta(id, 'you', 6)
    expect(show(await stream.take(2))).toEqual(['delta m-t1 3:lo ', 'delta m-t1 6:you'])
    stream.close()
    await other.close()
  })

  test('that were lost with their connection are read again once it is back, before another one comes', async () => {
    const { feed } = world.journal
    let deaf = false
    const asked: (number | undefined)[] = []
    const lossy: SessionFeed = {
      ...feed,
      deltas: (of, on) => feed.deltas(of, (delta) => (deaf ? undefined : on(delta))),
      recentDeltas: (of, options) => {
        asked.push(options?.since)
        return feed.recentDeltas(of, options)
      },
    }
    const other = await World.start({ config: { sessions: world.journal.sessions, feed: lossy } })
    const stream = await EventStream.open(`${other.url}/v1/sessions/${id}/events`)
    await stream.take(3)
    world.delta(id, 'Hel', 0)
    await stream.take(1)
    other.now += 60_000
    world.now += 60_000
    world.delta(id, 'lo', 3)
    await stream.take(1)
    deaf = true
    world.delta(id, ' you', 5)
    await world.append(id, [])
    deaf = false
    world.journal.restart()
    expect(show(await stream.take(1))).toEqual(['delta m-t1 5: you'])
    // What was published before the last one that came is here already.
    expect(asked.at(-1)).toBeGreaterThan(world.now - 60_000)
    stream.close()
    await other.close()
  })

  test('of an attempt that was lost are void: the client is told', async () => {
    const stream = await watch(id)
    await stream.take(3)
    world.delta(id, 'Hel', 0)
    const [half] = await stream.take(1)
    const lost: SessionEvent = {
      type: 'model-call.failed',
      data: { call: 'm-t1', attempt: 1, error: { code: 'lost', message: 'its process is gone' }, partial: 'Hel' },
    }
    const next = begin('t1', 'm', 2)[1]!
    await world.append(id, [lost, next])
    world.delta(id, 'zombie', 3)
    world.delta(id, 'Hi', 0, { attempt: 2 })
    const told = ['3.0 model-call.failed', '3.1 model-call.started', 'answer.restarted {"call":"m-t1","attempt":2}']
    expect(show(await stream.take(4))).toEqual([...told, 'delta m-t1 0:Hi'])
    const again = await watch(id, '', { 'last-event-id': half!.id })
    expect(show(await again.take(4))).toEqual([...told, 'delta m-t1 0:Hi'])
  })

  test('of tools come as their output', async () => {
    const calls = [{ call: 'c1', name: 'shell', arguments: {}, replay: 'never' as const }]
    await world.append(id, [{ type: 'tool-calls.requested', data: { turn: 't1', digest: 'd', calls } }])
    const stream = await watch(id)
    await stream.take(4)
    world.delta(id, 'line\n', 0, { call: 'c1', kind: 'output' })
    expect(show(await stream.take(1))).toEqual(['delta c1 0:line\n'])
  })
})

describe('bounds', () => {
  test('a stream beyond the limit is refused before its first byte', async () => {
    const small = await World.start({ limits: { maxStreams: 1 } })
    const id = await small.session()
    const first = await EventStream.open(`${small.url}/v1/sessions/${id}/events`)
    await first.take(1)
    const second = await EventStream.open(`${small.url}/v1/sessions/${id}/events`)
    expect(second.response.status).toBe(503)
    first.close()
    await small.close()
  })

  /** A client that opens the stream and reads nothing of it. */
  async function deadReader(url: string, id: string, after = ''): Promise<Socket> {
    const { port } = new URL(url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write(
      `GET /v1/sessions/${id}/events${after} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer test-token\r\nAccept: text/event-stream\r\n\r\n`,
    )
    return socket
  }

  async function metric(url: string, name: string): Promise<number> {
    const response = await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer test-token' } })
    return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await response.text())?.[1])
  }
  const untilMetric = async (url: string, name: string, value: number): Promise<void> => {
    while ((await metric(url, name)) !== value) await new Promise((resolve) => setImmediate(resolve))
  }

  const message = (n: number, text: string): readonly SessionEvent[] => [
    { type: 'message.received', data: { message: `m${n}`, content: [{ type: 'text', text }], onBusy: 'queue' } },
  ]

  test('a client that never reads is closed, what the system holds for it counts, and its session goes on for others', async () => {
    const small = await World.start({ limits: { maxStreamBufferBytes: 300_000, lookEveryMs: 20 } })
    const id = await small.session()
    const socket = await deadReader(small.url, id)
    const reader = await EventStream.open(`${small.url}/v1/sessions/${id}/events`)
    const [first] = await reader.take(1)
    const big = 'x'.repeat(50_000)
    let n = 1
    while ((await metric(small.url, 'reins_gateway_slow_consumers_total')) !== 1 && n < 2000) {
      await small.append(id, message(n, big))
      expect((await reader.take(1))[0]?.data.n).toBe(++n)
    }
    expect(n).toBeLessThan(2000)
    // It finds everything again by its cursor.
    const again = await EventStream.open(`${small.url}/v1/sessions/${id}/events?after=${first!.id}`)
    expect((await again.take(n - 1)).map(({ data }) => data.n)).toEqual(Array.from({ length: n - 1 }, (_, i) => i + 2))
    again.close()
    reader.close()
    socket.destroy()
    await untilMetric(small.url, 'reins_gateway_streams', 0)
    await small.close()
  })

  test('a client that takes nothing for a while is closed, also while it is given history, and one that reads it all is not', async () => {
    const small = await World.start({ limits: { drainWithinMs: 300, lookEveryMs: 20 } })
    const id = await small.session()
    const big = 'x'.repeat(200_000)
    for (let n = 1; n <= 60; n++) await small.append(id, message(n, big))
    const socket = await deadReader(small.url, id)
    const reader = await EventStream.open(`${small.url}/v1/sessions/${id}/events`)
    expect((await reader.take(61)).map(({ data }) => data.n)).toEqual(Array.from({ length: 61 }, (_, i) => i + 1))
    await untilMetric(small.url, 'reins_gateway_slow_consumers_total', 1)
    await untilMetric(small.url, 'reins_gateway_streams', 1)
    reader.close()
    socket.destroy()
    await small.close()
  })

  test('many clients that never read together get no more than the budget for all', async () => {
    const small = await World.start({ limits: { maxStreamsBufferBytes: 1_000_000, lookEveryMs: 20 } })
    const id = await small.session()
    const sockets = await Promise.all(Array.from({ length: 20 }, () => deadReader(small.url, id)))
    const at = `${small.url}/v1/sessions/${id}/events`
    let reader = await EventStream.open(at)
    let cursor = (await reader.take(1))[0]?.id
    await untilMetric(small.url, 'reins_gateway_streams', 21)
    // Between two looks the reader may be one of those that took nothing: then it comes back where it was.
    const next = async () => {
      for (;;) {
        const [item] = await reader.take(1)
        if (item?.event !== 'error') {
          cursor = item?.id
          return item
        }
        reader.close()
        reader = await EventStream.open(`${at}?after=${cursor}`)
      }
    }
    const big = 'x'.repeat(20_000)
    let n = 1
    while ((await metric(small.url, 'reins_gateway_streams')) > 1 && n < 2000) {
      await small.append(id, message(n, big))
      expect(await next()).toMatchObject({ data: { n: ++n } })
    }
    expect(await metric(small.url, 'reins_gateway_slow_consumers_total')).toBeGreaterThanOrEqual(20)
    await small.append(id, message(n, 'still there'))
    expect((await next())?.data.n).toBe(n + 1)
    reader.close()
    for (const socket of sockets) socket.destroy()
    await small.close()
  })

  test('shutting down ends every stream', async () => {
    const other = await World.start()
    const id = await other.session()
    const stream = await EventStream.open(`${other.url}/v1/sessions/${id}/events`)
    await stream.take(1)
    expect(await other.close()).toEqual([])
    expect(await stream.next()).toBeUndefined()
  })
})
