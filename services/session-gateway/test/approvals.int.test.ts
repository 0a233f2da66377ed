// Decisions of people over the API: on the session itself, once, with the name of whoever decides.
import { argumentsDigest, type EventOf, type SessionEvent, serviceSubject } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { begin, usage, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.start({
    config: {
      sign: (text) => ({ key: 'key', value: String(text.length) }),
      argumentsProblem: async (_definition, _tool, args) =>
        typeof args.path === 'string' ? undefined : '"path" is missing',
    },
  })
})
afterAll(() => world.close())

const args = { path: 'a', old_string: 'x', new_string: 'y' }
const digest = argumentsDigest('edit_file', args)

/** A session whose turn has asked for one call, which waits. */
async function waiting(more: Partial<EventOf<'approval.requested'>['data']> = {}): Promise<string> {
  const id = await world.session()
  const { json } = await world.request('POST', `/v1/sessions/${id}/messages`, { body: { content: 'go' } })
  const call: SessionEvent = {
    type: 'model-call.completed',
    data: {
      ...{ call: 'm-t1', attempt: 1, usage, finish: 'tool-calls' },
      content: [{ type: 'tool-call', call: 'k1', name: 'edit_file', arguments: args }],
    },
  }
  const asked: SessionEvent = {
    type: 'approval.requested',
    data: { call: 'k1', name: 'edit_file', arguments: args, digest, reason: 'It edits.', ...more },
  }
  await world.append(id, [...begin('t1', json.messageId), call, asked], { status: 'waiting' })
  return id
}
const decide = (id: string, body: unknown, token?: string) =>
  world.request('POST', `/v1/sessions/${id}/approvals/k1`, { body, ...(token === undefined ? {} : { token }) })
const last = async (id: string) => (await world.frames(id)).at(-1)!

describe('a decision', () => {
  it('goes to the executors, with who decided, about what, and the signature of the gateway', async () => {
    const id = await waiting()
    const { status, json } = await decide(id, { verdict: 'approved' })
    expect([status, json]).toMatchObject([202, { session: id, call: 'k1', verdict: 'approved' }])
    const frame = await last(id)
    expect(frame).toMatchObject({ role: 'g', by: 'user:admin', status: 'waiting', needs: 2 })
    expect(frame.events).toEqual([
      {
        type: 'approval.decided',
        data: {
          ...{ call: 'k1', digest, verdict: 'approved', scope: 'call', approver: 'user:admin' },
          signature: { key: 'key', value: expect.any(String) },
        },
      },
    ])
  })

  it('is made once: the same again changes nothing, and who comes second is told who was first', async () => {
    const id = await waiting()
    await decide(id, { verdict: 'deny', reason: 'no' })
    expect((await decide(id, { verdict: 'denied' })).status).toBe(200)
    const second = await decide(id, { verdict: 'approve' })
    expect([second.status, second.json.error]).toMatchObject([
      409,
      { code: 'approval_decided', message: 'user:admin denied this call already.', details: { by: 'user:admin' } },
    ])
    expect((await world.frames(id)).length).toBe(4)
  })

  it('of two at once is one: the other is told', async () => {
    const id = await waiting()
    const both = await Promise.all([decide(id, { verdict: 'approved' }), decide(id, { verdict: 'denied' })])
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409])
  })

  it('is refused where the arguments are others than those that were seen', async () => {
    const id = await waiting()
    const { status, json } = await decide(id, { verdict: 'approved', digest: '0'.repeat(64) })
    expect([status, json.error.code]).toEqual([409, 'approval_changed'])
    expect((await decide(id, { verdict: 'approved', digest })).status).toBe(202)
  })

  it('edits with arguments that the tool takes, and with no others', async () => {
    const id = await waiting()
    const wrong = await decide(id, { verdict: 'edited', args: { file: 'b' } })
    expect([wrong.status, wrong.json.error]).toMatchObject([
      400,
      { code: 'invalid_request', message: expect.stringContaining('"path" is missing') },
    ])
    expect((await decide(id, { verdict: 'edited' })).status).toBe(400)
    expect((await decide(id, { verdict: 'approved', args: { path: 'b' } })).json).toMatchObject({ verdict: 'edited' })
    expect((await last(id)).events[0]).toMatchObject({ data: { verdict: 'edited', arguments: { path: 'b' } } })
  })

  it('is told when the turn has gone on: by whom it was', async () => {
    const id = await waiting()
    await decide(id, { verdict: 'denied' })
    const turn = { turn: 't1', usage, reason: 'cancelled' as const }
    await world.append(id, [{ type: 'turn.cancelled', data: turn }], { status: 'idle' })
    expect((await decide(id, { verdict: 'approved' })).json.error).toMatchObject({
      code: 'approval_decided',
      message: 'user:admin denied this call already.',
    })
  })

  it.each([
    ['a call that does not wait', { verdict: 'approved' }, 404, 'approval_not_found'],
    ['a word that is no verdict', { verdict: 'maybe' }, 400, 'invalid_request'],
    ['a scope that is none', { verdict: 'approved', scope: 'world' }, 400, 'invalid_request'],
  ])('about %s is refused', async (_, body, status, code) => {
    const answer = await decide(await world.session(), body)
    expect([answer.status, answer.json.error.code]).toEqual([status, code])
  })

  it('of a session that is not there is refused', async () => {
    expect((await decide('01ARZ3NDEKTSV4RRFFQ69G5FAV', { verdict: 'approved' })).status).toBe(404)
  })
})

describe('grants', () => {
  it('come with a decision, are listed, and are revoked', async () => {
    const id = await waiting()
    const { json } = await decide(id, { verdict: 'approved', scope: 'tool' })
    expect((await world.request('GET', `/v1/sessions/${id}/grants`)).json).toEqual({
      grants: [{ grant: json.grant, tool: 'edit_file', call: 'k1', by: 'user:admin', at: expect.any(Number) }],
    })
    const wrong = await world.request('DELETE', `/v1/sessions/${id}/grants?grant=other`)
    expect([wrong.status, wrong.json.error.code]).toEqual([404, 'grant_not_found'])
    const revoked = await world.request('DELETE', `/v1/sessions/${id}/grants`)
    expect([revoked.status, revoked.json.revoked]).toEqual([202, [json.grant]])
    expect((await world.request('DELETE', `/v1/sessions/${id}/grants`)).status).toBe(200)
    expect((await world.request('GET', `/v1/sessions/${id}/grants`)).json).toEqual({ grants: [] })
  })

  it('are refused where each call must be approved, or by several', async () => {
    for (const more of [{ must: true } as const, { quorum: 2 }])
      expect((await decide(await waiting(more), { verdict: 'approved', scope: 'tool' })).json.error.message).toContain(
        'scope:',
      )
  })
})

describe('the list', () => {
  it('is asked of the index, by default for what waits', async () => {
    world.replies[serviceSubject('memory', 'approvals.list')] = { ok: true, value: { approvals: [] } }
    expect((await world.request('GET', '/v1/approvals?agent=helper')).json).toEqual({ approvals: [] })
    await world.request('GET', '/v1/approvals?state=all')
    expect(world.calls.slice(-2).map(({ request }) => request)).toEqual([
      { limit: 50, state: 'waiting', agent: 'helper' },
      { limit: 50 },
    ])
    expect((await world.request('GET', '/v1/approvals?state=no')).status).toBe(400)
  })

  it('of what servers ask is asked of the index in the same way', async () => {
    world.replies[serviceSubject('memory', 'elicitations.list')] = { ok: true, value: { elicitations: [] } }
    expect((await world.request('GET', '/v1/elicitations')).json).toEqual({ elicitations: [] })
    await world.request('GET', '/v1/elicitations?state=declined&agent=helper&limit=2&session=s')
    expect(world.calls.slice(-2).map(({ request }) => request)).toEqual([
      { limit: 50, state: 'waiting' },
      { limit: 2, state: 'declined', agent: 'helper', session: 's' },
    ])
    expect((await world.request('GET', '/v1/elicitations?state=approved')).status).toBe(400)
  })
})

it('shows a session that waits, and for what', async () => {
  const id = await waiting({ expiresAt: 9 })
  expect((await world.request('GET', `/v1/sessions/${id}`)).json).toMatchObject({
    status: 'waiting',
    waiting: [{ for: 'approval', call: 'k1', name: 'edit_file', since: expect.any(Number), expiresAt: 9 }],
  })
})
