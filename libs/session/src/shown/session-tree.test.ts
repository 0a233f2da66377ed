import type { SessionEvent } from '@reins/contracts'
import { type Frame, noUsage, protocolVersion, type Status } from '@reins/contracts'
import { expect, it } from 'vitest'
import { emptyInfo, foldInfo, type InfoFold } from './session-info.ts'
import { treeNodes } from './session-tree.ts'

const root = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const child = `${root}-0123456789abcdef`
const leaf = `${root}-fedcba9876543210`

/** A session by its frames: each with its events and the status that it shows. */
const session = (at: number, ...frames: readonly (readonly [Status, ...SessionEvent[]])[]): InfoFold =>
  frames.reduce((info, [status, ...events], index) => {
    const frame: Frame = {
      ...{ seq: at + index, id: 'f', n: index + 1, prev: 0, at: at + index * 1000, by: 'x', role: 'e', hash: '' },
      ...{ needs: protocolVersion, pool: 'default', status, events },
    }
    return foldInfo(info, frame)
  }, emptyInfo)
const started = (agent: string, parent?: { session: string; call: string; pool: string }): SessionEvent => ({
  type: 'session.started',
  data: {
    ...{ agent, digest: 'd', model: 'scripted/x', pools: { executor: 'default', tools: 'default' } },
    ...{ limits: { maxToolCalls: 1 }, tools: {} },
    ...(parent ? { parent } : {}),
  },
})
const message: SessionEvent = {
  type: 'message.received',
  data: { message: 'm', content: [{ type: 'text', text: 'go' }], onBusy: 'queue' },
}
const turn: SessionEvent = { type: 'turn.started', data: { turn: 't', messages: ['m'] } }
const asks = (call: string, to: string, agent: string): SessionEvent => ({
  type: 'delegation.requested',
  data: { call, agent, digest: 'd', child: to, pool: 'default', instruction: 'go' },
})
const answered = (inputTokens: number, usd?: number): SessionEvent => ({
  type: 'model-call.completed',
  data: {
    ...{ call: 'c', attempt: 1, content: [], usage: { ...noUsage, inputTokens }, finish: 'stop' },
    ...(usd === undefined ? {} : { usd }),
  },
})

it('parents stand before their children, with the sums of their branches', () => {
  const folds = new Map([
    [
      leaf,
      session(
        30_000,
        ['idle', started('leaf', { session: child, call: 'k2', pool: 'p' }), message],
        [
          'idle',
          turn,
          answered(5),
          { type: 'turn.failed', data: { turn: 't', usage: noUsage, error: { code: 'x', message: 'No.' } } },
        ],
      ),
    ],
    [
      child,
      session(
        20_000,
        ['idle', started('middle', { session: root, call: 'k1', pool: 'p' }), message],
        ['waiting', turn, answered(7, 0.25), asks('k2', leaf, 'leaf')],
      ),
    ],
    [
      root,
      session(10_000, ['idle', started('lead'), message], ['waiting', turn, answered(1), asks('k1', child, 'middle')]),
    ],
  ])
  const nodes = treeNodes(folds)
  expect(nodes.map(({ agent, depth, state }) => [agent, depth, state])).toEqual([
    ['lead', 0, 'waiting'],
    ['middle', 1, 'waiting'],
    ['leaf', 2, 'failed'],
  ])
  expect(nodes.map(({ branch }) => [branch.sessions, branch.waiting, branch.failed, branch.usage.inputTokens])).toEqual(
    [
      [3, 2, 1, 13],
      [2, 1, 1, 12],
      [1, 0, 1, 5],
    ],
  )
  // Where no price is known nothing is said.
  expect(nodes.map(({ branch }) => branch.usd)).toEqual([0.25, 0.25, undefined])
  expect(nodes[2]).toMatchObject({ call: 'k2', why: 'No.', outcome: 'failed', worked: 0 })
})

it('a session that asks a tool runs, one whose call waits for a person waits, and one that nobody has begun is queued', () => {
  const call: SessionEvent = {
    type: 'tool-calls.requested',
    data: { turn: 't', digest: 'd', calls: [{ call: 'k1', name: 'shell', arguments: {}, replay: 'never' }] },
  }
  const approval: SessionEvent = {
    type: 'approval.requested',
    data: { call: 'k1', name: 'shell', arguments: {}, digest: 'e'.repeat(64), reason: 'r' },
  }
  const stateOf = (fold: InfoFold) => treeNodes(new Map([[root, fold]]))[0]?.state
  expect(stateOf(session(1000, ['idle', started('a'), message], ['waiting', turn, call]))).toBe('running')
  expect(stateOf(session(1000, ['idle', started('a'), message], ['waiting', turn, approval]))).toBe('waiting')
  expect(stateOf(session(1000, ['idle', started('a'), message]))).toBe('queued')
  expect(stateOf(session(1000, ['idle', started('a')]))).toBe('idle')
  expect(stateOf(session(1000, ['idle', started('a'), message], ['paused', turn]))).toBe('paused')
})

it('a session whose parent is not there stands at the top, and one that was never started nowhere', () => {
  const orphan = session(1000, ['idle', started('a', { session: root, call: 'k', pool: 'p' })])
  const never = session(1000, ['ended', { type: 'cancel.requested', data: { cancel: 'x' } }])
  const nodes = treeNodes(
    new Map([
      [child, orphan],
      [leaf, never],
    ]),
  )
  expect(nodes.map(({ id, depth }) => [id, depth])).toEqual([[child, 0]])
})
