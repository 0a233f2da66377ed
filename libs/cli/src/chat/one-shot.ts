// One message, one answer: for scripts, and for `chat -m`. On a terminal the answer streams; elsewhere it is printed whole, once.
import type { Budget, ShownImage, TurnResult } from '@reins/contracts'
import { follow, knownEvent, newTranscript, type Piece } from '@reins/transcript'
import type { ReinsClient } from '../client-port.ts'
import type { CliContext } from '../context.ts'
import { neutralise } from '../text/neutralise.ts'
import type { Style } from '../text/style.ts'
import type { InstanceAddress } from './chat.ts'
import { liveView } from './painting/live-view.ts'
import { Painter } from './painting/painter.ts'
import { ChatScreen } from './painting/screen.ts'

export interface OneShotOptions {
  readonly client: ReinsClient
  readonly context: CliContext
  readonly style: Style
  readonly agent: string
  readonly session?: string
  /** To this instance, which the message makes where it is not there. */
  readonly instance?: InstanceAddress
  /** Of a new session. */
  readonly budget?: Budget
  readonly text: string
  /** The answer has to fit it. */
  readonly outputSchema?: Record<string, unknown>
  /** Shown to the model with the message. */
  readonly images?: readonly ShownImage[]
  /** Show the answer while it grows: stdout is a terminal. */
  readonly live: boolean
  /** Aborted: the turn is cancelled at the server. */
  readonly signal: AbortSignal
}

export interface OneShotResult {
  readonly session: string
  readonly messageId: string
  readonly status: TurnResult['turn']['status'] | 'interrupted' | 'dropped'
  readonly turn?: string
  /** Of a turn that failed for the form of its answer: the last one. */
  readonly content: string
  /** The value of the answer, where it had to fit a schema. */
  readonly result?: unknown
  readonly usage?: TurnResult['turn']['usage']
  /** Why it is not completed. */
  readonly error?: { readonly code: string; readonly message: string }
  /** Why the last answer does not fit. */
  readonly problems?: readonly string[]
}

export async function askOnce(options: OneShotOptions): Promise<OneShotResult> {
  const accepted = await send(options)
  if (options.signal.aborted) return interrupted(options, accepted)
  const show = options.live ? liveShow(options, accepted.session) : quietShow(options, accepted.session)
  const reader = new AbortController()
  const hint = setTimeout(() => void hintAtPool(options, accepted.session), hintAfterMs)
  const onAbort = () => reader.abort()
  options.signal.addEventListener('abort', onAbort, { once: true })
  try {
    return (await read(options, accepted, show, reader.signal)) ?? (await interrupted(options, accepted))
  } finally {
    clearTimeout(hint)
    options.signal.removeEventListener('abort', onAbort)
    reader.abort()
    show.end()
  }
}

/** ms after which whoever waits is told that nobody serves the session. */
const hintAfterMs = 4_000

/** Best effort: it is only a hint. */
async function hintAtPool({ client, context }: OneShotOptions, session: string): Promise<void> {
  const { unserved } = await client.sessions.get(session).catch(() => ({ unserved: undefined }))
  if (unserved) context.stderr.write(`reins: The session ${neutralise(unserved.message)}\n`)
}

interface AcceptedMessage {
  readonly session: string
  readonly messageId: string
  readonly cursor: string
}

async function send(options: OneShotOptions): Promise<AcceptedMessage> {
  const { client, context, agent, session, instance, budget, text, outputSchema, images } = options
  const key = { idempotencyKey: context.makeKey() }
  const more = {
    ...(outputSchema === undefined ? {} : { output_schema: outputSchema }),
    ...(images === undefined ? {} : { images: [...images] }),
  }
  if (session !== undefined) {
    const accepted = await client.sessions.send(session, { content: text, ...more }, key)
    return { session, messageId: accepted.messageId, cursor: accepted.cursor }
  }
  const limits = budget === undefined ? {} : { budget }
  const created = await client.sessions.create({ agent, ...instance, message: text, ...limits, ...more }, key)
  return { session: created.session.id, messageId: created.messageId ?? '', cursor: created.cursor }
}

/** undefined: reading was given up before the turn ended. */
async function read(
  { client }: OneShotOptions,
  accepted: AcceptedMessage,
  show: Show,
  signal: AbortSignal,
): Promise<OneShotResult | undefined> {
  const base = { session: accepted.session, messageId: accepted.messageId }
  let turn: string | undefined
  let answer = { call: '', text: '' }
  /** The code that decides has been given the message. */
  let given = false
  for await (const item of client.sessions.follow(accepted.session, { after: accepted.cursor, deltas: true, signal })) {
    if (item.type === 'connection') {
      show.connection('state' in item && item.state === 'lost')
      continue
    }
    if (!('cursor' in item)) continue
    show.item(item)
    const event = 'n' in item ? knownEvent(item) : undefined
    switch (event?.type) {
      case 'turn.started':
        if (event.data.messages.includes(accepted.messageId)) turn = event.data.turn
        break
      case 'message.joined':
        if (event.data.message === accepted.messageId) turn = event.data.turn
        break
      case 'message.dropped':
        if (event.data.message === accepted.messageId)
          return {
            ...base,
            status: 'dropped',
            content: '',
            error: {
              code: event.data.reason,
              message: `The agent did not answer the message, because it was ${event.data.reason === 'ended' ? 'still waiting when the session ended' : 'cancelled'}.`,
            },
          }
        break
      case 'model-call.completed': {
        const text = event.data.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
        answer = { call: event.data.call, text }
        break
      }
      case 'run.resumed':
        if (event.data.message === accepted.messageId) given = true
        break
      case 'run.paused': {
        const { position, output } = event.data
        if (!given || output.type === 'elicitation') break
        const content = output.type === 'chat_response' ? (output.content ?? '') : answer.text
        return { ...base, turn: `p${position}`, status: 'completed', content }
      }
      case 'run.ended': {
        const { status, output, error } = event.data
        if (status === 'failed')
          return { ...base, status, content: '', error: error ?? { code: 'failed', message: 'The code failed.' } }
        if (!given) break
        const content = typeof output === 'string' ? output : ''
        return { ...base, status, content, ...(output === undefined ? {} : { result: output }) }
      }
      case 'turn.completed':
        if (event.data.turn === turn) {
          const result = Object.hasOwn(event.data, 'result') ? { result: event.data.result } : {}
          return { ...base, turn, status: 'completed', content: answer.text, ...result, usage: event.data.usage }
        }
        break
      case 'turn.failed':
        if (event.data.turn === turn) {
          const { text = '', usage, error, problems } = event.data
          return { ...base, turn, status: 'failed', content: text, usage, error, ...(problems ? { problems } : {}) }
        }
        break
      case 'turn.cancelled':
        if (event.data.turn === turn) {
          const error = { code: event.data.reason, message: `The turn was cancelled (${event.data.reason}).` }
          return { ...base, turn, status: 'cancelled', content: '', usage: event.data.usage, error }
        }
        break
      case 'session.quarantined':
        return {
          ...base,
          status: 'failed',
          content: '',
          error: {
            code: 'quarantined',
            message: `The session is in quarantine: ${event.data.reason}. Look at it with "reins session events ${accepted.session}".`,
          },
        }
      default:
        break
    }
  }
  return undefined
}

async function interrupted({ client }: OneShotOptions, accepted: AcceptedMessage): Promise<OneShotResult> {
  await client.sessions.cancel(accepted.session).catch(() => undefined)
  return {
    session: accepted.session,
    messageId: accepted.messageId,
    status: 'interrupted',
    content: '',
    error: { code: 'interrupted', message: 'You interrupted the command; reins cancelled the turn at the server.' },
  }
}

interface Show {
  item(item: Parameters<typeof follow>[1]): void
  connection(lost: boolean): void
  end(): void
}

/** Why the answer waits for a person, who must act elsewhere: this command reads no keys. undefined: it does not. */
export function whyItWaits(item: Parameters<typeof follow>[1], session: string): string | undefined {
  const event = 'n' in item ? knownEvent(item) : undefined
  switch (event?.type) {
    case 'session.paused':
      return 'The session is paused. Waiting until somebody resumes it.'
    case 'approval.requested': {
      const { call, name } = event.data
      return `A call of ${name} waits until somebody decides about it: reins approvals approve ${session} ${call}`
    }
    case 'run.paused':
      return event.data.output.type === 'elicitation'
        ? `The workflow asks a person something: reins elicitations list ${session}`
        : undefined
    case 'elicitation.requested':
      return `The MCP server ${event.data.server} asks a person something: reins elicitations list ${session}`
    default:
      return undefined
  }
}

/** Only what a script's owner must know, on stderr. */
function quietShow({ context }: OneShotOptions, session: string): Show {
  return {
    item: (item) => {
      const why = whyItWaits(item, session)
      if (why !== undefined) context.stderr.write(`reins: ${neutralise(why)}\n`)
    },
    connection: (lost) => {
      context.stderr.write(
        lost ? 'reins: The server does not answer. Waiting for it.\n' : 'reins: The server is back.\n',
      )
    },
    end: () => undefined,
  }
}

function liveShow({ context, style }: OneShotOptions, session: string): Show {
  const { stdout } = context
  const columns = () => Math.max(1, stdout.columns || 80)
  const painter = new Painter((text) => stdout.write(text), columns())
  const screen = new ChatScreen(style)
  let transcript = newTranscript
  let connection: 'there' | 'lost' = 'there'
  const paint = (pieces: readonly Piece[]) => {
    const width = Math.max(1, columns() - 1)
    const printed = pieces.filter((piece) => piece.kind !== 'message').flatMap((piece) => screen.take(piece, columns()))
    const size = { width, rows: Math.max(1, (stdout.rows || 24) - 1) }
    const state = { transcript, sending: [], connection }
    painter.paint(
      printed,
      liveView(state, screen.growing(width, transcript.tools.length > 0), size, context.now(), style),
      columns(),
    )
  }
  return {
    item: (item) => {
      const followed = follow(transcript, item)
      transcript = followed.transcript
      const why = whyItWaits(item, session)
      paint(why === undefined ? followed.pieces : [...followed.pieces, { kind: 'notice', level: 'info', text: why }])
    },
    connection: (lost) => {
      connection = lost ? 'lost' : 'there'
      paint([])
    },
    end: () => painter.clear(columns()),
  }
}
