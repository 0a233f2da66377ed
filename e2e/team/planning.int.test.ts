// An agent that plans, through one whole product: its plan in the API, the command line, and before a person.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { eventually } from '../harness/eventually.ts'

let product: Product

const steps = [
  { name: 'look', description: 'Look at what is there.' },
  { name: 'write', description: 'Write it down.', depends_on: ['look'] },
]
const create = `call create_plan ${JSON.stringify({ steps })}`

beforeAll(async () => {
  product = await Product.start()
  for (const [name, more] of [
    ['planner', { max_plan_steps: 3 }],
    ['careful', { approve_plan: true, strict_dependencies: true }],
  ] as const) {
    const definition = { name, model: 'scripted/assistant', system_prompt: 'You plan.', planning: true, ...more }
    const { status, text } = await product.ask('PUT', `/v1/agents/${name}`, definition)
    expect([status, text]).toEqual([201, expect.anything()])
  }
})

afterAll(async () => {
  expect(await product?.close()).toEqual([])
})

const planOf = async (session: string) => (await product.ask('GET', `/v1/sessions/${session}`)).json.plan?.steps
const eventsOf = async (session: string): Promise<readonly { readonly type: string; readonly data: never }[]> =>
  (await product.ask('GET', `/v1/sessions/${session}/events?limit=500`)).json.events

test('a plan is made and worked through over several turns, and shown at each place', async () => {
  const session = await product.session('planner')
  expect(await planOf(session)).toBeUndefined()
  await product.turn(session, `${create} && then call start_step {"step_name": "look"}`)
  expect((await planOf(session)).map(({ status }: { status: string }) => status)).toEqual(['in_progress', 'pending'])
  await product.turn(session, 'call mark_step_done {"step_name": "look", "result": "Three files."}')
  expect(await planOf(session)).toEqual([
    { name: 'look', description: 'Look at what is there.', status: 'completed', result: 'Three files.' },
    { name: 'write', description: 'Write it down.', dependsOn: ['look'], status: 'pending' },
  ])
  expect((await eventsOf(session)).filter(({ type }) => type === 'plan.updated')).toHaveLength(3)
  const { out } = await product.cli('session', 'show', session)
  expect(out).toContain('Plan 1 of 2 done')
  expect(out).toContain('✓ look Three files.')
})

test('a plan that breaks a rule is told to the model, and is none', async () => {
  const session = await product.session('planner')
  const four = Array.from({ length: 4 }, (_, index) => ({ name: `s${index}`, description: 'x' }))
  expect(await product.turn(session, `call create_plan ${JSON.stringify({ steps: four })}`)).toContain(
    'at most 3 steps',
  )
  expect(await planOf(session)).toBeUndefined()
})

test('an agent that does not plan has no such tools', async () => {
  await product.agent('plain', product.workspace)
  expect(await product.turn(await product.session('plain'), create)).toContain('I would call the tool "create_plan"')
})

test('a plan that a person approves waits like any other call, and counts as the person has changed it', async () => {
  const { json } = await product.ask('POST', '/v1/sessions', { agent: 'careful', message: create })
  const session: string = json.session.id
  const call = await eventually(
    async () => (await product.ask('GET', `/v1/sessions/${session}`)).json.waiting?.[0]?.call,
  )
  expect(await planOf(session)).toBeUndefined()
  const ship = { name: 'ship', description: 'Ship it.', depends_on: ['write'] }
  const edited = { verdict: 'edited', args: { steps: [...steps, ship] } }
  expect((await product.ask('POST', `/v1/sessions/${session}/approvals/${call}`, edited)).status).toBe(202)
  await eventually(async () => (await eventsOf(session)).some(({ type }) => type === 'turn.completed'))
  expect((await planOf(session)).map(({ name }: { name: string }) => name)).toEqual(['look', 'write', 'ship'])
  expect(await product.turn(session, 'call start_step {"step_name": "write"}')).toContain('Complete it first')
})

test('a plan that is denied is none', async () => {
  const { json } = await product.ask('POST', '/v1/sessions', { agent: 'careful', message: create })
  const session: string = json.session.id
  const call = await eventually(
    async () => (await product.ask('GET', `/v1/sessions/${session}`)).json.waiting?.[0]?.call,
  )
  const { code } = await product.cli('approvals', 'deny', session, call, '--reason', 'Too short.')
  expect(code).toBe(0)
  await eventually(async () => (await eventsOf(session)).some(({ type }) => type === 'turn.completed'))
  expect(await planOf(session)).toBeUndefined()
  expect(JSON.stringify(await eventsOf(session))).toContain('Too short.')
})
