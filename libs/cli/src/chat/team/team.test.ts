import type { ApiDelta, ApiEvent, EventData, EventType, StreamItem } from '@reins/contracts'
import { noUsage } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { approvalsBelow, followTeam, memberFor, noTeam, type Team } from '@reins/transcript'
import { makeStyle } from '../../text/style.ts'
import { blockLines, endedLines } from './team-lines.ts'

const root = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const child = `${root}-0123456789abcdef`
const leaf = `${root}-fedcba9876543210`
const plain = makeStyle(false)

const event = <T extends EventType>(session: string, n: number, at: number, type: T, data: EventData<T>): ApiEvent => ({
  ...{ cursor: 'c', session, n, i: 0, at, by: 'x', type, data },
})
const team = (...items: readonly StreamItem[]): Team =>
  items.reduce<Team>((state, item) => followTeam(state, item.session ?? '', item), noTeam)
const asks = (session: string, n: number, call: string, to: string, agent: string) =>
  event(session, n, n * 1000, 'delegation.requested', {
    ...{ call, agent, digest: 'd', child: to, pool: 'p', instruction: 'go' },
  })
const turn = (session: string, n = 2) => event(session, n, n * 1000, 'turn.started', { turn: 't', messages: ['m'] })
const answered = (session: string, n: number) =>
  event(session, n, n * 1000, 'model-call.completed', {
    ...{
      call: 'c',
      attempt: 1,
      content: [],
      usage: { ...noUsage, inputTokens: 100, outputTokens: 20 },
      finish: 'stop',
    },
  })
const approval = (session: string, n: number) =>
  event(session, n, n * 1000, 'approval.requested', {
    ...{
      call: 'k9',
      name: 'shell',
      arguments: { command: 'make' },
      digest: 'e'.repeat(64),
      reason: 'It runs a program.',
    },
  })
const settled = (session: string, n: number, call: string, to: string) =>
  event(session, n, n * 1000, 'delegation.settled', { call, child: to, status: 'completed', output: 'done' })
const view = (state: Team, open = false) => ({ team: state, root, open })
const block = (state: Team, open = false, width = 80) =>
  blockLines(memberFor(state, root, 'k1')!, view(state, open), 10_000, width, plain)

const working = team(
  asks(root, 3, 'k1', child, 'helper'),
  turn(child),
  answered(child, 3),
  asks(child, 4, 'k2', leaf, 'leaf'),
  turn(leaf),
)

describe('a delegation in the chat', () => {
  it('is one line while it is folded, with what its agent does and has used', () => {
    expect(block(working)).toEqual(['  waits for leaf  100 in, 20 out · 1 below'])
    const tool = event(child, 5, 5000, 'tool-calls.requested', {
      ...{ turn: 't', digest: 'd', calls: [{ call: 'k3', name: 'grep', arguments: { pattern: 'x' }, replay: 'safe' }] },
    })
    expect(block(followTeam(working, child, tool))).toEqual(['  grep x 5.0s  100 in, 20 out · 1 below'])
  })

  it('shows the whole branch when it is open, and no line is wider than the terminal', () => {
    const delta: ApiDelta = {
      ...{ type: 'delta', cursor: 'd', session: leaf },
      data: { call: 'c2', attempt: 1, block: 0, kind: 'text', offset: 0, text: 'I look\nat it closely.' },
    }
    const state = followTeam(working, leaf, delta)
    expect(block(state, true)).toEqual([
      '  waits for leaf  100 in, 20 out',
      `  session ${child}`,
      '  └ leaf at it closely.  6.0s',
      '      I look',
      '      at it closely.',
    ])
    for (const line of block(state, true, 30)) expect(line.length).toBeLessThanOrEqual(30)
  })

  it('says whose call waits for a person, however deep that is, and marks the block', () => {
    const state = followTeam(working, leaf, approval(leaf, 5))
    expect(approvalsBelow(state)).toMatchObject([{ call: 'k9', of: { session: leaf, path: ['helper', 'leaf'] } }])
    expect(block(state)).toEqual(['  waits for leaf ▲ below  100 in, 20 out · 1 below'])
  })

  it('ends with what the whole branch used', () => {
    const state = [settled(child, 6, 'k2', leaf), settled(root, 7, 'k1', child)].reduce<Team>(
      (before, item) => followTeam(before, item.session ?? '', item),
      working,
    )
    const ended = endedLines(memberFor(state, root, 'k1')!, view(state, true), 80, plain)
    expect(ended).toEqual({ note: '100 in, 20 out · 2 agents', lines: ['  └ leaf ✓ 2.0s'] })
  })

  it('that is cancelled shows nobody below it as working, though they say so a moment later', () => {
    const cancelled = event(root, 7, 7000, 'delegation.settled', {
      ...{ call: 'k1', child, status: 'cancelled', output: 'The turn was cancelled.' },
    })
    const state = followTeam(working, root, cancelled)
    expect(endedLines(memberFor(state, root, 'k1')!, view(state, true), 80, plain).lines).toEqual([
      '  └ leaf ⊘ cancelled',
    ])
  })

  it('counts nothing twice that comes again', () => {
    const again = followTeam(working, child, answered(child, 3))
    expect(again).toBe(working)
    expect(followTeam(working, root, asks(root, 3, 'k1', child, 'helper'))).toBe(working)
  })
})
