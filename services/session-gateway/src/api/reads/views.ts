// A session, or a whole tree, as clients see it: events and deltas with their cursors. Pure.
import {
  type AnswerRestarted,
  type ApiDelta,
  type ApiEvent,
  type Cursor,
  type Delta,
  encodeCursor,
  eventCodec,
  everyEvent,
  type Frame,
  type SessionEvent,
  type SessionQueuedHint,
  type ToolSlowHint,
  type UnknownEvent,
} from '@reins/contracts'

/** What is viewed: a session, or with `tree` everything below a root. */
export interface View {
  readonly of: string
  readonly tree: boolean
}

/** Where something stands. In a tree: whose frame that is, and how far the reader has read the answers that are being made. */
export type At = Pick<Cursor, 'seq' | 'n' | 'i' | 'session' | 'places'>

/** The events of a frame behind event `after` (-1: all). `places`: of a reader of a tree. */
export function apiEvents(
  { of, tree }: View,
  session: string,
  frame: Frame,
  after = -1,
  places: Cursor['places'] = undefined,
): readonly ApiEvent[] {
  const { seq, n, at, by, trace } = frame
  return everyEvent(frame)
    .slice(after + 1)
    .map((event, offset) => {
      const i = after + 1 + offset
      return {
        cursor: encodeCursor({ of, tree, seq, n, i, ...(tree ? { session } : {}), ...(places ? { places } : {}) }),
        ...(tree ? { session } : {}),
        ...{ n, i, at, by },
        ...(trace === undefined ? {} : { trace }),
        ...shown(event),
      }
    })
}

/** What this version does not know is shown as it was written. */
function shown(event: SessionEvent | UnknownEvent): Pick<ApiEvent, 'type' | 'v' | 'data'> {
  if (event.type === '?') return event.written
  const v = eventCodec.versionOf(event.type)
  return { type: event.type, ...(v === 1 ? {} : { v }), data: event.data }
}

/** `at`: the last event before it. */
export function apiDelta(view: View, session: string, at: At, delta: Delta): ApiDelta {
  const { call, attempt, block } = delta
  const within = { call, attempt, block, offset: delta.offset + delta.text.length }
  return {
    type: 'delta',
    cursor: encodeCursor({ ...view, ...at, within }),
    ...(view.tree ? { session } : {}),
    data: delta,
  }
}

export const answerRestarted = (
  view: View,
  session: string,
  at: At,
  data: AnswerRestarted['data'],
): AnswerRestarted => ({
  type: 'answer.restarted',
  cursor: encodeCursor({ ...view, ...at }),
  ...(view.tree ? { session } : {}),
  data,
})

export const sessionQueued = (
  view: View,
  session: string,
  at: At,
  data: SessionQueuedHint['data'],
): SessionQueuedHint => ({
  type: 'session.queued',
  cursor: encodeCursor({ ...view, ...at }),
  ...(view.tree ? { session } : {}),
  data,
})

export const toolSlow = (view: View, session: string, at: At, data: ToolSlowHint['data']): ToolSlowHint => ({
  type: 'tool.slow',
  cursor: encodeCursor({ ...view, ...at }),
  ...(view.tree ? { session } : {}),
  data,
})

/** Where a frame ends. */
export const endOf = (session: string, frame: Frame): At & { readonly session: string } => ({
  session,
  seq: frame.seq,
  n: frame.n,
  i: everyEvent(frame).length - 1,
})
