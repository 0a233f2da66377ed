import { createHash } from 'node:crypto'
import { argumentsDigest, type DecisionSignature, decisionToSign, type EventOf, signedDecision } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import type { StoredFrame } from '../folding/stored-frame.ts'
import { type CheckSignature, decisionsIn } from './decisions-in-log.ts'

type Data = EventOf<'approval.decided'>['data']
const digest = argumentsDigest('shell', { command: 'make' })
const madeOf = (text: string) => createHash('sha256').update(`secret ${text}`).digest('base64url')
const sign = (text: string): DecisionSignature => ({ key: 'ours', value: madeOf(text) })
const check: CheckSignature = (text, { key, value }) =>
  key !== 'ours' ? 'unknown-key' : value === madeOf(text) ? 'valid' : 'wrong'

const plain = (change: Partial<Data> = {}): Data => ({
  ...{ call: 'k1', digest, verdict: 'approved', scope: 'call', approver: 'user:ada' },
  ...change,
})
const signed = (data: Data, session = 's1'): Data => ({
  ...data,
  signature: sign(signedDecision(decisionToSign(session, 'shell', data))),
})

/** A log in which two calls are asked about, and then decided so. */
function log(...decisions: readonly (Data | { readonly by: string; readonly data: Data })[]): readonly StoredFrame[] {
  const asked = ['k1', 'k2'].map((call) => ({
    type: 'approval.requested',
    data: { call, name: 'shell', arguments: { command: 'make' }, digest, reason: 'x' },
  }))
  const said = decisions.map((one) => ('data' in one ? one : { by: one.approver, data: one }))
  return [
    { role: 'e', by: 'e1', n: 1, events: asked },
    ...said.map(({ by, data }, at) => ({ role: 'g', by, n: at + 2, events: [{ type: 'approval.decided', data }] })),
  ].map((frame) => ({ frame, eventsJson: '' }) as unknown as StoredFrame)
}
const problems = (stored: readonly StoredFrame[]) => decisionsIn('s1', stored, check).map(({ problem }) => problem)

describe('a decision in the log', () => {
  test('that a gateway has signed is valid, and names its key', () => {
    expect(decisionsIn('s1', log(signed(plain({ reason: 'fine' }))), check)).toEqual([
      {
        ...{ n: 2, call: 'k1', tool: 'shell', verdict: 'approved', approver: 'user:ada' },
        ...{ key: 'ours', signature: 'valid' },
      },
    ])
  })

  test('without a signature, or by a key that is not known here, is told as that, and is no fault by itself', () => {
    const foreign = { ...plain({ call: 'k2' }), signature: { key: 'theirs', value: 'x' } }
    expect(
      decisionsIn('s1', log(plain(), foreign), check).map(({ signature, problem }) => [signature, problem]),
    ).toEqual([
      ['unsigned', undefined],
      ['unknown-key', undefined],
    ])
  })

  test.each([
    ['another verdict', { verdict: 'denied' }],
    ['another reason', { reason: 'because' }],
    ['another scope', { scope: 'tool' }],
    ['other arguments', { verdict: 'edited', arguments: { command: 'rm -rf .' } }],
  ] as const)('that was given %s afterwards has a wrong signature', (_, change) => {
    const { signature } = signed(plain())
    const changed = { ...plain(change as Partial<Data>), ...(signature ? { signature } : {}) }
    expect(problems(log(changed))).toEqual([expect.stringContaining('by the key ours is wrong')])
  })

  test('that was taken from another call or another session has a wrong signature', () => {
    const { signature } = signed(plain())
    const { signature: elsewhere } = signed(plain(), 's2')
    for (const data of [
      { ...plain({ call: 'k2' }), signature },
      { ...plain(), signature: elsewhere },
    ])
      expect(problems(log(data as Data))).toEqual([expect.stringContaining('is wrong')])
  })

  test('that is said again is a replay', () => {
    expect(problems(log(signed(plain()), signed(plain())))).toEqual([
      undefined,
      expect.stringContaining('repeats the signature'),
    ])
  })

  test('that another has appended than it says, that nobody asked for, or that is about other arguments, is told', () => {
    expect(problems(log({ by: 'user:eve', data: signed(plain()) }))).toEqual([expect.stringContaining('user:eve')])
    expect(problems(log(signed(plain({ call: 'k9' }))))).toEqual([expect.stringContaining('nobody had asked')])
    expect(problems(log(signed(plain({ digest: 'f'.repeat(64) }))))).toEqual([
      expect.stringContaining('about other arguments'),
    ])
  })

  test('after an edit is about the edited arguments', () => {
    const edit = signed(plain({ verdict: 'edited', arguments: { command: 'make -n' } }))
    const second = signed(plain({ approver: 'user:bob', digest: argumentsDigest('shell', { command: 'make -n' }) }))
    expect(problems(log(edit, second))).toEqual([undefined, undefined])
    expect(problems(log(edit, signed(plain({ approver: 'user:bob' }))))[1]).toContain('other arguments')
  })
})
