// docker-compose.yml as an operator uses it: made secrets, built image, several executors, a turn, a broker that dies.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TurnResult } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { Api } from '../harness/api.ts'
import { docker, dockerOk, freePort, noDocker, noImage } from './docker.ts'
import { makeSecrets, natsImage, postgresImage } from './world.ts'

const missing = noDocker()
if (missing !== undefined) console.warn(`docker-compose.yml was not tested: ${missing}`)

interface StreamOfNode {
  readonly num_replicas: number
  readonly storage: 'file' | 'memory'
}

describe.skipIf(missing !== undefined)('docker-compose.yml', () => {
  test('is valid before anything was set up', async () => {
    const services = await dockerOk(['compose', 'config', '--services'])
    expect(services.trim().split('\n').sort()).toEqual(
      ['database', 'executor', 'memory', 'nats', 'postgres', 'registry', 'session-gateway', 'tool-runner'].sort(),
    )
  })

  test('publishes the gateway to this machine alone, and nothing else', async () => {
    const config: { services: Record<string, { ports?: { host_ip?: string }[]; read_only?: boolean }> } = JSON.parse(
      await dockerOk(['compose', 'config', '--format', 'json']),
    )
    const published = Object.entries(config.services).flatMap(([name, { ports = [] }]) =>
      ports.map(({ host_ip }) => [name, host_ip]),
    )
    expect(published).toEqual([['session-gateway', '127.0.0.1']])
    expect(Object.values(config.services).every(({ read_only }) => read_only)).toBe(true)
  })

  test('has two nats-servers more with the profile cluster', async () => {
    const services = await dockerOk(['compose', '--profile', 'cluster', 'config', '--services'])
    expect(
      services
        .split('\n')
        .filter((name) => name.startsWith('nats'))
        .sort(),
    ).toEqual(['nats', 'nats-2', 'nats-3'])
  })
})

const images = ['node:24-bookworm-slim', natsImage, postgresImage]
const unbuildable = missing ?? (await Promise.all(images.map(noImage))).find((why) => why !== undefined)
if (missing === undefined && unbuildable !== undefined) console.warn(`docker compose up was not tested: ${unbuildable}`)

describe.skipIf(unbuildable !== undefined)('docker compose up', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reins-compose-'))
  const project = `reins-${randomUUID().slice(0, 8)}`
  let env: Record<string, string>
  let api: Api
  const compose = (...args: string[]): Promise<string> =>
    dockerOk(['compose', '--project-name', project, ...args], { env, withinMs: 400_000 })

  beforeAll(async () => {
    const { token } = makeSecrets(folder)
    const port = await freePort()
    env = { REINS_SECRETS: folder, REINS_PORT: String(port), REINS_IMAGE: `${project}:test` }
    api = new Api(() => [`http://127.0.0.1:${port}`], token)
    const scale = ['--scale', 'executor=3', '--scale', 'tool-runner=2']
    await compose('up', '--build', '--detach', '--wait', '--wait-timeout', '180', ...scale)
  })
  afterAll(async () => {
    await compose('down', '--volumes', '--timeout', '5')
    await docker(['image', 'rm', '--force', `${project}:test`])
    rmSync(folder, { recursive: true, force: true })
  })

  test('answers a turn, whose command runs in a sandbox that sees no secret', async () => {
    const agent = { name: 'worker', model: 'scripted/assistant', system_prompt: 'Do it.', tools: ['system_tools'] }
    // On a busy machine the first answer of ten new containers may come after its deadline, which is 503.
    await eventually(async () => [200, 201].includes((await api.once('PUT', '/v1/agents/worker', agent)).status))
    const { id } = (await api.create('worker')).session
    const { turn } = await api.turn(id, '!shell id -un; ls /run/secrets || echo no secrets')
    expect(turn.content).toContain('node\\nno secrets')
  })

  test('runs three executors, and as nobody’s root', async () => {
    const running = await compose('ps', '--format', '{{.Service}}')
    expect(running.split('\n').filter((name) => name === 'executor')).toHaveLength(3)
    for (const service of ['executor', 'tool-runner', 'registry', 'memory', 'session-gateway'])
      expect(await compose('exec', '-T', service, 'id', '-u')).toBe('1000\n')
  })

  test('goes on when the broker is killed and started again', async () => {
    const { id } = (await api.create('worker')).session
    await api.send(id, 'stream 100 every 20 ')
    await compose('kill', 'nats')
    await compose('start', 'nats')
    const { turn } = await api.turn(id, 'say still here')
    expect(turn).toMatchObject({ status: 'completed', content: 'still here' })
  })

  test('goes on where it was when the container of the broker is made anew, as after an update', async () => {
    const { id } = (await api.create('worker')).session
    expect((await api.turn(id, 'say before')).turn).toMatchObject({ content: 'before' })
    await compose('up', '--detach', '--wait', '--no-build', '--force-recreate', 'nats')
    const said = { content: 'say behind' }
    const { body } = await api.stubborn<TurnResult>('POST', `/v1/sessions/${id}/messages?wait=turn`, said, {
      ...{ key: randomUUID(), patienceMs: 120_000 },
    })
    expect(body.turn).toMatchObject({ status: 'completed', content: 'behind' })
    expect((await api.once('GET', `/v1/sessions/${id}`)).body).toMatchObject({ turns: 2 })
  })
})

describe.skipIf(unbuildable !== undefined)('docker compose --profile cluster up', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'reins-compose-cluster-'))
  const project = `reins-${randomUUID().slice(0, 8)}`
  let env: Record<string, string>
  let api: Api
  const compose = (...args: string[]): Promise<string> =>
    dockerOk(['compose', '--project-name', project, '--profile', 'cluster', ...args], { env, withinMs: 400_000 })

  beforeAll(async () => {
    const { token } = makeSecrets(folder, '--cluster')
    const port = await freePort()
    env = { REINS_SECRETS: folder, REINS_PORT: String(port), REINS_IMAGE: `${project}:test` }
    api = new Api(() => [`http://127.0.0.1:${port}`], token)
    await compose('up', '--build', '--detach', '--wait', '--wait-timeout', '180')
  })
  afterAll(async () => {
    await compose('down', '--volumes', '--timeout', '5')
    await docker(['image', 'rm', '--force', `${project}:test`])
    rmSync(folder, { recursive: true, force: true })
  })

  test('each stream that is kept has three copies, and a turn goes on while any one of the three is away', async () => {
    const agent = { name: 'worker', model: 'scripted/assistant', system_prompt: 'Do it.', tools: ['system_tools'] }
    const key = () => ({ key: randomUUID(), withinMs: 180_000 })
    expect((await api.stubborn('PUT', '/v1/agents/worker', agent, key())).status).toBe(201)
    const { id } = (await api.create('worker', undefined, key())).session
    const streams = await compose(
      ...['exec', '-T', 'nats', 'wget', '-q', '-O', '-', 'http://127.0.0.1:8222/jsz?accounts=1&streams=1&config=1'],
    )
    const { account_details: accounts } = JSON.parse(streams) as {
      account_details: readonly { stream_detail?: readonly { name: string; config: StreamOfNode }[] }[]
    }
    // Deltas are held in memory, at one node: who misses some reads what came of them.
    const kept = accounts
      .flatMap(({ stream_detail: of = [] }) => of)
      .filter(({ config: { storage } }) => storage === 'file')
      .map(({ name, config }) => [name, config.num_replicas])
    expect(kept.length).toBeGreaterThan(5)
    expect(kept.filter(([, count]) => count !== 3)).toEqual([])
    for (const node of ['nats', 'nats-2', 'nats-3']) {
      await compose('kill', node)
      const said = { content: `say without ${node}` }
      const { body } = await api.stubborn<TurnResult>('POST', `/v1/sessions/${id}/messages?wait=turn`, said, {
        ...key(),
        patienceMs: 60_000,
      })
      expect(body.turn).toMatchObject({ status: 'completed', content: `without ${node}` })
      await compose('up', '--detach', '--wait', '--no-recreate', '--no-build', node)
    }
  })
})
