import { describe, expect, test } from 'vitest'
import { createAgent } from '../authoring/created-agent.ts'
import { defineTool } from '../tool.ts'
import { call, given, say } from './agent-test.ts'

const ticket = createAgent(({ id }) => ({
  model: 'anthropic/claude-sonnet-4-5',
  instructions: `You work on ${id}.`,
  tools: [
    defineTool({
      name: 'close',
      description: 'Closes the ticket.',
      parameters: { type: 'object', properties: { why: { type: 'string' } }, required: ['why'] },
      execute: ({ why }) => {
        if (why === '') throw new Error('a reason is needed')
        return { closed: id, why }
      },
    }),
  ],
}))

describe('an agent under test', () => {
  test('does what its scripted model says, with the tools of its instance', async () => {
    const events = await given(ticket, { id: 'T-1' }).when('Close it', call('close', { why: 'done' }), say('Closed.'))
    expect(events).toEqual([
      { type: 'message.received', content: 'Close it' },
      { type: 'tool-call.requested', tool: 'close', arguments: { why: 'done' } },
      { type: 'tool-call.completed', tool: 'close', result: { closed: 'T-1', why: 'done' } },
      { type: 'turn.completed', content: 'Closed.' },
    ])
  })
  test('is configured for its instance', async () => {
    expect(await given(ticket, { id: 'T-2' }).configuration()).toMatchObject({ instructions: 'You work on T-2.' })
  })
  test.each([
    ['a tool that throws', call('close', { why: '' }), 'a reason is needed'],
    ['wrong arguments', call('close', {}), 'invalid arguments: '],
    ['a tool that is not there', call('open'), 'the agent has no tool "open"; its tools are: close'],
  ])('is told of %s as an event', async (_, step, message) => {
    const [, , failed] = await given(ticket).when('x', step)
    expect(failed).toMatchObject({ type: 'tool-call.failed', message: expect.stringContaining(message) })
  })
  test('that its initializer makes wrongly is said', async () => {
    await expect(given(createAgent(() => ({}) as never)).when('x')).rejects.toThrow('requires a model')
  })
})
