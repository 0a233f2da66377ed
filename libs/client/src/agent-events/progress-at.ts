// Where somebody stands who comes into the middle of a session: from its folded state, as the API shows it. Pure.
//   PA1. The state comes from a server that may be newer: what is not of the form that this version knows is left out.
import type { SessionState } from '@reins/contracts'
import {
  type Ask,
  approvalOf,
  type AskedCall,
  codeAsks,
  elicitationOf,
  newProgress,
  type Progress,
} from './progress.ts'

type Json = Readonly<Record<string, unknown>>

export interface Standing {
  readonly progress: Progress
  /** Of the latest message of a person; absent: there is none. */
  readonly message?: string
  /** A turn is open, or a message waits for one. */
  readonly busy: boolean
  /** How the latest turn ended; absent: none has. */
  readonly ended?: 'completed' | 'failed' | 'cancelled'
}

/** `of`: the session below the one that is talked to, whose asks are told as its own. */
export function standingAt({ id, state }: Pick<SessionState, 'id' | 'state'>, of?: string): Standing {
  const session = objectOf(state)
  const turn = objectOf(session.turn)
  const inbox = listOf(session.inbox)
  const code = codeOf(objectOf(session.run))
  const busy = (session.turn !== null && session.turn !== undefined) || code.works
  const first = objectOf(inbox[0])
  // Code that has been given no message yet comes to its first pause by itself: what is told is its answer to the message that waits.
  const before = code.works && !code.given && inbox.length > 0 && !code.calls
  const begun = newProgress(id, countOf(session.turns), busy && !before ? undefined : textOf(first.message))
  const calls = listOf(turn.calls).map(objectOf)
  const message = messageOf(objectOf(inbox.at(-1)).content) ?? lastSaid(listOf(session.transcript))
  const settled = objectOf(session.settled).status
  const progress: Progress = {
    ...begun,
    ...(textOf(turn.id) === undefined ? {} : { turn: textOf(turn.id) as string }),
    text: code.said ?? textOf(session.lastText) ?? '',
    ...(code.works && !before ? { code: true as const } : {}),
    calls: new Map(calls.filter(isOpen).map((call) => [textOf(call.call) ?? '', askedOf(call)])),
    begun: new Set(calls.filter(wasBegun).map((call) => textOf(call.call) ?? '')),
    asks: [...calls.flatMap((call) => askOf(call, of)), ...code.asks],
    below: new Set(calls.filter((call) => kindOf(call) === 'delegated').map((call) => textOf(call.call) ?? '')),
  }
  return {
    progress,
    ...(message === undefined ? {} : { message }),
    busy: busy || inbox.length > 0,
    ...(settled === 'completed' || settled === 'failed' || settled === 'cancelled' ? { ended: settled } : {}),
  }
}

interface CodeStanding {
  /** It is at work. */
  readonly works: boolean
  /** It was given a message of a person. */
  readonly given: boolean
  /** It waits for its agent: what is first in the inbox may be its own. */
  readonly calls: boolean
  /** What it said last. */
  readonly said?: string
  /** What it asks a person. */
  readonly asks: readonly Ask[]
}

/** Of the code that decides, where there is one. */
function codeOf(run: Json): CodeStanding {
  if (run.operations === undefined) return { works: false, given: false, calls: false, asks: [] }
  const all = listOf(run.operations).map(objectOf)
  const pauses = listOf(run.operations).flatMap((one, position) => {
    const { state, waits } = objectOf(one)
    const { kind, output } = objectOf(waits)
    return state === 'open' && kind === 'pause' ? [{ position, output: objectOf(output) }] : []
  })
  const says = pauses.find(({ output }) => output.type === 'chat_response')
  const said = textOf(says?.output.content)
  return {
    works: says === undefined && run.ended === undefined,
    given: all.some(
      ({ operation, result }) =>
        operation === 'pause' && textOf(objectOf(objectOf(result).value).message) !== undefined,
    ),
    calls: all.some(({ operation, state }) => operation === 'call' && state === 'open'),
    ...(said === undefined ? {} : { said }),
    asks: pauses.flatMap(({ position, output }) => {
      const [elicitation_id, url, message, server_name] = ['elicitation_id', 'url', 'message', 'server_name'].map(
        (key) => textOf(output[key]),
      )
      return output.type === 'elicitation' && elicitation_id && url && message && server_name
        ? [codeAsks(position, { elicitation_id, url, message, server_name })]
        : []
    }),
  }
}

const kindOf = (call: Json): string => textOf(objectOf(call.state).kind) ?? ''
const isOpen = (call: Json): boolean => kindOf(call) !== 'done'

/** Whoever read up to here was told that it begins: a call that waits for a person only where its tool asked for that person. */
function wasBegun(call: Json): boolean {
  switch (kindOf(call)) {
    case 'requested':
    case 'claimed':
    case 'delegated':
    case 'eliciting':
      return true
    case 'waiting':
    case 'due':
      return objectOf(call.approval).kind === 'needed' || objectOf(call.state).resume !== undefined
    default:
      return false
  }
}

const askedOf = (call: Json): AskedCall => ({ name: textOf(call.name) ?? '', args: objectOf(call.arguments) })

function askOf(call: Json, of: string | undefined): readonly Ask[] {
  const state = objectOf(call.state)
  const id = textOf(call.call) ?? ''
  if (state.lapsed === true) return []
  if (state.kind === 'waiting') {
    const { name, args } = askedOf(call)
    const votes = listOf(state.votes).length
    const ask = approvalOf(
      {
        ...{ call: id, name, arguments: args, digest: textOf(state.digest) ?? '', reason: textOf(state.reason) ?? '' },
        ...{ quorum: Math.max(1, countOf(state.quorum) - votes) },
        ...(typeof state.expiresAt === 'number' ? { expiresAt: state.expiresAt } : {}),
      },
      of,
    )
    return [ask]
  }
  if (state.kind !== 'eliciting' || state.accepted !== undefined || state.completed === true) return []
  const url = textOf(state.url)
  const ask = elicitationOf(
    {
      ...{ call: id, elicitation: textOf(state.elicitation) ?? '', server: textOf(state.server) ?? '' },
      ...{ mode: state.mode === 'form' ? 'form' : 'url', message: textOf(state.message) ?? '' },
      ...(url === undefined ? {} : { url }),
      ...(state.schema === undefined ? {} : { schema: objectOf(state.schema) }),
    },
    of,
  )
  return [ask]
}

function lastSaid(transcript: readonly unknown[]): string | undefined {
  const last = transcript.map(objectOf).findLast(({ role, correction }) => role === 'user' && correction !== true)
  return last && messageOf(last.content)
}

/** Of a text, or of parts. */
function messageOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  return content.map((part) => textOf(objectOf(part).text) ?? '').join('')
}

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const countOf = (value: unknown): number => (typeof value === 'number' ? value : 0)
