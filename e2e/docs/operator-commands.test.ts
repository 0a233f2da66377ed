// What the documents for operators tell to type, typed: on one product, which an approval waits in, and whose agent asks a real MCP server.
//   OC1. Each command that a document has is run here, or stands below with the test that runs it. Those of Kubernetes and Helm need a
//        cluster, and those of Grafana images that are not ours: of these, operator-docs.test.ts looks for what they name.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledBinary } from '../../scripts/bundle.ts'
import { Product } from '../bad-input/product.ts'
import { freePort } from '../containers/docker.ts'
import { compileCache, searchPath } from '../harness/config.ts'
import { operatorCommands } from './commands-in.ts'

const root = path.join(import.meta.dirname, '..', '..')
const run = promisify(execFile)
const formOnly = 'e2e/docs/operator-docs.test.ts'
const everything = path.join(root, 'node_modules', '@modelcontextprotocol', 'server-everything', 'dist', 'index.js')

/** OC1. A command that begins so is run by the test that is named. */
const elsewhere: readonly (readonly [string, string])[] = [
  ['docker compose --profile observability', formOnly],
  ['docker compose', 'e2e/containers/compose.test.ts'],
  ['docker build', 'e2e/containers/compose.test.ts'],
  ['npm run cluster', 'e2e/cluster/cluster.int.test.ts'],
  ['npm run chart', 'deploy/helm/src/chart.test.ts'],
  ['npx reins doctor', 'deploy/local/test/doctor.int.test.ts'],
  ['npx reins session verify --all', 'e2e/damaged/doors.int.test.ts'],
  ['npx reins session end', 'e2e/kill/erase.int.test.ts'],
  ['npx reins session erase', 'e2e/kill/erase.int.test.ts'],
  ['npx reins session list --erased', 'e2e/kill/erase.int.test.ts'],
  ['npx reins restore /backups/monday --erased', 'e2e/kill/erase.int.test.ts'],
  ['kubectl ', formOnly],
  ['helm ', formOnly],
]

const folder = mkdtempSync(path.join(os.tmpdir(), 'reins-operator-'))
const backup = path.join(folder, 'monday')
let server: ChildProcess
let product: Product
/** Has had a turn, and stands still. */
let session: string

beforeAll(async () => {
  const port = await freePort()
  server = spawn(process.execPath, [everything, 'streamableHttp'], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await saying(server.stderr, String(port))
  product = await Product.start()
  const agents = {
    helper: { tools: [] },
    careful: { tools: [{ shell: { approval: 'always' } }] },
    asking: { mcp_servers: [{ name: 'everything', url: `http://127.0.0.1:${port}/mcp` }] },
    browser: { affinity: { browser: 'true' } },
  }
  for (const [name, more] of Object.entries(agents)) {
    const definition = { name, model: 'scripted/assistant', system_prompt: 'x', ...more }
    const { status, text } = await product.ask('PUT', `/v1/agents/${name}`, definition)
    if (status !== 201) throw new Error(text)
  }
  session = await product.session('helper')
  expect(await product.turn(session, 'say hello')).toBe('hello')
})
afterAll(async () => {
  await product?.close()
  server?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

test.each(operatorCommands)('%s is run here, or by a test that there is', (command) => {
  const by = elsewhere.find(([begins]) => command.startsWith(begins))?.[1]
  if (by === undefined) expect(runs.filter(({ of }) => of.test(command))).toHaveLength(1)
  else expect(existsSync(path.join(root, by)), by).toBe(true)
})

/** How each is run: its words, with what a reader would put in. */
interface Run {
  readonly of: RegExp
  readonly check: (words: readonly string[], command: string) => Promise<void>
}

/** It says something, and ends well. */
async function ends(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await product.cli(...words)
  expect([code, err], out).toEqual([0, expect.not.stringMatching(/error/i)])
  expect(out).not.toBe('')
  return out
}

const runs: readonly Run[] = [
  {
    of: /^npx reins (?:session (?:trace|show|tree|list|events)|(?:approvals|elicitations) list|pool list)\b/,
    check: async (words) => {
      const asked = words.filter((word) => word !== '--watch' && !/^https?:/.test(word) && word !== '--otlp')
      const named = asked.map((word) => (/^(?:01\w+…?|<session>)$/.test(word) ? session : word))
      await ends(...named, ...(/^session (?:trace|show|tree|events)$/.test(named.join(' ')) ? [session] : []))
    },
  },
  { of: /^npx reins agent show$/, check: async (words) => void (await ends(...words, 'helper')) },
  {
    of: /^npx reins agent apply$/,
    check: async (words) => {
      const file = path.join(folder, 'helper.yaml')
      writeFileSync(file, 'name: helper\nmodel: scripted/assistant\nsystem_prompt: y\n')
      await ends(...words, '--file', file)
      expect(await ends('agent', 'show', 'helper')).toContain('system_prompt')
    },
  },
  {
    of: /^npx reins session resume$/,
    check: async (words) => {
      await ends('session', 'pause', session)
      await ends(...words, session)
      expect(await product.turn(session, 'say again')).toBe('again')
    },
  },
  {
    of: /^npx reins approvals (?:approve|deny)$/,
    check: async (words) => {
      const id = await product.session('careful')
      await product.ask('POST', `/v1/sessions/${id}/messages`, { content: '!shell echo done' })
      await expect.poll(async () => (await callsOf(id)).length, { timeout: 60_000 }).toBe(1)
      const [call = ''] = await callsOf(id)
      await ends(...words, id, call)
      await expect.poll(() => callsOf(id), { timeout: 60_000 }).toEqual([])
    },
  },
  {
    of: /^npx reins mcp test$/,
    check: async (words) => expect(await ends(...words, 'asking')).toContain('everything'),
  },
  {
    of: /^npx reins secret set$/,
    check: async (words) => {
      await ends(...words, 'GITHUB_TOKEN', 'ghp_0123456789')
      expect(await ends('secret', 'list')).toContain('GITHUB_TOKEN')
    },
  },
  {
    of: /^npx reins service executor\b/,
    check: async (words) => {
      const service = await started(words)
      try {
        const labels = words.includes('browser=true')
        const id = await product.session(labels ? 'browser' : 'helper')
        expect(await product.turn(id, 'say here')).toBe('here')
      } finally {
        service.kill('SIGTERM')
        expect((await once(service, 'exit'))[0]).toBe(0)
      }
    },
  },
  {
    of: /^npx reins (?:backup|restore) \/backups\/monday$/,
    check: async ([command = '']) => {
      if (!existsSync(backup)) await ends('backup', backup)
      if (command === 'backup') return expect(readdirSync(backup)).not.toEqual([])
      const made = path.join(folder, 'restored')
      await ends('restore', backup, '--data-dir', made)
      expect(readdirSync(made)).toContain('nats')
    },
  },
  {
    // On the product that runs, while it works; after it everything goes on, on four streams.
    of: /^npx reins streams split\b/,
    check: async (words) => {
      const said = await ends(...words)
      expect(said).toMatch(words.includes('--dry-run') ? /lie in (?:one stream|four streams)/ : /lie in four streams/)
      expect(await product.turn(session, 'say as before')).toBe('as before')
      const begun = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const id = await product.session('helper')
          return (await product.turn(id, 'say new')) === 'new' ? id : ''
        }),
      )
      const listed = async () =>
        (await product.ask('GET', '/v1/sessions?limit=100')).json.sessions?.map(({ id }: { id: string }) => id)
      await expect.poll(listed, { timeout: 60_000 }).toEqual(expect.arrayContaining([session, ...begun]))
    },
  },
  {
    of: /^npm run docker:setup\b/,
    check: async (_, command) => {
      const asked = command.split(' ').slice(4)
      const named = asked.map((word) => (/^(?:FOLDER|\.\/secrets)$/.test(word) ? path.join(folder, 'secrets') : word))
      const all = named[0]?.startsWith('/') ? named : [path.join(folder, 'own secrets'), ...named]
      await run(process.execPath, ['deploy/docker/setup.ts', ...all], { cwd: root })
      const made = ['nats.conf', 'executor.nats-url', 'reins-archivist.nats-url', 'reins-mover.nats-url']
      expect(readdirSync(all[0] ?? '')).toEqual(expect.arrayContaining(made))
      expect(readFileSync(path.join(all[0] ?? '', 'nats.conf'), 'utf8')).toContain('STREAM.PURGE.SES')
      const natsUrl = readFileSync(path.join(all[0] ?? '', 'executor.nats-url'), 'utf8')
      expect(natsUrl).toContain(asked.includes('--nats') ? asked[asked.indexOf('--nats') + 1] : 'nats:4222')
    },
  },
]

const callsOf = async (id: string): Promise<readonly string[]> => {
  const { json } = await product.ask('GET', `/v1/approvals?session=${id}`)
  return json.approvals.map(({ call }: { readonly call: string }) => call)
}

/** Rejects where it ends without. */
const saying = (stream: Readable | null, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let said = ''
    stream?.on('data', (chunk) => {
      said += chunk
      if (said.includes(text)) resolve()
    })
    stream?.on('close', () => reject(new Error(`it ended, and had said: ${said}`)))
  })

/** Runs until it is told to stop. */
async function started(words: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [await bundledBinary(), ...words], {
    cwd: product.folder,
    env: { ...compileCache, PATH: searchPath, HOME: product.folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await saying(child.stdout, 'ready executor')
  return child
}

describe('on one product', () => {
  const typed = operatorCommands.filter((one) => !elsewhere.some(([begins]) => one.startsWith(begins)))
  test.each(typed)('%s', async (command) => {
    const found = runs.find(({ of }) => of.test(command))
    await found?.check(command.replace(/^npx reins /, '').split(' '), command)
  })
})
