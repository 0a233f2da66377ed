// Attacks on a whole product that take long: a part of `npm run test:long` and of `npm run attacks`.
import { writeFileSync } from 'node:fs'
import { jetstreamManager } from '@nats-io/jetstream'
import { storeLimits } from '@reins/broker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { Tally } from './tally.ts'
import { endAll, many, type Principal, principal } from './people/greedy.ts'
import { tryInMemory } from './calls/in-memory.ts'
import { tryForeignFrames, tryOwnSession } from './services/foreign-frames.ts'
import { tryPlacedFrames, tryPlacedRequests, tryPlacedTimers } from './services/placed-answers.ts'
import { storeNonsense } from './services/poison.ts'
import path from 'node:path'
import { AttackedProduct, deadline } from './attacked-product.ts'

let product: AttackedProduct
beforeAll(async () => {
  product = await AttackedProduct.open()
}, deadline)
afterAll(() => product?.close(), deadline)

test(
  'what is stored and is nothing stops nobody, is named by /health, and does not keep a product from starting',
  async () => {
    const { session } = await product.world.api.create('helper')
    for (let turn = 0; turn < 6; turn++) expect(await product.answers(session.id)).toBe('completed')
    await storeNonsense(product.world.broker, session.id)
    expect(await product.answers(session.id)).toBe('completed')
    expect((await product.world.api.once('GET', '/v1/pools')).status).toBe(200)
    await product.restart()
    // From a snapshot that is none, and a pool whose entry was written over.
    expect(await product.answers(session.id)).toBe('completed')
    expect(await product.answers()).toBe('completed')
    await product.world.agent('later')
    await eventually(async () => {
      const { body } = await product.world.api.once<{ agents?: readonly { name: string }[] }>('GET', '/v1/agents')
      return body.agents?.some(({ name }) => name === 'later')
    })
    const health = await product.world.api.once<{ status: string; parts: Record<string, string> }>('GET', '/health')
    expect(health.body.status).toBe('degraded')
    expect(health.body.parts.records).toContain('of the stream REG cannot be read')
  },
  deadline,
)

test(
  'no service is obeyed in what is not its to say, whatever it appends with its password',
  async () => {
    const { session } = await product.world.api.create('helper')
    await product.world.api.turn(session.id, '!shell true')
    const tally = new Tally()
    await tryForeignFrames(product.world, session.id, tally)
    await product.world.agent('asking', { approvals: { tools: { shell: 'always' } } })
    await tryOwnSession(product.world, 'asking', tally)
    for (const line of tally.lines()) console.log(line)
    // What a service says in its own role is done (docs/security.md): so the attack itself is one.
    expect(tally.gotThrough()).toEqual([
      'executor: have a command run',
      'session-gateway: have a command run that nobody was asked about',
    ])
    expect(await product.answers(session.id)).toBe('completed')
  },
  deadline,
)

test(
  'no service is obeyed in what the broker was made to say in the place of another one',
  async () => {
    await product.world.agent('careful', { approvals: { expires: '1h', tools: { shell: 'always' } } })
    const tally = new Tally()
    await tryPlacedRequests(product.world, tally)
    await tryPlacedFrames(product.world, 'careful', tally)
    await tryPlacedTimers(product.world, 'careful', tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
    expect(await product.answers()).toBe('completed')
  },
  deadline,
)

test(
  'a command in the sandbox in memory sees nothing of this machine, and uses up nothing but its own time',
  async () => {
    const word = 'sesame-of-this-machine'
    const file = path.join(product.world.workspace, 'of-the-machine.txt')
    writeFileSync(file, word)
    await product.world.agent('thinker', { tools: [{ virtual_sandbox: { timeout: 1 } }] })
    const tally = new Tally()
    await tryInMemory(product.world, 'thinker', { file, word }, tally)
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
    for (const service of product.services) expect(service.alive()).toBe(true)
    expect(await product.answers()).toBe('completed')
  },
  deadline,
)

test(
  'stores that are filled to their limits are named, refuse what they say, and stop no session',
  async () => {
    const manager = await jetstreamManager(product.world.broker.nc)
    const limits = storeLimits.map(({ stream }) => stream)
    const set = (bytes: number | undefined) =>
      Promise.all(
        limits.map((stream, at) => manager.streams.update(stream, { max_bytes: bytes ?? storeLimits[at]!.bytes })),
      )
    const { session } = await product.world.api.create('helper')
    const say = (key?: string) =>
      product.world.api.once<{ error?: { code: string; next: string } }>(
        ...(['POST', `/v1/sessions/${session.id}/messages`, { content: 'say hi' }] as const),
        ...(key === undefined ? [] : [{ key }]),
      )
    // A store counts as full from 95 % on: it holds more than its limit from the beginning.
    for (let at = 0; at < 12; at++) expect((await say(`before-${at}`)).status).toBe(202)
    await set(2000)
    try {
      const refused: { status: number; body: { error?: { code: string; next: string } } }[] = []
      for (let at = 0; at < 20 && refused.length === 0; at++) {
        const answer = await say(`fills-${at}`)
        if (answer.status !== 202) refused.push(answer)
      }
      expect(refused[0]).toMatchObject({ status: 507, body: { error: { code: 'storage_full' } } })
      expect(refused[0]?.body.error?.next).toContain('without an Idempotency-Key')
      expect((await say()).status).toBe(202)
      // An output that is too long to be told, of which nothing can be kept; snapshots; and a pool of its own.
      await product.world.agent('elsewhere', { affinity: { walls: 'full' } })
      const turn = await product.world.api.turn(session.id, '!shell head -c 400000 /dev/zero | tr "\\0" x')
      expect(turn.turn.status).toBe('completed')
      expect(await product.answers(session.id)).toBe('completed')
      expect((await product.world.api.create('elsewhere')).session.id).toBeTruthy()
      await eventually(async () => {
        const { body } = await product.world.api.once<{ parts: Record<string, string> }>('GET', '/health')
        return body.parts.stores?.includes('reins-idempotency') === true
      })
    } finally {
      await set(undefined)
    }
    expect(await product.answers()).toBe('completed')
  },
  deadline,
)

test(
  'of two principals that take all slots for ever, neither keeps a third from a model or from a tool',
  async () => {
    for (const name of ['executor', 'tool-runner'] as const)
      await product.replace(name, { REINS_CONCURRENCY: '4', REINS_WAITING_CALLS: '3' })
    const [ann, bob, cleo] = await Promise.all(['ann', 'bob', 'cleo'].map((name) => principal(product.world, name)))
    const has = async (who: Principal, session: string, type: string) =>
      eventually(async () => (await who.types(session)).includes(type))
    const tally = new Tally()
    // For tools: each call is a command that never ends; the session's model call is over by then.
    const slow = '!shell sleep 10000'
    const tools = [...(await many(ann!, 30, slow)), ...(await many(bob!, 30, slow))]
    await eventually(async () => {
      const began = await Promise.all(tools.map((session, at) => (at < 30 ? ann! : bob!).types(session)))
      const running = (from: number) =>
        began
          .slice(from, from + 30)
          .filter((all) => all.includes('tool-call.claimed') || all.includes('tool-call.started'))
      return running(0).length >= 4 && running(30).length >= 1
    })
    const small = await cleo!.begin('!shell echo mine')
    await has(cleo!, small, 'turn.completed')
    tally.note('two greedy principals', 'keep a third from a tool', 'refused')
    await endAll(ann!, tools.slice(0, 30))
    await endAll(bob!, tools.slice(30))
    // For models: answers that never end.
    const models = [...(await many(ann!, 30, 'hang')), ...(await many(bob!, 30, 'hang'))]
    await has(bob!, models[30]!, 'model-call.started')
    const said = await cleo!.begin('say mine')
    await has(cleo!, said, 'turn.completed')
    tally.note('two greedy principals', 'keep a third from a model', 'refused')
    await endAll(ann!, models.slice(0, 30))
    await endAll(bob!, models.slice(30))
    for (const line of tally.lines()) console.log(line)
    expect(tally.gotThrough()).toEqual([])
  },
  deadline,
)
