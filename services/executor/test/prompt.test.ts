// What was sent is in no event, and can be made again from the log: it agrees with the digest that the announcement has.
import { Definitions, promptOf } from '@reins/context'
import { knownEvents } from '@reins/contracts'
import { emptySession, evolve } from '@reins/session'
import { builtinCatalog } from '@reins/tools'
import { expect, test } from 'vitest'
import { definition, ExecutorWorld, session } from './world.ts'

test('each call of a turn with tools is made again from the log, exactly as it was sent', async () => {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  ;(await world.call(1)).tools('shell')
  await world.quiet()
  await world.result(`${(await world.folded()).turn?.calls[0]?.call}`)
  ;(await world.call(2)).text('done')
  await world.quiet()

  const registry = { version: async () => ({ definition }) }
  const known = await new Definitions(registry, [builtinCatalog]).settings('d')
  if (known.kind !== 'known') throw new Error(known.why)
  let state = emptySession(session)
  const checked: string[] = []
  for (const frame of await world.frames())
    for (const event of knownEvents(frame)) {
      state = evolve(state, event, frame)
      if (event.type !== 'model-call.started') continue
      const made = promptOf(state, known.settings, event.data.prompt?.window ?? 0)
      expect(made.recipe).toEqual(event.data.prompt)
      const request = world.calls[checked.length]?.request
      expect(request).toMatchObject({ system: made.system, messages: made.messages, tools: made.tools })
      expect(state.sent).toMatchObject({ call: event.data.call, n: frame.n, size: { window: 100_000 } })
      checked.push(event.data.call)
    }
  expect(checked).toHaveLength(2)
})
