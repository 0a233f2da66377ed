// What a model was sent, made again over HTTP.
import { promptOf } from '@reins/context'
import type { SessionEvent } from '@reins/contracts'
import { emptyFold, foldFrames } from '@reins/session'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definition, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(() => world.close())

const begun = (more: object): SessionEvent => ({
  type: 'model-call.started',
  data: { call: 'c3', attempt: 1, turn: 't3', model: definition.model, ...more },
})

/** A session whose first model call was announced as `how` says. */
async function called(how: (recipe: ReturnType<typeof promptOf>['recipe']) => object): Promise<string> {
  const id = await world.session()
  const content = [{ type: 'text' as const, text: 'What is the time?' }]
  await world.append(id, [{ type: 'message.received', data: { message: 'm1', content, onBusy: 'queue' } }])
  const turn: SessionEvent = { type: 'turn.started', data: { turn: 't3', messages: ['m1'] } }
  const frames = await world.journal.sessions.read(id)
  const before = foldFrames(emptyFold(id), frames).session
  const settings = { system: definition.system_prompt, tools: [], maxTokens: 100, stream: true }
  // As it will stand in the log: the message is the turn's, and nothing has been answered.
  const sent = { ...before, transcript: before.transcript.append({ role: 'user', content }) }
  await world.append(id, [turn, begun(how(promptOf(sent, settings, 9000).recipe))], { role: 'e' })
  return id
}

test('what was sent is shown, and agrees with the digest that was recorded', async () => {
  const id = await called((prompt) => ({ prompt }))
  for (const query of ['', '?call=c3', '?call=c3&attempt=1'])
    expect((await world.request('GET', `/v1/sessions/${id}/prompt${query}`)).json).toMatchObject({
      ...{ session: id, call: 'c3', attempt: 1, model: definition.model, check: 'agrees' },
      ...{ system: definition.system_prompt, tools: [], notices: [], maxTokens: 100 },
      messages: [{ role: 'user', content: [{ type: 'text', text: 'What is the time?' }] }],
      recipe: { messages: 1, window: 9000 },
    })
})

test('where it does not agree, it says which part differs', async () => {
  const id = await called((prompt) => ({
    prompt: { ...prompt, digest: 'other', parts: { ...prompt.parts, system: 'other' } },
  }))
  const { json } = await world.request('GET', `/v1/sessions/${id}/prompt`)
  expect(json).toMatchObject({ check: 'differs', differs: ['system'] })
})

test('of a call without a recipe nothing can be said', async () => {
  const id = await called(() => ({}))
  expect((await world.request('GET', `/v1/sessions/${id}/prompt?call=c3`)).json).toMatchObject({ check: 'unrecorded' })
})

test('a session that has called no model, a call that is not there, and another attempt are told apart', async () => {
  const id = await called((prompt) => ({ prompt }))
  const none = await world.request('GET', `/v1/sessions/${await world.session()}/prompt`)
  expect([none.status, none.json.error.code]).toEqual([404, 'call_not_found'])
  expect(none.json.error.message).toContain('has called no model yet')
  for (const query of ['?call=c4', '?call=x', '?call=c3&attempt=2']) {
    const { status, json } = await world.request('GET', `/v1/sessions/${id}/prompt${query}`)
    expect([status, json.error.code]).toEqual([404, 'call_not_found'])
  }
  expect((await world.request('GET', `/v1/sessions/${id}/prompt?attempt=0`)).status).toBe(400)
})
