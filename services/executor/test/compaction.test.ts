// A context that is compacted, by an executor: the summary is a model call like any other, and may be lost, refused or cancelled.
import { toExec } from '@reins/contracts'
import { expect, test } from 'vitest'
import { ExecutorWorld, session, until } from './world.ts'

/** Three turns, and then a person asks for a compaction: the fourth model call is for the summary. */
async function asked() {
  const world = new ExecutorWorld()
  await world.executor('e1')
  await world.begin()
  for (const [at, said] of ['one', 'two', 'three'].entries()) {
    if (at > 0) await world.say(`m${at + 1}`)
    ;(await world.call(at + 1)).text(said)
    await world.quiet()
  }
  await world.append(
    'gateway',
    'g',
    [{ type: 'context.compaction-requested', data: { request: 'r1' } }],
    toExec('default'),
  )
  return { world, call: await world.call(4) }
}

test('a model is asked for a summary, without tools; the next call has it in the place of what it covers', async () => {
  const { world, call } = await asked()
  expect(call.request).toMatchObject({ tools: [], system: expect.stringContaining('You summarise a conversation') })
  expect(JSON.stringify(call.request.messages)).toContain('AGENT: one')
  call.text('They counted.')
  await world.quiet()
  expect((await world.log()).slice(-2)).toEqual(['context.compaction-started', 'context.compacted'])
  expect(await world.open()).toBe(0)
  await world.say('m4')
  const next = await world.call(5)
  expect(JSON.stringify(next.request.messages[0])).toContain('They counted.')
  expect(next.request.messages.length).toBeLessThan(6)
  next.text('four')
  await world.quiet()
  expect((await world.frames()).at(-1)?.status).toBe('idle')
})

test('where the executor dies in the middle another one asks for it again, and one outcome counts', async () => {
  const { world } = await asked()
  const [first] = world.executors.values()
  await first?.kill()
  await world.executor('e2')
  world.later()
  ;(await world.call(5)).text('again')
  await world.quiet()
  expect((await world.log()).slice(-4)).toEqual([
    'context.compaction-started',
    'context.compaction-failed',
    'context.compaction-started 2',
    'context.compacted 2',
  ])
  expect(await world.open()).toBe(0)
})

test('where no summary is to be had a note stands in its place, and a message that came meanwhile is answered', async () => {
  const { world, call } = await asked()
  await world.say('m4')
  call.fail('auth')
  const next = await world.call(5)
  expect(JSON.stringify(next.request.messages[0])).toContain('could not be summarised')
  next.text('four')
  await world.quiet()
  expect((await world.log()).at(-1)).toBe('turn.completed')
  expect(await world.open()).toBe(0)
})

test('a cancel ends it, and the session is at rest', async () => {
  const { world, call } = await asked()
  await world.cancel(session)
  await until(() => call.aborted())
  await world.quiet()
  expect((await world.log()).at(-1)).toBe('context.compaction-failed')
  expect((await world.frames()).at(-1)?.status).toBe('idle')
  expect(await world.open()).toBe(0)
})
