// The sessions of an older data folder, moved from one stream to four: killed between any two steps, and by a product that starts on it.
import { mkdirSync } from 'node:fs'
import { type Broker, connectBroker } from '@reins/broker'
import {
  childId,
  type Draft,
  type Frame,
  inboxOf,
  makeUlid,
  moverUser,
  sessionSubject,
  toExec,
  toLog,
  unionUser,
} from '@reins/contracts'
import { type Journal, openJournal, type Trigger } from '@reins/journal'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { silentLog } from '@reins/telemetry'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { moveSessions, moveSteps } from '../src/nats/move-sessions.ts'
import { moveOlderSessions, type OlderSessionsOptions } from '../src/nats/older-sessions.ts'
import { type RunningNats, startNats } from '../src/nats/nats-process.ts'
import { natsUsers } from '../src/nats/nats-users.ts'
import { natsServer, Scratch } from './fixture.ts'
import { Product } from './product.ts'

const scratch = new Scratch()
afterAll(() => scratch[Symbol.dispose]())
const deadline = 180_000
const plenty = { room: Number.MAX_SAFE_INTEGER }
const options = { replicas: 1, ackWaitMs: 60_000, now: () => 0 } as const

/** An embedded server on a folder of its own, as `reins up` has it. */
class Server {
  readonly #folder: string
  #running: RunningNats | undefined

  constructor(name: string) {
    this.#folder = scratch.in(name)
    mkdirSync(this.#folder)
  }

  async start(): Promise<void> {
    const { path: binary } = await natsServer()
    const users = natsUsers(this.#folder)
    this.#running = await startNats({ binary, dataDir: `${this.#folder}/nats`, durability: 'interval', users })
  }

  async kill(): Promise<void> {
    this.#running?.kill('SIGKILL')
    await this.#running?.close()
  }

  #as(user: string) {
    const password = natsUsers(this.#folder).find((one) => one.user === user)?.password ?? ''
    return { user, password, server: this.#running?.url ?? '' }
  }

  async broker(): Promise<Broker> {
    const { user, password, server } = this.#as(unionUser)
    return connectBroker({ url: server, user, password, name: 'test' })
  }

  /** As `reins up` does at its start. */
  async move({ wanted, pauseAt, say }: Pick<OlderSessionsOptions, 'wanted' | 'say'> & { readonly pauseAt?: string }) {
    const { user, password, server } = this.#as(moverUser)
    await moveOlderSessions({
      ...{ wanted, pauseAt, say, dataDir: this.#folder, url: server, mover: { user, password }, log: silentLog },
    })
  }

  async mover(): Promise<NatsConnection> {
    const { user, password, server } = this.#as(moverUser)
    return connect({
      servers: server,
      user,
      pass: password,
      inboxPrefix: inboxOf(user).own,
      ignoreAuthErrorAbort: true,
    })
  }
}

async function write(journal: Journal, session: string, to = toLog): Promise<Frame | undefined> {
  const head = await journal.sessions.head(session)
  const draft: Draft = {
    ...{ id: `${session}-${head.n + 1}`, n: head.n + 1, prev: head.seq, at: 1, by: 'test', role: 'e', needs: 1 },
    ...{ status: 'idle', pool: 'p', events: [{ type: 'session.renamed', data: { title: `title ${head.n + 1}` } }] },
  }
  const { kind } = await journal.sessions.append(session, draft, to, head.hash)
  expect(kind).toBe('appended')
  return (await journal.sessions.read(session)).at(-1)
}

/** Triggers until there are so many. */
async function taken(journal: Journal, count: number, ack: boolean): Promise<readonly string[]> {
  const all: Trigger[] = []
  const enough = Promise.withResolvers<void>()
  const consumption = await journal.work.consume('exec', 'p', {
    free: () => count - all.length,
    on: (trigger) => {
      all.push(trigger)
      if (ack) trigger.ack()
      if (all.length === count) enough.resolve()
    },
    failed: enough.reject,
  })
  await enough.promise
  await consumption.close()
  return all.map(({ session, frame }) => `${session} ${frame.n}`).sort()
}

test(
  'a move that is killed between any two steps is gone on with, and every frame is where it was',
  async () => {
    const server = new Server('killed')
    await server.start()
    const before = await server.broker()
    const old = await openJournal(before, { ...options, sessionStreams: 1 })
    expect(old.streams.names).toEqual(['SES'])
    await old.work.ensurePool('exec', 'p', {})
    const roots = Array.from({ length: 16 }, (_, i) => makeUlid(1_700_000_000_000 + i, Math.random))
    const sessions = roots.flatMap((root) => [root, childId(root, 'c')])
    for (const session of sessions) await write(old, session)
    for (const session of sessions.slice(0, 10)) await write(old, session, toExec('p'))
    const done = await taken(old, 10, true)
    for (const session of sessions.slice(10, 20)) await write(old, session, toExec('p'))
    const frames = new Map<string, readonly Frame[]>()
    for (const session of sessions) frames.set(session, await old.sessions.read(session))
    const newest = Math.max(...[...frames.values()].flat().map(({ seq }) => seq))
    await before.nc.flush()
    await before.close()

    for (const killedAt of moveSteps) {
      const nc = await server.mover()
      const step = async (name: string) => {
        if (name === killedAt) throw new Error(`killed at ${name}`)
      }
      await expect(moveSessions(nc, { ...plenty, step })).rejects.toThrow(`killed at ${killedAt}`)
      await server.kill()
      await nc.close()
      await server.start()
    }
    onTestFinished(() => server.kill())
    const nc = await server.mover()
    onTestFinished(() => nc.close())
    // The last of them was killed when all was done.
    expect(await moveSessions(nc, plenty)).toEqual({ kind: 'nothing-to-move' })

    const after = await server.broker()
    onTestFinished(() => after.close())
    const moved = await openJournal(after, options)
    expect(moved.streams.names).toEqual(['SES-0', 'SES-1', 'SES-2', 'SES-3'])
    for (const session of sessions) {
      expect(await moved.sessions.read(session)).toEqual(frames.get(session))
      expect((await moved.sessions.head(session)).seq).toBe(frames.get(session)?.at(-1)?.seq)
    }
    for (const root of roots)
      expect((await moved.sessions.readTree(root)).map(({ frame }) => frame)).toEqual(
        [root, childId(root, 'c')].flatMap((one) => frames.get(one) ?? []).sort((a, b) => a.seq - b.seq),
      )
    // What was acknowledged does not come again, and what was not comes.
    const open = await taken(moved, 10, true)
    expect(open).toEqual(
      sessions
        .slice(10, 20)
        .map((session) => `${session} 2`)
        .sort(),
    )
    expect(open.filter((one) => done.includes(one))).toEqual([])
    // New frames stand behind everything that anybody has seen, and go on in the chain.
    for (const session of sessions) {
      const last = frames.get(session)?.at(-1)
      const next = await write(moved, session)
      expect(next).toMatchObject({ n: (last?.n ?? 0) + 1, prev: last?.seq })
      expect(next?.seq).toBeGreaterThan(newest)
    }
  },
  deadline,
)

test(
  'without room for a copy the sessions stay where they are, and the mover can say nothing for a session',
  async () => {
    const server = new Server('full')
    await server.start()
    onTestFinished(() => server.kill())
    const broker = await server.broker()
    onTestFinished(() => broker.close())
    const journal = await openJournal(broker, { ...options, sessionStreams: 1 })
    const session = makeUlid(1_700_000_000_000, Math.random)
    await write(journal, session)
    const nc = await server.mover()
    onTestFinished(() => nc.close())
    expect(await moveSessions(nc, { room: 0 })).toMatchObject({
      kind: 'stays',
      why: expect.stringContaining('no room'),
    })
    const refused = nc.request(sessionSubject(session, 'e', toLog), '{}', { timeout: 60_000 })
    await expect(refused).rejects.toThrow(/[Pp]ermission/)
    await write(journal, session)
    expect((await openJournal(broker, options)).streams.names).toEqual(['SES'])
    expect(await journal.sessions.read(session)).toHaveLength(2)
  },
  deadline,
)

test(
  'sessions are moved where four streams are wanted, and a move that was killed is gone on with, whatever is wanted then',
  async () => {
    const server = new Server('wanted')
    await server.start()
    const broker = await server.broker()
    const journal = await openJournal(broker, { ...options, sessionStreams: 1 })
    const session = makeUlid(1_700_000_000_000, Math.random)
    await write(journal, session)
    const said: string[] = []
    const stopped = Promise.withResolvers<void>()
    const say = (line: string) => {
      said.push(line)
      if (line.includes('move.mirrored')) stopped.resolve()
    }
    await server.move({ wanted: false, say })
    expect(said).toEqual([])
    const hanging = server.move({ wanted: true, pauseAt: 'move.mirrored', say })
    void hanging.catch(() => undefined)
    await stopped.promise
    await broker.close()
    await server.kill()

    await server.start()
    onTestFinished(() => server.kill())
    await server.move({ wanted: false, say })
    expect(said.at(-1)).toContain('moved (frames: 1)')
    const after = await server.broker()
    onTestFinished(() => after.close())
    const moved = await openJournal(after, options)
    expect(moved.streams.names).toHaveLength(4)
    expect(await moved.sessions.read(session)).toHaveLength(1)
    const lines = said.length
    await server.move({ wanted: false, say })
    expect(said).toHaveLength(lines)
  },
  deadline,
)

test(
  'a product moves the sessions of an older folder at its start, and they and their lists go on',
  async () => {
    const folder = scratch.in('product')
    const older = await Product.start(folder)
    const begun: string[] = []
    for (const title of ['one', 'two', 'three']) {
      const { json } = await older.ask('POST', '/v1/sessions?wait=turn', {
        agent: 'assistant',
        message: `say ${title}`,
      })
      begun.push(json.session.id)
    }
    const shown = async (product: Product, id: string) =>
      (await product.ask('GET', `/v1/sessions/${id}/events`)).json.events
    const before = new Map<string, unknown[]>()
    for (const id of begun) before.set(id, await shown(older, id))
    await older.close()

    const product = await Product.start(folder, { copied: false, more: { REINS_SESSION_STREAMS: '4' } })
    onTestFinished(() => product.close())
    for (const id of begun) expect(await shown(product, id)).toEqual(before.get(id))
    for (const id of begun) {
      const { cursor } = (before.get(id) ?? []).at(-1) as { cursor: string }
      await product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'say again' })
      const { json } = await product.ask('GET', `/v1/sessions/${id}/events?after=${encodeURIComponent(cursor)}`)
      expect(json.events.map(({ type }: { type: string }) => type)).toContain('turn.completed')
    }
    await expect
      .poll(
        async () => {
          const { json } = await product.ask('GET', '/v1/sessions?limit=10')
          return json.sessions?.map(({ id, turns }: { id: string; turns: number }) => `${id} ${turns}`).sort()
        },
        { timeout: 60_000 },
      )
      .toEqual(begun.map((id) => `${id} 2`).sort())
  },
  deadline,
)
