import type { StreamItem } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { follow, newTranscript, type Transcript } from '@reins/transcript'
import { delta, event, plainTurn, started, usage } from '../../../test/fakes.ts'
import { cells } from '../../text/cells.ts'
import { makeStyle } from '../../text/style.ts'
import { newEditor, withText } from '../typing/line-editor.ts'
import { type LiveState, liveView } from './live-view.ts'
import { ChatScreen } from './screen.ts'

const style = makeStyle(false)

const session: StreamItem[] = [
  started(1, 0),
  ...plainTurn(2, 10, 't1', 'Hi', 'Hello! I can\n\n- read **files**\n- run `commands`\n'),
  event(7, 60_000, 'message.received', {
    message: 'm2',
    content: [{ type: 'text', text: 'What is in here?\nBe brief.' }],
    onBusy: 'queue',
  }),
  event(8, 60_001, 'turn.started', { turn: 't2', messages: ['m2'] }),
  event(9, 60_002, 'model-call.started', { call: 'k2', attempt: 1, turn: 't2', model: 'scripted/demo' }),
  delta('k2', 0, 'The user wants a list.\nI look.', { kind: 'reasoning', block: 0 }),
  delta('k2', 0, '{"command":"ls', { kind: 'arguments', block: 1, tool: 'shell' }),
  event(10, 61_000, 'model-call.completed', {
    call: 'k2',
    attempt: 1,
    content: [
      { type: 'reasoning', text: 'The user wants a list.\nI look.' },
      { type: 'tool-call', call: 'x1', name: 'shell', arguments: { command: 'ls -la' } },
      { type: 'tool-call', call: 'x2', name: 'read_file', arguments: { path: 'README.md', limit: 20 } },
    ],
    usage,
    finish: 'tool-calls',
  }),
  event(11, 61_001, 'tool-calls.requested', {
    turn: 't2',
    digest: 'd1',
    calls: [
      { call: 'x1', name: 'shell', arguments: { command: 'ls -la' }, replay: 'never' },
      { call: 'x2', name: 'read_file', arguments: { path: 'README.md', limit: 20 }, replay: 'safe' },
    ],
  }),
  delta('x1', 0, 'total 3\n-rw-r--r-- a\x1b[2J', { kind: 'output' }),
  event(12, 61_100, 'tool-call.completed', { call: 'x1', attempt: 1, status: 'ok', output: 'total 3', duration: 98 }),
  event(13, 61_200, 'tool-call.completed', {
    call: 'x2',
    attempt: 1,
    status: 'error',
    output: 'README.md does not exist.\nmore',
    duration: 3,
  }),
  event(14, 61_201, 'model-call.started', { call: 'k3', attempt: 1, turn: 't2', model: 'scripted/demo' }),
  delta('k3', 0, '| file | lines |\n|---|---|\n| a | 3 |\n\nThat '),
  { type: 'answer.restarted', cursor: 'r', data: { call: 'k3', attempt: 2 } },
  event(15, 63_000, 'model-call.started', { call: 'k3', attempt: 2, turn: 't2', model: 'scripted/demo' }),
  delta('k3', 0, 'There is one file, `a`, and it is as short as a file can be.', { attempt: 2 }),
  event(16, 64_000, 'model-call.completed', {
    call: 'k3',
    attempt: 2,
    content: [{ type: 'text', text: 'There is one file, `a`, and it is as short as a file can be.' }],
    usage,
    finish: 'stop',
  }),
  event(17, 64_001, 'turn.completed', { turn: 't2', call: 'k3', usage, reason: 'answered' }),
  event(18, 70_000, 'session.ended', { reason: 'by its user' }),
]

interface Shown {
  readonly printed: string[]
  readonly live: string[]
  readonly transcript: Transcript
}

function show(items: readonly StreamItem[], width: number, state: Partial<LiveState> = {}, rows = 30): Shown {
  const screen = new ChatScreen(style)
  let transcript = newTranscript
  const printed: string[] = []
  for (const item of items) {
    const followed = follow(transcript, item)
    transcript = followed.transcript
    for (const piece of followed.pieces) printed.push(...screen.take(piece, width))
  }
  const whole: LiveState = { transcript, sending: [], connection: 'there', ...state }
  const live = liveView(whole, screen.growing(width), { width, rows }, 61_101, style)
  return { printed, live: [...live.lines], transcript }
}

describe('a recorded session', () => {
  test('as it is printed', async () => {
    await expect(show(session, 60).printed.join('\n')).toMatchFileSnapshot('../../test/golden/chat-screen.txt')
  })
  test('on a terminal of 20 columns', async () => {
    const { printed } = show(session, 20)
    for (const line of printed) expect(cells(line)).toBeLessThanOrEqual(20)
    await expect(printed.join('\n')).toMatchFileSnapshot('../../test/golden/chat-screen-20.txt')
  })
  test('is the same when it is read without deltas', () => {
    const restarted = '↻ The process that was writing this answer is gone.'
    const upTo = session.slice(0, 12)
    const events = upTo.filter((item) => item.type !== 'delta')
    expect(show(events, 60).printed).toEqual(show(upTo, 60).printed)
    expect(show(session, 60).printed.some((line) => line.startsWith(restarted))).toBe(true)
  })
})

describe('what stands below', () => {
  const editor = newEditor()
  test('thought, and arguments that are being written', () => {
    const items = session.slice(0, 11)
    expect(show(items, 40, { editor, placeholder: 'Message assistant' }).live).toEqual([
      'I look.',
      '○ shell {"command":"ls',
      '',
      '› Message assistant',
    ])
  })
  test('tools that run, with the end of their output, harmless', () => {
    const items = session.slice(0, 14)
    expect(show(items, 40).live).toEqual([
      '● shell ls -la … 0.1s',
      '  -rw-r--r-- a␛[2J',
      '● read_file README.md limit=20 … 0.1s',
    ])
  })
  test('a lost connection, what waits, and what is being sent', () => {
    const waiting = [{ message: 'm9', text: 'later' }]
    const transcript = { ...newTranscript, waiting }
    const live = show([], 90, { transcript, editor, connection: 'lost', sending: ['later', 'now'] }).live
    expect(live).toEqual([
      '⚠ The server does not answer. Waiting; the chat goes on from here.',
      'queued: later',
      'sending: now',
      '',
      '› ',
    ])
  })
  test('never more rows, never wider than the terminal', () => {
    const text = withText(newEditor(), '日本語 one two three\n\nfour five six seven eight nine ten 👩‍👩‍👧')
    for (const width of [1, 2, 5, 19, 20, 60])
      for (const rows of [1, 2, 3, 8])
        for (let count = 0; count <= session.length; count++) {
          const { live } = show(session.slice(0, count), width, { editor: text, hint: 'Ctrl-C again leaves.' }, rows)
          expect(live.length).toBeLessThanOrEqual(rows)
          for (const line of live) expect(cells(line)).toBeLessThanOrEqual(Math.max(2, width))
        }
  })
  test('the cursor stands where the text goes on', () => {
    const state = { transcript: newTranscript, sending: [], connection: 'there' as const }
    const size = { width: 10, rows: 10 }
    const at = (text: string) => liveView({ ...state, editor: withText(editor, text) }, [], size, 0, style)
    expect(at('abc')).toEqual({ lines: ['', '› abc'], cursor: { row: 1, column: 5 } })
    expect(at('abcdefgh')).toEqual({ lines: ['', '› abcdefgh', '  '], cursor: { row: 2, column: 2 } })
    expect(at('ab\ncd')).toEqual({ lines: ['', '› ab', '  cd'], cursor: { row: 2, column: 4 } })
  })
})
