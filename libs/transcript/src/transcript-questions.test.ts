import type { StreamItem } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { event, plainTurn, started } from '../test/fakes.ts'
import { follow } from './transcript.ts'
import { newTranscript, type Transcript } from './transcript-state.ts'

const begin = [started(1, 0), ...plainTurn(2, 10, 't1', 'Hi', 'Hello').slice(0, 2)]
const call = { call: 'k1', name: 'mcp__issues__list', arguments: {}, replay: 'never' as const }
const requested = event(5, 20, 'tool-calls.requested', { turn: 't1', digest: 'd1', calls: [call] })
const asks = (elicitation: string, n: number, more = {}) =>
  event(n, 30, 'elicitation.requested', {
    ...{ call: 'k1', elicitation, attempt: 1, server: 'issues', key: 'q', timer: 't', expiresAt: 9_000_000 },
    ...{ mode: 'url', message: 'Allow it.', url: 'https://example.com/', ...more },
  })
const accepted = (n: number) =>
  event(n, 40, 'elicitation.answered', { call: 'k1', elicitation: 'e1', action: 'accept', person: 'user:ada' })
const named = (type: 'elicitation.completed' | 'elicitation.expired' | 'elicitation.withdrawn', n: number, id = 'e1') =>
  event(n, 50, type, { call: 'k1', elicitation: id })

function given(...items: readonly StreamItem[]): { waiting: string[]; said: string[] } {
  let transcript: Transcript = newTranscript
  const said: string[] = []
  for (const item of [...begin, requested, ...items]) {
    const followed = follow(transcript, item)
    transcript = followed.transcript
    for (const piece of followed.pieces) if (piece.kind === 'notice') said.push(piece.text)
  }
  return { waiting: transcript.questions.map(({ elicitation, page }) => `${elicitation} ${page}`), said }
}

describe('a question of a server', () => {
  test('waits until it is answered, and what names another changes nothing', () => {
    expect(given(asks('e1', 6), named('elicitation.expired', 7, 'e0')).waiting).toEqual(['e1 waiting'])
    expect(given(asks('e1', 6), accepted(7))).toEqual({ waiting: [], said: ['issues: accepted by user:ada.'] })
  })
  test('about a page that has to be opened first waits on until the server says that it is done', () => {
    const first = asks('e1', 6, { nothingRan: true })
    expect(given(first, accepted(7)).waiting).toEqual(['e1 opened'])
    expect(given(first, accepted(7), named('elicitation.completed', 8)).waiting).toEqual([])
    expect(given(first, named('elicitation.completed', 7)).waiting).toEqual(['e1 done'])
    expect(given(first, named('elicitation.completed', 7), accepted(8)).waiting).toEqual([])
  })
  test('that nobody answers in time says so; one that is withdrawn goes without a word', () => {
    const late = given(asks('e1', 6), named('elicitation.expired', 7))
    expect(late).toEqual({ waiting: [], said: ['issues: nobody answered in time.'] })
    expect(given(asks('e1', 6), named('elicitation.withdrawn', 7))).toEqual({ waiting: [], said: [] })
  })
  test('is replaced by that of a later attempt, and by that of no earlier one', () => {
    const second = asks('e2', 7, { attempt: 2 })
    expect(given(asks('e1', 6), second, asks('e3', 8)).waiting).toEqual(['e2 waiting'])
  })
  test('goes with its call', () => {
    expect(given(asks('e1', 6), event(7, 40, 'tool-call.cancelled', { call: 'k1' })).waiting).toEqual([])
  })
})
