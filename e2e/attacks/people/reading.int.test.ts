// Attacks by small tokens on what others have, and on the time of others: a part of `npm run test:long` and of `npm run attacks`.
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { chatRun, webhookMaking } from '@reins/contracts'
import { afterAll, beforeAll, test } from 'vitest'
import { workflowsProject } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import { World } from '../../harness/world.ts'
import { refusedAll } from '../refused-all.ts'
import { Tally } from '../tally.ts'
import { type Ask, askingWith, principalWith } from './history.ts'
import { type Small, type Theirs, tryForeignPages, tryMemoryFiles, tryReading, trySums } from './reading.ts'

const deadline = 240_000
const word = 'sesame-of-another'
let world: World
let admin: Ask
let theirs: Theirs
/** What nobody who is small may be told. */
let others: readonly string[]
let small: readonly Small[]
/** Of the session of `mine`. */
let used: number

async function made<T>(method: string, path: string, body?: unknown): Promise<T> {
  const { status, text } = await admin(method, path, body)
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
  return JSON.parse(text) as T
}

beforeAll(async () => {
  world = await World.open()
  const environment = { REINS_ALLOW_PRIVATE_WEBHOOKS: '1' }
  await world.start('registry', { environment })
  await Promise.all([
    world.start('session-gateway', { environment }),
    world.start('memory', { environment }),
    world.start('tool-runner'),
    world.start('executor'),
  ])
  admin = askingWith(world, world.token)
  await world.agent('mine', { long_term_memory: { scope: 'user:small' } })
  const { session: mine } = await world.api.create('mine', 'say begun')
  await world.settled(mine.id)
  theirs = await whatIsTheirs()
  const usage = await made<{ total: { inputTokens: number } }>('GET', '/v1/usage?agent=mine')
  used = usage.total.inputTokens
  const { word: _, scope, key, cursor: _at, call: _call, ...ids } = theirs
  others = [word, scope, key, ...Object.values(ids)]
  small = await Promise.all([
    one('who-reads-one-agent', [
      ...['session:mine:read', 'agent:mine:read', 'agent:mine:start', chatRun, 'usage:mine:read', 'session:mine:fork'],
      ...['approval:mine:shell', 'memory:user%3Asmall:read', 'config:mine:read', 'secret:MINE:read', 'role:mine:read'],
      ...['principal:small:read', 'token:small:read', 'workflow:mine:read', 'webhook:wh_mine:read', 'execution:x:read'],
    ]),
    one('who-reads-one-session', ['agent:mine:session:read', `execution:${mine.id}:read`]),
    one('who-approves', ['approval:mine:shell:read', 'approval:mine:shell']),
    one('who-makes-webhooks', [webhookMaking]),
    one('who-may-nothing', []),
  ])
}, deadline)
afterAll(() => world?.close(), deadline)

const one = async (who: string, permissions: readonly string[]): Promise<Small> => ({
  who,
  ask: await principalWith(world, who, permissions),
})

/** Something of each kind, each with the word in it, by principals that the small ones do not know. */
async function whatIsTheirs(): Promise<Theirs> {
  const scope = 'user:theirs-alone'
  await world.agent('theirs', {
    description: `Keeps ${word}.`,
    long_term_memory: { scope },
    approvals: { expires: '1h', tools: { shell: 'always' } },
  })
  const { session, cursor } = await world.api.create('theirs', `say ${word}`)
  await world.settled(session.id)
  const write = 'write_file {"path":"kept","content":"kept"}'
  await world.api.turn(session.id, `call ${write}`)
  await admin('POST', `/v1/sessions/${session.id}/messages`, { content: `!shell echo ${word}` })
  const asked = await eventually(
    async () => {
      const { approvals } = await made<{ approvals: { call: string }[] }>('GET', '/v1/approvals')
      return approvals[0]
    },
    { withinMs: 60_000 },
  )
  const at = new URLSearchParams({ scope, key: 'key-of-theirs' })
  await made('PUT', `/v1/memory/entry?${at}`, { value: word })
  await made('PUT', '/v1/secrets/THEIR_SECRET', { value: word })
  await made('PUT', '/v1/configs/their-config', { value: word })
  await made('POST', '/v1/roles/their-role', { permissions: ['session:theirs:read'], description: word })
  await made('POST', '/v1/principals', { name: 'their-principal', permissions: ['session:theirs:read'] })
  const { token } = await made<{ token: { id: string } }>('POST', '/v1/tokens', {
    ...{ principal: 'their-principal', label: word },
  })
  const { webhook } = await made<{ webhook: { id: string } }>('POST', '/v1/webhooks', {
    ...{ url: `http://127.0.0.1:9/${word}`, on: ['*'] },
  })
  const bundle = workflowsProject({ 'their-flow': `return '${word}'` })
  await made('PUT', '/v1/projects/their-project', { bundle })
  const started = await made<{ run: { runId: string } }>('POST', '/v1/runs', {
    ...{ workflow: 'their-flow', payload: { word } },
  })
  return {
    ...{ word, session: session.id, agent: 'theirs', scope, key: 'key-of-theirs', principal: 'their-principal' },
    ...{ role: 'their-role', secret: 'THEIR_SECRET', config: 'their-config', webhook: webhook.id, token: token.id },
    ...{
      workflow: 'their-flow',
      run: started.run.runId,
      project: 'their-project',
      call: asked.call,
      ref: 'a'.repeat(64),
    },
    cursor,
  }
}

test(
  'no door shows a small token what is of others, nor whether it is there',
  async () => {
    const tally = new Tally()
    for (const each of small) await tryReading(world, each, theirs, others, tally)
    refusedAll(tally)
  },
  2 * deadline,
)

test(
  'no page of another leads a small token to what is of others, and no sum holds it',
  async () => {
    const tally = new Tally()
    for (const each of small) {
      await tryForeignPages(world, each, others, tally)
      await trySums(each, used, tally)
    }
    refusedAll(tally)
  },
  2 * deadline,
)

test(
  'nobody fills the folder of memory files, by reading or by writing',
  async () => {
    const tally = new Tally()
    const folder = path.join(world.servers.folder, 'data', 'memory')
    const writes = await one('who-has-a-memory', ['memory:user%3Asmall:*'])
    const files = () => (existsSync(folder) ? readdirSync(folder, { recursive: true }).length : 0)
    await tryMemoryFiles(writes, files, tally)
    refusedAll(tally)
  },
  2 * deadline,
)
