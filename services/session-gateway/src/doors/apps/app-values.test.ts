import type { ProjectEntry, Reply } from '@reins/contracts'
import { handOver } from '@reins/secrets'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { AppValues } from './app-values.ts'

const project = (declared: object, digest = 'sha256-1') =>
  ({
    name: 'p',
    digest,
    manifest: { agents: [], workflows: [], channels: [], app: true, ...declared },
  }) as never as ProjectEntry

/** A registry with these configs and secrets. */
function world(configs: Readonly<Record<string, unknown>>, secrets: Readonly<Record<string, string>> = {}) {
  const state = { now: 0, configs, asked: [] as string[], learnt: [] as string[] }
  const call = async (subject: string, request: unknown): Promise<Reply<unknown>> => {
    state.asked.push(subject)
    const { name = '', names = [], to = '' } = request as { name?: string; names?: string[]; to?: string }
    if (subject === 'svc.registry.configs.get')
      return Object.hasOwn(state.configs, name)
        ? { ok: true, value: { name, value: state.configs[name] } }
        : { ok: false, error: { code: 'config_not_found', message: 'There is none.' } }
    const given = Object.fromEntries(names.flatMap((one) => (secrets[one] === undefined ? [] : [[one, secrets[one]]])))
    return { ok: true, value: { values: handOver(JSON.stringify(given), to, randomBytes), missing: [] } }
  }
  const values = new AppValues({
    call: call as never,
    learnt: (found) => state.learnt.push(...found),
    now: () => state.now,
  })
  return { state, values }
}

test('an app is given what its project declares, as texts, and whoever masks has learnt the secrets', async () => {
  const { state, values } = world({ REGION: 'eu', SIZES: [1, 2] }, { KEY: 's3cret' })
  expect(await values.of(project({ env: ['REGION', 'SIZES'], secrets: ['KEY'] }))).toMatchObject({
    kind: 'given',
    env: { REGION: 'eu', SIZES: '[1,2]', KEY: 's3cret' },
  })
  expect(state.learnt).toEqual(['s3cret'])
})

test('nothing is asked for a project that declares nothing', async () => {
  const { state, values } = world({})
  expect([await values.of(project({})), state.asked]).toEqual([{ kind: 'given', env: {} }, []])
})

test('values are kept for a moment, and read anew then', async () => {
  const { state, values } = world({ REGION: 'eu' })
  const declared = project({ env: ['REGION'] })
  await Promise.all([values.of(declared), values.of(declared)])
  expect(state.asked).toHaveLength(1)
  state.configs = { REGION: 'us' }
  state.now = 60_000
  expect(await values.of(declared)).toMatchObject({ kind: 'given', env: { REGION: 'us' } })
})

test('many large values are not kept together, and each is given all the same', async () => {
  const { state, values } = world({ LARGE: 'x'.repeat(6_000_000) })
  for (const digest of ['a', 'b', 'c', 'd', 'a'])
    expect((await values.of(project({ env: ['LARGE'] }, digest))).kind).toBe('given')
  expect(state.asked).toHaveLength(5)
})

test('what is not set is named, and is there as soon as it is set', async () => {
  const { state, values } = world({})
  const declared = project({ env: ['REGION'] })
  expect(await values.of(declared)).toMatchObject({
    kind: 'missing',
    message: expect.stringContaining('reins config set REGION'),
  })
  state.configs = { REGION: 'eu' }
  expect(await values.of(declared)).toMatchObject({ kind: 'given', env: { REGION: 'eu' } })
})
