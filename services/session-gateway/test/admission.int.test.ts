// Writes that are known to be impossible: refused at once, whatever the broker does; reads go on.
import { ReinsError } from '@reins/contracts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { World } from './world.ts'

const full = new ReinsError('storage_full', 'The disk of the data folder is 98 % full.')

class Gate {
  obstacle: ReinsError | undefined
  newSession: ReinsError | undefined
  readonly told = new Set<() => void>()
  writes = () => this.obstacle
  newSessions = () => this.obstacle ?? this.newSession
  onObstacle = (on: () => void) => {
    this.told.add(on)
    return { close: () => void this.told.delete(on) }
  }
  close(error: ReinsError): void {
    this.obstacle = error
    for (const on of this.told) on()
  }
}

let gate: Gate
let world: World
beforeEach(async () => {
  gate = new Gate()
  world = await World.start({ config: { admission: gate } })
})
afterEach(() => world.close())

test('every write is refused with what to do, and reads go on', async () => {
  const session = await world.session()
  gate.close(full)
  const written = [
    world.request('POST', '/v1/sessions', { body: { agent: 'helper' } }),
    world.request('POST', `/v1/sessions/${session}/messages`, { body: { content: 'Hi' } }),
    world.request('POST', `/v1/sessions/${session}/messages`, {
      body: { content: 'Hi' },
      headers: { 'idempotency-key': 'k' },
    }),
    world.request('POST', `/v1/sessions/${session}/pause`),
    world.request('DELETE', '/v1/agents/helper'),
  ]
  for (const { status, json, headers } of await Promise.all(written)) {
    expect([status, json.error.code, headers.get('retry-after')]).toEqual([507, 'storage_full', '30'])
    expect(json.error.next).toContain('Make room')
  }
  for (const path of ['', '/state', '/events', '/frames'])
    expect((await world.request('GET', `/v1/sessions/${session}${path}`)).status).toBe(200)
  expect(await world.frames(session)).toHaveLength(1)
  expect(world.idempotency.entries.size).toBe(0)
})

test('below that, only what starts a session is refused: those that are there go on', async () => {
  const instance = { agent: 'helper', instance: 'i' }
  const { json } = await world.request('POST', '/v1/sessions', { body: instance })
  gate.newSession = full
  expect((await world.request('POST', '/v1/sessions', { body: { agent: 'helper' } })).status).toBe(507)
  expect((await world.request('POST', '/v1/sessions', { body: { ...instance, instance: 'j' } })).status).toBe(507)
  expect((await world.request('POST', '/v1/sessions', { body: { ...instance, message: 'Hi' } })).status).toBe(200)
  const session = json.session.id
  const sent = await world.request('POST', `/v1/sessions/${session}/messages`, { body: { content: 'Hi' } })
  expect(sent.status).toBe(202)
  gate.newSession = undefined
  expect((await world.request('POST', '/v1/sessions', { body: { agent: 'helper' } })).status).toBe(201)
})

test('a write that waits for the broker is answered when appends become impossible, not at its deadline', async () => {
  const asked = Promise.withResolvers<void>()
  const memory = world.journal.sessions
  const stuck = await World.start({
    config: {
      admission: gate,
      sessions: {
        head: memory.head,
        read: memory.read,
        readTree: memory.readTree,
        frameAt: memory.frameAt,
        forkOf: memory.forkOf,
        append: (_session, _draft, _to, _hash, signal) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason))
            asked.resolve()
          }),
      },
    },
    limits: { appendWithinMs: 600_000 },
  })
  const waiting = stuck.request('POST', '/v1/sessions', { body: { agent: 'helper' } })
  await asked.promise
  gate.close(new ReinsError('unavailable', 'nats-server is sick.'))
  const { status, json } = await waiting
  expect([status, json.error.message]).toEqual([503, 'nats-server is sick. The event may be stored all the same.'])
  await stuck.close()
})
