// Agents whose definition names TypeScript files, on real processes: from the command line in a folder of its own to the answer of a
// turn, and the registry killed between any two writes of a put.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import {
  type AgentDefinition,
  bundleDigest,
  objectStores,
  type PutAgentResult,
  registryKindFilter,
  storedCode,
  streams,
} from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundledBinary } from '../../../scripts/bundle.ts'
import { compileCache } from '../../harness/config.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { World } from '../../harness/world.ts'

const deadline = 120_000

let world: World
let registry: ServiceProcess
let folder = ''

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'reins-agent-code-'))
  world = await World.open()
  registry = await world.start('registry')
  for (const name of ['session-gateway', 'executor', 'tool-runner'] as const) await world.start(name)
}, deadline)
afterAll(async () => {
  await world?.close()
  rmSync(folder, { recursive: true, force: true })
}, deadline)

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  writeFileSync(path.join(folder, file), text)
}

const typed = new Set<ChildProcess>()

/** The command line as a person in that folder types it. */
async function reins(cwd: string, ...words: readonly string[]) {
  mkdirSync(path.join(folder, cwd), { recursive: true })
  const child = spawn(process.execPath, [await bundledBinary(), ...words], {
    cwd: path.join(folder, cwd),
    env: {
      ...compileCache,
      ...{ PATH: path.dirname(process.execPath), HOME: folder },
      ...{ REINS_URL: world.api.url(), REINS_TOKEN: world.token },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  typed.add(child)
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (texts.out += chunk))
  child.stderr.on('data', (chunk) => (texts.err += chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  typed.delete(child)
  return { code, ...texts }
}
async function applied(cwd: string, ...words: readonly string[]): Promise<PutAgentResult> {
  const { code, out, err } = await reins(cwd, 'agent', ...words, '--json')
  if (code !== 0) throw new Error(err)
  return JSON.parse(out)
}

async function answered(session: string): Promise<string> {
  expect(await world.verdict(session)).toEqual([])
  const log = await world.readLog(session)
  return JSON.stringify(log.flatMap(({ frame }) => frame.events).filter(({ type }) => type === 'tool-call.completed'))
}

const tools = (result: string) => `
  import { defineTool, Type } from '@reins/agent'
  import { shout } from './lib/shout.ts'

  export const greet = defineTool({
    description: 'Greets somebody.',
    parameters: Type.Object({ name: Type.String() }),
    risk: 'read',
    execute: ({ name }) => shout(\`${result} \${name}\`),
  })
`
const yaml = (name: string) =>
  `name: ${name}\nmodel: scripted/assistant\nsystem_prompt: Greet.\ntools:\n  - files\n  - file: ./tools.ts\n`

function agentFolder(name: string, result = 'hello'): void {
  write(`${name}/agent.yaml`, yaml(name))
  write(`${name}/tools.ts`, tools(result))
  write(`${name}/lib/shout.ts`, 'export const shout = (text: string): string => text.toUpperCase()\n')
}

test('a file beside the YAML is a tool in the next turn, and what was shown can be applied anywhere', async () => {
  agentFolder('greeter')
  const created = await applied('.', 'apply', '--file', 'greeter/agent.yaml')
  const [code] = storedCode(created.agent.definition)
  expect([created.outcome, code?.file, code?.tools.map(({ name }) => name)]).toEqual([
    'created',
    './tools.ts',
    ['greet'],
  ])
  const { session } = await world.api.create('greeter', 'call greet {"name": "Ann"}')
  expect(await answered(session.id)).toContain('HELLO ANN')

  expect((await applied('greeter', 'apply', '-f', 'agent.yaml')).outcome).toBe('unchanged')
  const shown = await reins('.', 'agent', 'show', 'greeter')
  expect(shown.out).toContain(`  - file: ./tools.ts\n    digest: ${code?.digest}\n    size: ${code?.size}\n`)
  write('elsewhere/shown.yaml', shown.out)
  expect((await applied('elsewhere', 'apply', '-f', 'shown.yaml')).outcome).toBe('unchanged')

  agentFolder('greeter', 'good day')
  const kept = await applied('greeter', 'update', 'greeter', '--max-tool-calls', '7')
  expect(storedCode(kept.agent.definition)).toEqual(storedCode(created.agent.definition))
  const updated = await applied('.', 'update', 'greeter', '--file', 'greeter/agent.yaml')
  expect([updated.outcome, updated.agent.definition.max_tool_calls]).toEqual(['updated', 7])
  const { session: next } = await world.api.create('greeter', 'call greet {"name": "Bob"}')
  expect(await answered(next.id)).toContain('GOOD DAY BOB')
  await world.api.turn(session.id, 'call greet {"name": "Cy"}')
  expect(await answered(session.id)).toContain('HELLO CY') // A session keeps its version.
}, 120_000)

test.each<[string, Readonly<Record<string, string>>, string]>([
  ['does not compile', { 'tools.ts': 'export const a = (1;\n' }, 'tools.ts:1:20: Expected ")" but found ";"'],
  ['is not there', { 'agent.yaml': yaml('wrong').replace('tools.ts', 'none.ts') }, 'none.ts: there is no such file'],
  [
    'is Python',
    { 'agent.yaml': yaml('wrong').replace('tools.ts', 'a.py'), 'a.py': '' },
    'export const add = defineTool',
  ],
  [
    'has a tool without a description',
    { 'tools.ts': tools('x').replace("description: 'Greets somebody.',", '') },
    'tools[1]: (./tools.ts, export greet) needs a "description"',
  ],
  [
    'has the name of a built-in tool',
    { 'tools.ts': tools('x').replace('greet', 'read_file') },
    'has a tool "read_file", and so has tools[0] on line 5 (files)',
  ],
  ['has no tool', { 'tools.ts': 'export const a = 1\n' }, 'exports no tool'],
  ['throws', { 'tools.ts': 'throw new Error("no luck")\n' }, 'cannot be loaded: no luck'],
])('a file that %s is refused where it is applied, and nothing is stored', async (_what, files, says) => {
  agentFolder('wrong')
  for (const [file, text] of Object.entries(files)) write(`wrong/${file}`, text)
  const before = await stored()
  const { code, err } = await reins('wrong', 'agent', 'apply', '-f', 'agent.yaml')
  expect(err).toContain(says)
  expect([code, await stored()]).toEqual([1, before])
})

test.each(['registry.bytes-kept', 'registry.code-kept', 'registry.version-written'])(
  'the registry killed at %s: nothing names what is not there, and the same command makes it whole',
  async (point) => {
    const name = point.replace('.', '-')
    agentFolder(name, point)
    await registry.kill()
    registry = await world.start('registry', { pauseAt: point })
    void reins(name, 'agent', 'apply', '-f', 'agent.yaml')
    await registry.paused()
    await registry.kill()
    for (const child of typed) child.kill() // It would wait for an answer.
    registry = await world.start('registry')
    expect((await world.api.once('GET', `/v1/agents/${name}`)).status).toBe(404)
    expect(await dangling()).toEqual([])
    expect((await applied(name, 'apply', '-f', 'agent.yaml')).outcome).toBe('created')
    expect(await dangling()).toEqual([])
    const { session } = await world.api.create(name, 'call greet {"name": "Ann"}')
    expect(await answered(session.id)).toContain(`${point.toUpperCase()} ANN`)
  },
  120_000,
)

/** How much there is of everything. */
async function stored(): Promise<readonly number[]> {
  const manager = await jetstreamManager(world.broker.nc)
  const infos = [streams.registry, `OBJ_${objectStores.bundles}`].map((stream) => manager.streams.info(stream))
  return (await Promise.all(infos)).map(({ state }) => state.last_seq)
}

/** What is named by a record and is not there as it must be. */
async function dangling(): Promise<readonly string[]> {
  const manager = await jetstreamManager(world.broker.nc)
  const bundles = await new Objm(jetstream(world.broker.nc)).open(objectStores.bundles)
  const { state } = await manager.streams.info(streams.registry)
  const records = new Set<string>()
  const missing: string[] = []
  const kind = (filter: string) => filter.replace('*', '')
  for (let seq = 1; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(streams.registry, { seq })
    if (!message) continue
    const value = message.json<{ digest: string; definition?: AgentDefinition }>()
    const { subject } = message
    if (subject.startsWith(kind(registryKindFilter('bundle')))) {
      const bytes = await bundles.getBlob(value.digest)
      if (!bytes || bundleDigest(bytes) !== value.digest) missing.push(`the bytes of ${value.digest}`)
    } else if (value.definition) {
      for (const { digest } of storedCode(value.definition))
        if (!records.has(digest)) missing.push(`the bundle ${digest} of the version ${value.digest}`)
    } else if (subject.startsWith(kind(registryKindFilter('agent'))) && !records.has(value.digest))
      missing.push(`the version ${value.digest} of ${subject}`)
    records.add(value.digest)
  }
  return missing
}
