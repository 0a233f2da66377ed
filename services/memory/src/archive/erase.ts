// Erasing a session and all below it (PROTOCOL 11b). The frame at its root is the order; each step can be repeated, and finds what is left by
// the streams themselves.
//   EO1. First every session of the tree says that it is erased, so that nobody appends to what is being taken out, and readers are refused.
//   EO2. Then the frames of each go, and its key with them; then what is kept beside the streams.
//   EO3. That it is done is said in every session, behind all of that, and in the root last.
import type { Broker } from '@reins/broker'
import {
  draftOn,
  type EventData,
  erasedFilter,
  erasureDurable,
  type Frame,
  makeShortId,
  type SessionStreams,
} from '@reins/contracts'
import type { Archivist, SessionLog } from '@reins/journal'
import type { Clock, PausePoint } from '@reins/service'
import { erasedBelow, erasedBy, erasedIn, erasureCompleted } from '@reins/session'
import type { Log } from '@reins/telemetry'
import { followOrders, type Orders } from './orders.ts'

export interface EraseOptions {
  readonly sessions: SessionLog
  readonly archivist: Archivist
  readonly clock: Clock
  /** This process's name in the frames' `by`. */
  readonly instance: string
  readonly pauseAt?: PausePoint
}

export interface FollowErasures extends EraseOptions {
  readonly broker: Broker
  readonly streams: SessionStreams
  readonly ackWaitMs: number
  readonly log: Log
  readonly onErased: () => void
}

/** Resolves when the durables are there; the caller closes it. */
export const carryOutErasures = ({ onErased, ...options }: FollowErasures): Promise<Orders> =>
  followOrders({
    ...options,
    ...{ durable: erasureDurable, filter: erasedFilter, atOnce: 1 },
    undone: 'a session is not erased yet',
    carryOut: async (session, frame) => {
      if (await eraseTree(options, session, frame)) onErased()
    },
  })

/** false: the frame orders nothing, or it was done before. */
export async function eraseTree(options: EraseOptions, root: string, frame: Frame): Promise<boolean> {
  const { archivist, pauseAt = async () => {} } = options
  const order = erasedIn(frame)
  if (!order) return false
  await pauseAt('memory.erase-ordered')
  const tree = await archivist.tree(root)
  const orders = new Map<string, Pick<Frame, 'seq'>>([[root, frame]])
  for (const session of tree)
    if (session !== root) orders.set(session, await orderedBelow(options, session, erasedBy(order, frame))) // EO1
  await pauseAt('memory.erase-said')
  const frames = new Map<string, number>()
  for (const [session, at] of orders) {
    frames.set(session, await archivist.eraseFrames(session, at)) // EO2
    await pauseAt('memory.erase-frames')
  }
  const objects = await archivist.eraseKept(root, tree)
  await pauseAt('memory.erase-kept')
  // EO3.
  for (const [session, taken] of frames)
    if (session !== root) await completed(options, session, { sessions: 1, frames: taken, objects: 0 })
  const all = [...frames.values()].reduce((sum, taken) => sum + taken, 0)
  if (!(await completed(options, root, { sessions: tree.length, frames: all, objects }))) return false
  await pauseAt('memory.erase-completed')
  return true
}

/** false: it was said before. */
async function completed(
  options: EraseOptions,
  session: string,
  data: EventData<'session.erasure-completed'>,
): Promise<boolean> {
  if ((await options.sessions.read(session)).some(isCompleted)) return false
  await say(options, session, () => erasureCompleted(data), isCompleted)
  return true
}

const isCompleted = ({ role, events }: Frame): boolean =>
  role === 'm' && events.some(({ type }) => type === 'session.erasure-completed')
/** From its order on. Of a session that has not ended, its head alone is read. */
export async function isErased(sessions: Pick<SessionLog, 'head' | 'frameAt'>, session: string): Promise<boolean> {
  const { status, seq } = await sessions.head(session)
  const last = status === 'ended' ? await sessions.frameAt(session, seq) : undefined
  return last !== undefined && (isOrder(last) || isCompleted(last))
}

const isOrder = (frame: Frame): boolean => erasedIn(frame) !== undefined

/** The frame in a session below that says so; it is appended where it is not there. */
async function orderedBelow(
  options: EraseOptions,
  session: string,
  root: ReturnType<typeof erasedBy>,
): Promise<Pick<Frame, 'seq'>> {
  // What cannot be read is erased all the same.
  const [first] = await options.sessions.read(session, { limit: 1, leader: true }).catch(() => [])
  if (first && isOrder(first)) return first
  return say(options, session, (head) => erasedBelow(head, first, root), isOrder)
}

/** Appended on whatever the head is; somebody else's frame that says the same is as good. */
async function say(
  { sessions, clock, instance }: EraseOptions,
  session: string,
  decide: (head: Parameters<typeof erasedBelow>[0]) => ReturnType<typeof erasedBelow>,
  isSaid: (frame: Frame) => boolean,
): Promise<Pick<Frame, 'seq'>> {
  for (;;) {
    const head = await sessions.head(session, { leader: true })
    const decision = decide(head)
    const by = { frame: makeShortId(clock.random), by: instance, role: 'm' } as const
    const draft = draftOn(head, by, { ...decision, at: clock.now() })
    const outcome = await sessions.append(session, draft, decision.to, head.hash)
    if (outcome.kind === 'appended') return { seq: outcome.head.seq }
    const said = outcome.tail.find(isSaid)
    if (said) return said
  }
}
