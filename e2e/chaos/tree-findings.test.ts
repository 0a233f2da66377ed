import { type Frame, type SessionEvent, toLog } from '@reins/contracts'
import { expect, test } from 'vitest'
import type { StoredFrame } from '../harness/stored-log.ts'
import { examineTrees } from './tree-findings.ts'

const root = `01J${'Z'.repeat(23)}`
const child = `${root}-c1`

const log = (session: string, ...events: readonly SessionEvent[]): StoredFrame => ({
  ...{ session, to: toLog, eventsJson: '' },
  frame: { events } as unknown as Frame,
})
const settled = (status: 'completed' | 'cancelled'): SessionEvent => ({
  type: 'delegation.settled',
  data: { call: 'c1', child, status, output: '' },
})
const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
const answered: SessionEvent = { type: 'turn.completed', data: { turn: 't', call: 'c', usage, reason: 'answered' } }
const cancel: SessionEvent = { type: 'cancel.requested', data: { cancel: 'x' } }

test('a delegation that is told as what its child came to is fine, as is one that is cancelled with its child', () => {
  expect(examineTrees([log(root, settled('completed')), log(child, answered)], 2).violations).toEqual([])
  expect(examineTrees([log(root, settled('cancelled')), log(child, cancel)], 2).violations).toEqual([])
})

test('an answer that no child gave, and a child that works on after a cancel, are found', () => {
  expect(examineTrees([log(root, settled('completed'))], 2).violations).toEqual([
    expect.stringContaining('came to nothing'),
  ])
  expect(examineTrees([log(root, settled('cancelled')), log(child)], 2).violations).toEqual([
    expect.stringContaining('nobody told it to end'),
  ])
})

test('a tree that is too large, and a request that does not fit, are found', () => {
  expect(examineTrees([log(root), log(child)], 1).violations).toEqual([expect.stringContaining('has 2 sessions, of 1')])
  const prompt = {
    digest: 'd',
    parts: { system: '', tools: '', messages: '' },
    messages: 1,
    fixed: 0,
    tokens: 11,
    window: 10,
    answer: 1,
  }
  const events: readonly SessionEvent[] = [
    { type: 'context.declared', data: { window: 10 } },
    { type: 'model-call.started', data: { call: 'c1', attempt: 1, turn: 't', model: 'm', prompt } },
  ]
  expect(examineTrees([log(root, ...events)], 1).violations).toEqual([expect.stringContaining('sends 11 tokens')])
  // What people have just said is too much alone, and is sent as they said it.
  const called = { call: 'c1', attempt: 1, turn: 't', model: 'm', prompt: { ...prompt, cut: 400 } }
  const said: readonly SessionEvent[] = [
    { type: 'context.declared', data: { window: 10 } },
    { type: 'model-call.started', data: called },
  ]
  expect(examineTrees([log(root, ...said)], 1).violations).toEqual([])
})

test('a tree that used more tokens than its root has is found, whichever of its sessions used them', () => {
  const spent = (tokens: number): SessionEvent => ({
    type: 'model-call.completed',
    data: {
      ...{ call: 'c1', attempt: 1, content: [], finish: 'stop' },
      usage: { ...usage, inputTokens: tokens, outputTokens: 0 },
    },
  })
  const lost: SessionEvent = {
    type: 'model-call.failed',
    data: { call: 'c2', attempt: 1, error: { code: 'lost', message: 'x' }, charged: { tokens: 5 } },
  }
  const budget: SessionEvent = { type: 'budget.declared', data: { tokens: 20 } }
  expect(examineTrees([log(root, budget, spent(10)), log(child, spent(5), lost)], 2).violations).toEqual([])
  expect(examineTrees([log(root, budget, spent(10)), log(child, spent(6), lost)], 2).violations).toEqual([
    expect.stringContaining('its tree used 21 tokens, of 20'),
  ])
})
