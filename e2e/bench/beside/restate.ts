// Restate as a peer: its server with the settings that it comes with, on loopback and without telemetry, and one process with the endpoint.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { JsonClient } from '../product/json-client.ts'
import { type Started, startNode, startProgram } from '../product/processes.ts'
import { closesWithProducts, freePort, urlSaid } from '../product/product.ts'
import { toolMessage } from '../turns/turns.ts'
import { type Contender, contenderOf, type Peer } from './peers.ts'
import type { InstalledRestate } from './restate-install.ts'

const endpointMain = fileURLToPath(new URL('./restate-endpoint-main.ts', import.meta.url))
const readyWithinMs = 60_000

export interface RestateOptions {
  readonly installed: InstalledRestate
  readonly modelUrl: string
  /** What the tool reads. */
  readonly note: string
}

export interface RestatePeer extends Peer {
  /** Three steps as a workflow of Restate, which runs once for its key. */
  readonly workflow: Contender
  /** The same three steps as a handler of a service. */
  readonly service: Contender
}

export async function startRestate({ installed, modelUrl, note }: RestateOptions): Promise<RestatePeer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-bench-restate-'))
  const ports = {
    node: await freePort(),
    ingress: await freePort(),
    admin: await freePort(),
    endpoint: await freePort(),
  }
  const [ingressUrl, adminUrl] = [`http://127.0.0.1:${ports.ingress}`, `http://127.0.0.1:${ports.admin}`]
  const running: Started[] = []

  const startAll = async (): Promise<void> => {
    running.splice(0)
    const endpoint = startNode({
      name: 'the endpoint for Restate',
      args: [endpointMain, '--sdk', installed.folder, '--port', String(ports.endpoint), '--file', note],
      ready: urlSaid,
    })
    const server = startProgram(installed.server, {
      name: 'restate-server',
      args: ['--no-logo', '--base-dir', folder, '--node-name', 'bench'],
      env: {
        ...{ RESTATE_LISTEN_MODE: 'tcp', RESTATE_BIND_IP: '127.0.0.1', RESTATE_BIND_PORT: String(ports.node) },
        ...{ RESTATE_INGRESS__BIND_PORT: String(ports.ingress), RESTATE_ADMIN__BIND_PORT: String(ports.admin) },
        ...{ RESTATE_DISABLE_TELEMETRY: 'true' },
      },
      ready: (line) => line,
    })
    for (const started of await Promise.allSettled([endpoint, server]))
      if (started.status === 'fulfilled') running.push(started.value)
    await Promise.all([endpoint, server])
    await Promise.all([healthy(`${adminUrl}/health`), healthy(`${ingressUrl}/restate/health`)])
  }
  const stop = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((one) => one.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  closesWithProducts(stop)

  try {
    await startAll()
    await registered(adminUrl, `http://127.0.0.1:${ports.endpoint}`)
  } catch (error) {
    await stop()
    throw error
  }
  const client = new JsonClient(ingressUrl)
  const pids = (): readonly number[] => running.map(({ pid }) => pid)
  const stepsOf = async (path: string): Promise<void> => {
    const result = await client.json('POST', path, {})
    if (result !== 3) throw new Error(`three steps on Restate gave ${JSON.stringify(result)}`)
  }
  let sessions = 0
  let runs = 0
  const turn = async (session: string, content: string, url: string): Promise<void> => {
    const { answer } = (await client.json('POST', `/session/${session}/turn`, { content, modelUrl: url })) as {
      answer?: string
    }
    if (answer === undefined || answer === '') throw new Error('a turn on Restate gave no answer')
  }
  return {
    name: 'Restate',
    async begin() {
      const session = `s${sessions++}`
      await turn(session, toolMessage, modelUrl)
      return session
    },
    turn: (session) => turn(session, toolMessage, modelUrl),
    workflow: contenderOf(() => stepsOf(`/steps/r${runs++}/run`), { pids }),
    service: contenderOf(() => stepsOf('/steps-of-service/run'), { pids }),
    pids,
    beginHeld: (heldUrl, message) => turn(`held${sessions++}`, message, heldUrl),
    async kill() {
      for (const one of running) one.kill('SIGKILL')
      await Promise.all(running.map(({ ended }) => ended))
    },
    startAgain: startAll,
    async close() {
      client.close()
      await stop()
    },
  }
}

async function healthy(url: string): Promise<void> {
  for (const until = performance.now() + readyWithinMs; ; await pause(5)) {
    const answer = await fetch(url).catch(() => undefined)
    await answer?.body?.cancel()
    if (answer?.ok) return
    if (performance.now() > until) throw new Error(`Restate was not ready within ${readyWithinMs} ms (${url})`)
  }
}

async function registered(adminUrl: string, uri: string): Promise<void> {
  const answer = await fetch(`${adminUrl}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri }),
  })
  if (!answer.ok) throw new Error(`Restate did not take the endpoint: ${answer.status} ${await answer.text()}`)
}
