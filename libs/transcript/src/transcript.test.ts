import type { StreamItem } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { delta, event, plainTurn, started, usage } from '../test/fakes.ts'
import { follow } from './transcript.ts'
import { newTranscript, type Piece, type Transcript } from './transcript-state.ts'

function given(items: readonly StreamItem[]): { transcript: Transcript; pieces: Piece[] } {
  let transcript = newTranscript
  const pieces: Piece[] = []
  for (const item of items) {
    const followed = follow(transcript, item)
    transcript = followed.transcript
    pieces.push(...followed.pieces)
  }
  return { transcript, pieces }
}

const begin = [started(1, 0), ...plainTurn(2, 10, 't1', 'Hi', 'Hello there').slice(0, 3)]
const end = plainTurn(2, 10, 't1', 'Hi', 'Hello there').slice(3)
const textOf = (pieces: readonly Piece[]) =>
  pieces.flatMap((piece) => (piece.kind === 'text' ? [piece.text] : piece.kind === 'restarted' ? ['<restarted>'] : []))

describe('an answer', () => {
  test('that does not fit its schema says why, and one that fits says nothing', () => {
    const checked = (...problems: readonly string[]) =>
      follow(newTranscript, event(4, 0, 'output.checked', { call: 'c2', problems: [...problems] })).pieces
    expect(checked('"total" is missing: give a number')).toEqual([
      {
        kind: 'notice',
        level: 'warning',
        text: 'The answer does not fit its schema: "total" is missing: give a number.',
      },
    ])
    expect(checked()).toEqual([])
  })

  test.each(['task', 'delegate'])('whose call of %s another agent answers shows it by that name', (name) => {
    const call = { type: 'tool-call' as const, call: 'k1', name, arguments: {} }
    const asked = { call: 'k1', agent: 'helper', digest: 'd', child: 'below', pool: 'any', instruction: 'look' }
    const { transcript } = given([
      ...begin,
      event(5, 20, 'model-call.completed', { call: 'c2', attempt: 1, content: [call], usage, finish: 'tool-calls' }),
      event(6, 21, 'delegation.requested', asked),
    ])
    expect(transcript.tools).toMatchObject([{ call: 'k1', name, below: 'below' }])
  })

  test('says that a tool call has shown nothing for a while, and goes on', () => {
    const slow: StreamItem = { type: 'tool.slow', cursor: 'x', data: { call: 'k1', name: 'shell', since: 1 } }
    expect(follow(newTranscript, slow)).toEqual({
      transcript: newTranscript,
      pieces: [{ kind: 'slow', name: 'shell' }],
    })
  })

  test('a session that waits for a slot shows a notice, and repeats nothing afterwards', () => {
    const queued: StreamItem = { type: 'session.queued', cursor: 'x', data: { since: 1, ahead: 2 } }
    const { transcript, pieces } = follow(newTranscript, queued)
    expect(pieces).toEqual([{ kind: 'queued', ahead: 2 }])
    expect(transcript).toEqual(newTranscript)
  })

  test('is shown delta by delta, and its completion repeats nothing', () => {
    const { pieces } = given([...begin, delta('k-t1', 0, 'Hello'), delta('k-t1', 5, ' there'), ...end])
    expect(pieces).toEqual([
      { kind: 'started', agent: 'assistant', model: 'scripted/demo' },
      { kind: 'message', message: 'm-t1', text: 'Hi' },
      { kind: 'text', text: 'Hello' },
      { kind: 'text', text: ' there' },
      { kind: 'answer-ended' },
      { kind: 'answer-ended' },
      { kind: 'turn-ended', turn: 't1', status: 'completed', ms: 1002, inputTokens: 120, outputTokens: 34 },
    ])
  })
  test('without deltas is shown by its completion', () => {
    expect(textOf(given([...begin, ...end]).pieces)).toEqual(['Hello there'])
  })
  test('repeated and overlapping deltas show each character once', () => {
    const deltas = [delta('k-t1', 0, 'Hel'), delta('k-t1', 0, 'Hel'), delta('k-t1', 2, 'llo th'), delta('k-t1', 1, 'e')]
    expect(textOf(given([...begin, ...deltas, ...end]).pieces).join('')).toBe('Hello there')
  })
  test('a gap in the deltas is filled by the completion', () => {
    const deltas = [delta('k-t1', 0, 'Hel'), delta('k-t1', 8, 'ere')]
    expect(textOf(given([...begin, ...deltas, ...end]).pieces)).toEqual(['Hel', 'lo there'])
  })
  test('events that come again change nothing', () => {
    const once = given([...begin, ...end])
    expect(given([...begin, ...end, ...begin, ...end])).toEqual(once)
  })
  test('deltas of a call that is over are dropped', () => {
    expect(textOf(given([...begin, end[0]!, delta('k-t1', 0, 'Hello')]).pieces)).toEqual(['Hello there'])
  })
})

describe('an answer whose process was lost', () => {
  const again = event(6, 500, 'model-call.started', { call: 'k-t1', attempt: 2, turn: 't1', model: 'scripted/demo' })
  const restart: StreamItem = { type: 'answer.restarted', cursor: 'x', data: { call: 'k-t1', attempt: 2 } }
  const first = delta('k-t1', 0, 'Hel')
  const second = delta('k-t1', 0, 'Good', { attempt: 2 })

  test.each([
    ['told by both', [restart, again]],
    ['told by both, the other way round', [again, restart]],
    ['told by the log', [again]],
    ['told by the gateway', [restart]],
    ['told by nobody', []],
  ])('starts anew once: %s', (_, told) => {
    expect(textOf(given([...begin, first, ...told, second]).pieces)).toEqual(['Hel', '<restarted>', 'Good'])
  })
  test('what the lost attempt still sends is dropped', () => {
    const late = delta('k-t1', 3, 'lo')
    expect(textOf(given([...begin, first, again, late, second]).pieces)).toEqual(['Hel', '<restarted>', 'Good'])
  })
  test('what the lost attempt had said is shown to whoever was not there, and not again to whoever was', () => {
    const failed = event(6, 400, 'model-call.failed', {
      call: 'k-t1',
      attempt: 1,
      error: { code: 'lost', message: 'gone' },
      partial: 'Hello',
    })
    const next = event(7, 500, 'model-call.started', { call: 'k-t1', attempt: 2, turn: 't1', model: 'scripted/demo' })
    expect(textOf(given([...begin, failed, next, second]).pieces)).toEqual(['Hello', '<restarted>', 'Good'])
    expect(textOf(given([...begin, first, failed, next, second]).pieces)).toEqual(['Hel', 'lo', '<restarted>', 'Good'])
    expect(textOf(given([...begin, delta('k-t1', 0, 'Hello'), failed, next, second]).pieces)).toEqual([
      'Hello',
      '<restarted>',
      'Good',
    ])
  })
  test('nothing is said where nothing had been shown', () => {
    expect(textOf(given([...begin, again, restart, second]).pieces)).toEqual(['Good'])
  })
})

describe('tools', () => {
  const requested = event(6, 1000, 'tool-calls.requested', {
    turn: 't1',
    digest: 'd1',
    calls: [
      { call: 'x1', name: 'shell', arguments: { command: 'ls' }, replay: 'never' },
      { call: 'x2', name: 'grep', arguments: { pattern: 'a' }, replay: 'safe' },
    ],
  })
  test('run until each has its outcome', () => {
    const { transcript, pieces } = given([
      ...begin,
      requested,
      delta('x1', 0, 'line 1\nli', { kind: 'output' }),
      delta('x1', 0, 'line 1\nline', { kind: 'output' }),
      event(7, 1300, 'tool-call.completed', { call: 'x2', attempt: 1, status: 'ok', output: 'none', duration: 250 }),
    ])
    expect(transcript.tools).toEqual([
      { call: 'x1', name: 'shell', input: { command: 'ls' }, since: 1000, attempt: 1, tail: 'line 1\nline', seen: 11 },
    ])
    expect(pieces.at(-1)).toEqual({
      kind: 'tool',
      call: 'x2',
      name: 'grep',
      input: { pattern: 'a' },
      outcome: 'ok',
      ms: 250,
      output: 'none',
    })
  })
  test('an outcome that nobody knows is told as such, once', () => {
    const unknown = event(7, 3000, 'tool-call.outcome-unknown', { call: 'x1', attempt: 1, message: 'cut off' })
    const late = event(8, 4000, 'tool-call.late-result', { call: 'x1', attempt: 1, status: 'ok', output: 'x' })
    const tools = given([...begin, requested, unknown, late]).pieces.filter((piece) => piece.kind === 'tool')
    expect(tools).toMatchObject([{ name: 'shell', outcome: 'unknown', ms: 2000, output: 'cut off' }])
  })
})

describe('messages', () => {
  const second = event(6, 50, 'message.received', {
    message: 'm2',
    content: [{ type: 'text', text: 'And?' }],
    onBusy: 'queue',
  })
  test('sent while a turn runs wait, and appear when their turn begins', () => {
    const waiting = given([...begin, second])
    expect(waiting.transcript.waiting).toEqual([{ message: 'm2', text: 'And?' }])
    const begun = given([...begin, second, event(7, 2000, 'turn.started', { turn: 't2', messages: ['m2'] })])
    expect([begun.transcript.waiting, begun.pieces.at(-1)]).toEqual([
      [],
      { kind: 'message', message: 'm2', text: 'And?' },
    ])
  })
  test('that are dropped are told', () => {
    const dropped = given([...begin, second, event(7, 60, 'message.dropped', { message: 'm2', reason: 'cancelled' })])
    expect(dropped.pieces.at(-1)).toEqual({
      kind: 'message',
      message: 'm2',
      text: 'And?',
      note: 'not answered: cancelled',
    })
  })
})

test('a turn that failed says what to do', () => {
  const failed = event(6, 60, 'turn.failed', { turn: 't1', usage, error: { code: 'auth', message: 'No key.' } })
  const notice = given([...begin, failed]).pieces.find((piece) => piece.kind === 'notice')
  expect(notice).toMatchObject({
    level: 'error',
    text: expect.stringMatching(/^The turn failed: No key\. Check the API/),
  })
})

test('an event that only a newer version knows is one line, and changes nothing', () => {
  const { transcript, pieces } = follow(newTranscript, {
    cursor: 'c',
    n: 1,
    i: 0,
    at: 1,
    by: 'x',
    type: 'dream.dreamt',
    data: {},
  })
  expect([transcript, pieces]).toEqual([
    { ...newTranscript, n: 1, i: 0 },
    [{ kind: 'notice', level: 'info', text: 'dream.dreamt (this version of reins does not know what it means)' }],
  ])
})
