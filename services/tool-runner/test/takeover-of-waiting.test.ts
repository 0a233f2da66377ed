// Calls that waited for a person at a runner that is gone: another one goes on with them as the answer says.
import type { SessionEvent } from '@reins/contracts'
import { toTool } from '@reins/contracts'
import { expect, test } from 'vitest'
import { claim, RunnerWorld } from './world.ts'

const gone = 'tool-runner-other'
const question = (more: object): SessionEvent => ({
  type: 'elicitation.requested',
  data: {
    ...{
      call: 'a',
      attempt: 1,
      elicitation: 'e1',
      server: 'bank',
      mode: 'url',
      message: 'x',
      url: 'https://x.example',
    },
    ...{ key: 'k', timer: 't', expiresAt: 9, ...more },
  },
})

test.each([
  [
    'of which nothing ran is repeated, whatever its class',
    'never',
    true,
    ['tool-call.started a 2', 'tool-call.completed a 2'],
  ],
  ['that must not run twice is not repeated', 'never', false, ['tool-call.outcome-unknown a 1']],
  ['that may run again is repeated', 'safe', false, ['tool-call.started a 2', 'tool-call.completed a 2']],
] as const)('a call %s', async (_, replay, nothingRan, said) => {
  const world = new RunnerWorld()
  await world.born()
  const asked = await world.ask({ a: replay })
  const ran = nothingRan ? { nothingRan } : {}
  await world.append(gone, 't', [claim('a')])
  await world.append(gone, 't', [question(ran)])
  // While it waits, nobody holds its trigger, and nobody runs it.
  const first = world.deliver(asked, { redelivered: true })
  await expect.poll(() => first.acked()).toBe(true)
  expect(await world.said()).toEqual([])
  const event = asked.events.find((one) => one.type === 'tool-calls.requested')
  if (!event) throw new Error('nothing was asked for')
  const resume = { attempt: 1, by: gone, ...ran, answers: [{ elicitation: 'e1', key: 'k', action: 'accept' as const }] }
  const calls = event.data.calls.map((call) => ({ ...call, resume }))
  const again = await world.append('executor-1', 'e', [{ ...event, data: { ...event.data, calls } }], toTool('default'))
  const second = world.deliver(again)
  await expect.poll(() => second.acked()).toBe(true)
  expect(await world.said()).toEqual(said)
})
