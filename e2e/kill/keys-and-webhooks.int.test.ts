// The registry is killed in the middle of a change of the key of the secrets, and memory in the middle of a delivery: every secret stays
// readable, and every delivery arrives, under one id.

import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { callService } from '@reins/broker'
import { type ResolvedSecrets, resolveSecretsVerb, serviceSubject } from '@reins/contracts'
import { resolveSecrets } from '@reins/secrets'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'

const deadline = 120_000
const secrets = { ONE: 'the first secret', TWO: 'the second secret', THREE: 'the third secret' }
const environment = { REINS_ALLOW_PRIVATE_WEBHOOKS: '1' }

let world: World
let registry: ServiceProcess
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  world = await World.open()
  const started = await Promise.all([
    world.start('registry', { environment }),
    world.start('session-gateway', { environment }),
    world.start('executor'),
    world.start('tool-runner'),
  ])
  registry = started[0]
}, deadline)

afterAll(async () => {
  await world?.close()
  receiver?.server.closeAllConnections()
  receiver?.server.close()
}, deadline)

const keysIn = (): number =>
  readFileSync(path.join(world.servers.folder, 'data', 'secrets.key'), 'utf8').split('reins_key_').length - 1

async function readable(digest: string) {
  const subject = serviceSubject('registry', resolveSecretsVerb)
  return resolveSecrets(
    (request) => callService<ResolvedSecrets>(world.broker, subject, request, 5000),
    Object.keys(secrets),
    digest,
    30_000,
  )
}

test.each(['registry.key-written', 'registry.secret-wrapped', 'registry.secrets-wrapped'])(
  'the registry killed at %s of a change of the key: all secrets stay readable, and the change is finished',
  async (point) => {
    for (const [name, value] of Object.entries(secrets))
      expect((await world.api.once('PUT', `/v1/secrets/${name}`, { value })).status).toBeLessThan(300)
    const digest = await world.agent('naming', {
      tools: [],
      mcp_servers: Object.keys(secrets).map((secret) => ({
        ...{ name: secret.toLowerCase(), url: 'http://127.0.0.1:9/mcp', auth: 'bearer', secret },
      })),
    })
    await registry.kill()
    const victim = await world.start('registry', { pauseAt: point, environment })
    const cut = world.api.once<{ error: { code: string } }>('POST', '/v1/secrets-key/rotate')
    await victim.paused()
    await victim.kill()
    const { status: cutStatus, body: told } = await cut
    expect([cutStatus, told.error.code]).toEqual([503, 'unavailable'])
    expect(keysIn()).toBe(2)
    registry = await world.start('registry', { environment })
    expect(await readable(digest)).toEqual({ kind: 'resolved', values: secrets })
    const { status, body } = await world.api.once<{ outcome: string }>('POST', '/v1/secrets-key/rotate')
    expect([status, body.outcome]).toEqual([200, 'finished'])
    expect(keysIn()).toBe(1)
    expect(await readable(digest)).toEqual({ kind: 'resolved', values: secrets })
  },
  deadline,
)

test(
  'memory killed in a delivery, and away while turns end: each delivery arrives, under one id',
  async () => {
    await world.agent('told')
    const first = await world.start('memory', { environment })
    const made = await world.api.once<{ webhook: { id: string } }>('POST', '/v1/webhooks', {
      url: receiver.url,
      on: ['turn.completed'],
    })
    expect(made.status).toBe(201)
    const { session } = await world.api.create('told', 'say one')
    await eventually(() => receiver.got.length === 1)
    await first.kill()
    for (const message of ['say two', 'say three']) {
      await world.api.send(session.id, message)
      await world.settled(session.id)
    }
    receiver.hold = false
    const second = await world.start('memory', { environment })
    await eventually(() => new Set(receiver.answered.map(({ id }) => id)).size === 3, {
      describe: () => `three deliveries are answered; came: ${JSON.stringify(receiver.got)}`,
    })
    // The one that was cut came again as it was: the same id, the same body.
    const [cut] = receiver.got
    expect(receiver.answered).toContainEqual(cut)
    expect(receiver.answered.filter(({ id }) => id === cut?.id).length).toBeGreaterThan(0)
    expect(new Set(receiver.got.map(({ id, body }) => `${id} ${body}`)).size).toBe(3)
    const listed = async () =>
      (
        await world.api.once<{ deliveries: { id: string; last: { outcome: string } }[] }>(
          'GET',
          `/v1/webhook-deliveries?webhook=${made.body.webhook.id}`,
        )
      ).body.deliveries.filter(({ last }) => last.outcome === 'delivered')
    await eventually(async () => new Set((await listed()).map(({ id }) => id)).size === 3)
    await second.kill()
  },
  deadline,
)

interface Got {
  readonly id: string
  readonly body: string
}

interface Receiver {
  readonly server: Server
  readonly url: string
  readonly got: Got[]
  readonly answered: Got[]
  /** Whether who comes waits for ever. */
  hold: boolean
}

async function startReceiver(): Promise<Receiver> {
  const got: Got[] = []
  const answered: Got[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const one = { id: String(request.headers['webhook-id']), body }
    got.push(one)
    if (here.hold) return
    answered.push(one)
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const here: Receiver = { server, url: `http://127.0.0.1:${port}/hook`, got, answered, hold: true }
  return here
}
