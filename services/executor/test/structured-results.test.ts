// Answers that have to fit a schema, by an executor: checked before they are recorded, and asked for again, whoever dies.
import type { SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { ExecutorWorld } from './world.ts'

const schema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] }
const declared: readonly SessionEvent[] = [{ type: 'output.declared', data: { schema, retries: 1 } }]

async function asked() {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin({ declared })
  return { world, call: await world.call(1) }
}

test('a model is asked for the schema, and an answer that fits ends the turn with its value', async () => {
  const { world, call } = await asked()
  expect(call.request.output).toEqual({ schema })
  expect(call.request.system).toContain('"total"')
  call.text('{"total":3}')
  await world.quiet()
  expect((await world.log()).slice(-3)).toEqual(['model-call.completed', 'output.checked', 'turn.completed'])
  expect((await world.frames()).at(-1)?.events.at(-1)).toMatchObject({ data: { result: { total: 3 } } })
})

test('where the executor dies while it asks again, another one asks the same', async () => {
  const { world, call } = await asked()
  call.text('{"total":"three"}')
  const again = await world.call(2)
  const [first] = world.executors.values()
  await first?.kill()
  await world.executor('e2')
  world.later()
  const third = await world.call(3)
  expect(third.request.messages).toEqual(again.request.messages)
  expect(JSON.stringify(third.request.messages.at(-1))).toContain('\\"total\\" must be a number')
  third.text('{"total":3}')
  await world.quiet()
  expect((await world.log()).filter((type) => type.startsWith('output.'))).toEqual([
    ...['output.declared', 'output.checked', 'output.checked'],
  ])
  expect((await world.frames()).at(-1)?.events.at(-1)).toMatchObject({ type: 'turn.completed' })
  expect(await world.open()).toBe(0)
})

test('a turn of which no answer fits fails once, and the session goes on', async () => {
  const { world, call } = await asked()
  call.text('one')
  ;(await world.call(2)).text('two')
  await world.quiet()
  expect((await world.frames()).at(-1)?.events.at(-1)).toMatchObject({
    type: 'turn.failed',
    data: { error: { code: 'no-result' }, text: 'two' },
  })
  await world.say('m2')
  ;(await world.call(3)).text('{"total":1}')
  await world.quiet()
  expect((await world.log()).at(-1)).toBe('turn.completed')
})

test('tools that a model calls are no answers', async () => {
  const { world, call } = await asked()
  call.tools('read_file')
  await world.quiet()
  expect(await world.log()).not.toContain('output.checked')
})
