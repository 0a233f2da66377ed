// What somebody can make the product believe who has the password of the registry, or of another service: nothing that the registry has
// not sealed. On a product that runs, with real passwords.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import {
  type Broker,
  connectBroker,
  lastMessage,
  makeHeaders,
  messageAt,
  readMessages,
  type StoredMessage,
} from '@reins/broker'
import {
  encodeFrame,
  type Role,
  registrySubject,
  type ServiceName,
  sessionSubject,
  streams,
  toLog,
} from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifierWith } from '../src/commands/verify.ts'
import { rotateRoleKeys } from '../src/data/signing-key.ts'
import { Scratch } from './fixture.ts'
import { Product } from './product.ts'

const scratch = new Scratch()
const within = { timeout: 30_000 }
let product: Product
const thieves: Broker[] = []

interface ServersFile {
  readonly natsUrl: string
  readonly users: Readonly<Record<ServiceName, { readonly user: string; readonly password: string }>>
}

async function thiefOf(service: ServiceName): Promise<Broker> {
  const { natsUrl, users }: ServersFile = JSON.parse(readFileSync(scratch.in('data', 'servers.json'), 'utf8'))
  const thief = await connectBroker({ url: natsUrl, ...users[service], name: `thief of ${service}` })
  thieves.push(thief)
  return thief
}
const leave = async () => void (await Promise.all(thieves.splice(0).map((thief) => thief.close())))

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')
const subjectOf = (token: string): string => registrySubject('token', hashOf(token))
const entry = (token: string) =>
  JSON.stringify({ hash: hashOf(token), principal: 'admin', permissions: ['*'], revoked: false, createdAt: 1 })
const opens = async (token: string): Promise<number> =>
  (await product.ask('GET', '/v1/agents', undefined, token)).status
const seals = async (): Promise<string> => (await product.ask('GET', '/health')).json.parts.seals ?? ''
/** Tokens that stay revoked, also over the next start. */
const revoked: string[] = []
const condition = 'Nats-Expected-Last-Subject-Sequence'
/** The broker looks for a name behind the place where it has found it last, and finds none that begins right there. */
const hiding: readonly [string, string][] = [
  ['X', `${condition}${condition}`],
  ['Y', `${condition}-Subject${condition}-Subject`],
]
const sealedHeaders = (record: StoredMessage): readonly [string, string][] =>
  ['Reins-Id', 'Reins-Seal', condition, `${condition}-Subject`]
    .map((name): [string, string] => [name, record.header(name)])
    .filter(([, value]) => value !== '')
async function again(thief: Broker, { subject, body }: StoredMessage, headers: readonly [string, string][]) {
  const outcome = await thief.request(subject, body, { headers: makeHeaders(headers) })
  return outcome.kind === 'reply' ? JSON.parse(outcome.msg.string()) : outcome.kind
}
const admin = () => readFileSync(scratch.in('data', 'admin.token'), 'utf8').trim()

async function tokenThatWasRevoked(): Promise<string> {
  const made = await product.ask('POST', '/v1/tokens', { principal: 'admin' })
  expect(made.status).toBe(201)
  const {
    text: token,
    token: { id },
  } = made.json
  await expect.poll(() => opens(token).then((status) => status !== 401), within).toBe(true)
  expect((await product.ask('DELETE', `/v1/tokens/${id}`)).status).toBe(200)
  await expect.poll(() => opens(token), within).toBe(401)
  return token
}

beforeAll(async () => {
  // As an older Reins left it: no record has a seal.
  mkdirSync(scratch.in('no-keys'))
  product = await Product.start(scratch.path, { more: { REINS_KEYS_DIR: scratch.in('no-keys') } })
  await product.ask('PUT', '/v1/agents/older', { model: 'scripted/assistant', system_prompt: 'x' })
  await product.close()
  product = await Product.start(scratch.path, { copied: false })
}, 240_000)
afterAll(async () => {
  await leave()
  await product?.close()
  scratch[Symbol.dispose]()
}, 60_000)

describe('a data folder of an older Reins', () => {
  it('has its records sealed at the first start, and goes on with them', async () => {
    expect(await opens(admin())).toBe(200)
    expect((await product.ask('GET', '/v1/agents/older')).status).toBe(200)
    await expect
      .poll(
        async () => (await product.ask('GET', '/v1/agents')).json.agents?.map(({ name }: { name: string }) => name),
        within,
      )
      .toContain('older')
    expect(await seals()).toBe('')
    const thief = await thiefOf('executor')
    for (const subject of [
      subjectOf(admin()),
      registrySubject('agent', 'older'),
      registrySubject('sealed', 'registry'),
    ])
      expect((await lastMessage(thief, streams.registry, subject))?.header('Reins-Seal')).toMatch(/^[0-9a-f]{16}\./)
    for (const name of ['registry', 'executor', 'tool-runner', 'memory', 'signing'])
      expect(statSync(scratch.in('data', `${name}.key`)).mode & 0o777).toBe(0o600)
    await leave()
  })

  it('tells in the audit what was done, and not that it was sealed', async () => {
    const { entries } = (await product.ask('GET', '/v1/audit')).json
    expect(entries.filter(({ on }: { on: string }) => on === 'agent older')).toHaveLength(1)
  })
})

describe('with the password of the registry', () => {
  it('nobody makes a token that opens the door, nor an agent', async () => {
    const thief = await thiefOf('registry')
    const token = 'reins_forged_token'
    await thief.request(subjectOf(token), entry(token))
    const agent = (await messageAt(thief, streams.registry, 1))!
    await thief.request(registrySubject('agent', 'forged'), agent.body.replaceAll('older', 'forged'))
    await expect.poll(seals, within).toContain(`reg.token.${hashOf(token)}`)
    expect(await opens(token)).toBe(401)
    expect((await product.ask('GET', '/v1/agents/forged')).status).toBe(404)
    // A seal of another key, and the seal of another record.
    const sealed = (await lastMessage(thief, streams.registry, subjectOf(admin())))!.header('Reins-Seal')
    for (const seal of [sealed, sealed.replace(/^.{16}/, '0'.repeat(16)), 'x', `${sealed.slice(0, 17)}AAAA`])
      await thief.request(subjectOf(token), entry(token), { headers: makeHeaders([['Reins-Seal', seal]]) })
    expect(await opens(token)).toBe(401)
    await leave()
  })

  it('nobody puts in again what was sealed once: a revoked token stays revoked', async () => {
    const token = await tokenThatWasRevoked()
    const thief = await thiefOf('registry')
    const [first] = await readMessages(thief, streams.registry, subjectOf(token))
    const kept = sealedHeaders(first!)
    expect(await again(thief, first!, kept)).toMatchObject({ error: { err_code: 10071 } })
    expect(
      await again(
        thief,
        first!,
        kept.filter(([name]) => !name.startsWith('Nats-')),
      ),
    ).toHaveProperty('seq')
    await expect.poll(seals, within).toContain(hashOf(token))
    expect(await opens(token)).toBe(401)
    revoked.push(token)
    await leave()
  })

  it('nobody does so by hiding the condition from the broker, which looks for it behind a name that is doubled', async () => {
    const thief = await thiefOf('registry')
    const token = await tokenThatWasRevoked()
    const [first] = await readMessages(thief, streams.registry, subjectOf(token))
    const named = Number.parseInt(await seals(), 10)
    expect(await again(thief, first!, [...hiding, ...sealedHeaders(first!)])).not.toHaveProperty('error')
    const [last] = (await readMessages(thief, streams.registry, subjectOf(token))).toReversed()
    expect(last?.body).toBe(first?.body) // It lies there, and is one more that nobody believes.
    await expect.poll(async () => Number.parseInt(await seals(), 10), within).toBeGreaterThan(named)
    expect(await opens(token)).toBe(401)
    revoked.push(token)
    await leave()
  })

  it('nobody takes a token away by writing over it, also not over the next start, nor weakens the mark', async () => {
    const thief = await thiefOf('registry')
    await thief.request(subjectOf(admin()), 'garbage')
    await thief.request(registrySubject('sealed', 'registry'), '{}')
    await thief.request(registrySubject('agent', 'older'), '{"deleted":true}')
    await expect.poll(seals, within).toContain('no sound seal')
    expect(await opens(admin())).toBe(200)
    await leave()
    await product.close()
    product = await Product.start(scratch.path, { copied: false })
    expect(await opens(admin())).toBe(200)
    expect((await product.ask('GET', '/v1/agents/older')).status).toBe(200)
    for (const token of ['reins_forged_token', ...revoked]) expect(await opens(token)).toBe(401)
    expect(await seals()).toContain('no sound seal')
    // And the entity can be changed: the next record of the registry is believed again.
    const changed = await product.ask('PUT', '/v1/agents/older', { model: 'scripted/assistant', system_prompt: 'y' })
    expect(changed.status).toBe(200)
  }, 120_000)
})

describe.each(['session-gateway', 'executor', 'tool-runner', 'memory'] as const)(
  'with the password of the %s',
  (service) => {
    it('nobody has the broker write a record that is believed', async () => {
      const token = await tokenThatWasRevoked()
      const thief = await thiefOf(service)
      const [first] = await readMessages(thief, streams.registry, subjectOf(token))
      const place = registrySubject('token', `placed-by-${service}`)
      // Its own older record, bytes of another subject, and that there is nothing: the broker writes them, as far as it takes them.
      for (const to of [subjectOf(token), place])
        for (const seq of [first!.seq, 1, 999_999_999])
          thief.publish(`$JS.API.DIRECT.GET.${streams.registry}`, JSON.stringify({ seq }), { reply: to })
      await thief.nc.flush()
      await expect
        .poll(async () => (await lastMessage(thief, streams.registry, place)) !== undefined, within)
        .toBe(true)
      expect(await opens(token)).toBe(401)
      await leave()
    })
  },
)

describe('the log of a session', () => {
  const frames = async (id: string, { after = 0, limit = 500 }: { after?: number; limit?: number } = {}) =>
    (await product.ask('GET', `/v1/sessions/${id}/frames?after=${after}&limit=${limit}`)).json
  const client = { sessions: { frames } }
  const verified = (id: string) => verifierWith(scratch.in('data'))(client, id, { keys: [] })
  async function turn(): Promise<string> {
    const made = await product.ask('POST', '/v1/sessions?wait=turn', { agent: 'older', message: 'say hello' })
    expect(made.status).toBe(201)
    return made.json.session.id
  }

  it('is signed by the services that write it, and so are its snapshots', async () => {
    const { ok, frames, sealed } = await verified(await turn())
    expect({ ok, sealed }).toEqual({ ok: true, sealed: frames })
  })

  it.each(['session-gateway', 'executor', 'tool-runner', 'memory'] as const)(
    'shows a frame that somebody wrote with the password of the %s, and not its key',
    async (service) => {
      const id = await turn()
      const role = { 'session-gateway': 'g', executor: 'e', 'tool-runner': 't', memory: 'm' }[service] as Role
      const thief = await thiefOf(service)
      // It chains, and it is its own role's: the broker takes it, and nothing but the signature tells.
      const last = (await product.ask('GET', `/v1/sessions/${id}/frames?limit=500`)).json.frames.at(-1)
      const draft = { id: 'forged00000000', n: last.n + 1, prev: last.seq, at: last.at, by: 'executor-forged', role }
      const { body, headers } = encodeFrame(
        { ...draft, needs: last.needs, status: last.status, pool: last.pool, events: [] },
        last.hash,
      )
      const taken = await thief.request(sessionSubject(id, role, toLog), body, {
        headers: makeHeaders([...headers, ['Reins-Seal', last.seal]]),
      })
      expect(taken.kind === 'reply' && JSON.parse(taken.msg.string())).toHaveProperty('seq')
      const { ok, problems } = await verified(id)
      // A role that has said nothing in a session before has signed nothing there that the frame could be held against.
      if (service === 'session-gateway' || service === 'executor') {
        expect(ok).toBe(false)
        expect(problems.join()).toContain(`#${draft.n}: its signature is none of the service that it names`)
      }
      await leave()
    },
  )
})

describe('a change of the keys', () => {
  it('seals everything anew at the next start; what the former key signs then is not believed', async () => {
    await product.close()
    rotateRoleKeys(scratch.in('data'))
    product = await Product.start(scratch.path, { copied: false })
    expect(await opens(admin())).toBe(200)
    expect((await product.ask('GET', '/v1/agents/older')).status).toBe(200)
    expect(readFileSync(scratch.in('data', 'registry.pub'), 'utf8').match(/BEGIN/g)).toHaveLength(1)
    expect(readFileSync(scratch.in('data', 'executor.pub'), 'utf8').match(/BEGIN/g)).toHaveLength(2)
  }, 120_000)

  it('and nothing that was revoked comes back where the broker was made to forget what stood behind it', async () => {
    const token = await tokenThatWasRevoked()
    const thief = await thiefOf('registry')
    const [first] = await readMessages(thief, streams.registry, subjectOf(token))
    const info = await thief.request(`$JS.API.STREAM.INFO.${streams.registry}`, '')
    const { config } = JSON.parse(info.kind === 'reply' ? info.msg.string() : '{}')
    const reshape = (max_msgs_per_subject: number) =>
      thief.request(`$JS.API.STREAM.UPDATE.${streams.registry}`, JSON.stringify({ ...config, max_msgs_per_subject }))
    await reshape(1)
    expect(await again(thief, first!, [...hiding, ...sealedHeaders(first!)])).not.toHaveProperty('error')
    expect(await readMessages(thief, streams.registry, subjectOf(token))).toHaveLength(1)
    await reshape(-1)
    expect(await opens(token)).toBe(401)
    await leave()
    await product.close()
    product = await Product.start(scratch.path, { copied: false })
    for (const one of [token, ...revoked]) expect(await opens(one)).toBe(401)
    expect(await opens(admin())).toBe(200)
    expect((await product.ask('GET', '/v1/agents/older')).status).toBe(200)
  }, 120_000)
})
