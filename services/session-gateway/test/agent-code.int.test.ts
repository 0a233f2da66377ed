// Agents whose definition names code, as the gateway takes them and hands them on to the registry.
import { definitionDigest, serviceSubject } from '@reins/contracts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { World } from './world.ts'

const put = serviceSubject('registry', 'put')
const definition = { name: 'adder', model: 'scripted/demo', system_prompt: 'Add.', tools_file: './tools.ts' }
const files = [{ file: './tools.ts', text: 'export const add = 1' }]
const stored = { ...{ name: 'adder', version: 1, createdAt: 1, updatedAt: 1 }, digest: definitionDigest(definition) }

let world: World
beforeAll(async () => {
  world = await World.start()
})
beforeEach(() => {
  world.calls.length = 0
  world.replies = { [put]: { ok: true, value: { outcome: 'created', agent: { ...stored, definition } } } }
})
afterAll(async () => {
  await world.close()
})

const send = (body: unknown, token?: string) =>
  world.request('PUT', '/v1/agents/adder', { body, ...(token === undefined ? {} : { token }) })

test('a body with files goes to the registry as definition or text, and its files', async () => {
  expect((await send({ definition, files })).status).toBe(201)
  expect((await send({ yaml: 'name: adder', files })).status).toBe(201)
  const asked = { name: 'adder', condition: { kind: 'apply' }, by: 'user:admin', mayRegister: true, files }
  expect(world.calls).toEqual([
    { subject: put, request: { ...asked, source: { definition } } },
    { subject: put, request: { ...asked, source: { yaml: 'name: adder' } } },
  ])
})

test('a definition alone is one, and says whether its sender may register code', async () => {
  await send(definition)
  await send(definition, 'reader')
  expect(world.calls.map(({ request }) => request)).toEqual([
    { name: 'adder', source: { definition }, condition: { kind: 'apply' }, by: 'user:admin', mayRegister: true },
    { name: 'adder', source: { definition }, condition: { kind: 'apply' }, by: 'user:reader', mayRegister: false },
  ])
})

test('who may write agents and may not register code sends none', async () => {
  const { status, json } = await send({ definition, files }, 'reader')
  expect([status, json.error.details]).toEqual([403, { permission: 'workflow:*:*:register' }])
  expect(json.error.message).toBe(
    'The token of reader has no permission workflow:*:*:register, which sending code needs.',
  )
  expect(world.calls).toEqual([])
})

test('larger bodies than elsewhere are taken, up to 12 MiB', async () => {
  const text = 'x'.repeat(4_000_000)
  expect((await send({ definition, files: [{ file: './tools.ts', text }] })).status).toBe(201)
  const { status, json } = await send({ definition, files: [{ file: './tools.ts', text: text.repeat(4) }] })
  expect([status, json.error.code]).toEqual([413, 'body_too_large'])
  expect(json.error.message).toContain('at most 12,582,912')
})

test.each([
  ['without a definition', { files }, 'needs the definition once'],
  ['with two definitions', { definition, yaml: 'name: adder', files }, 'needs the definition once'],
  ['without files', { definition }, 'files: is missing'],
  ['with a file that has no name', { definition, files: [{ text: 'x' }] }, 'files[0].file: is missing'],
  ['with a field that is none', { definition, files, file: 'x' }, 'unknown field "file"'],
  ['with too many files', { definition, files: Array(41).fill(files[0]) }, 'files: has 41 entries; at most 40'],
])('a body %s is refused', async (_what, body, message) => {
  const { status, json } = await send(body)
  expect([status, json.error.code]).toEqual([400, 'invalid_request'])
  expect(json.error.message).toContain(message)
})
