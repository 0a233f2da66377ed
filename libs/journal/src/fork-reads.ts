// The log of a fork: the frames of the session that it was forked from, up to the one that it goes on behind, and then its own. Nothing is
// copied: a reading that begins before the first own frame reads on in the other session, which may be a fork too.
//   FR1. A frame of before has a place in the fork's log: its own sequence, divided by 2^48 once for each fork on the way. So places are
//        below 1, exact, and in order (a sequence is below 2^47), 0 is before all of them, and whoever reads a log by sequences reads that
//        of a fork like any other.
//   FR2. Appending knows nothing of this: it is conditional on the last own frame, and on 0 where there is none.
//   FR3. What a fork goes on behind never changes, so it is looked up once. A reading hands out all of it, or fails.
import { type EventData, type Frame, ReinsError } from '@reins/contracts'
import { erasedIn, forkIn } from '@reins/session'
import type { OutputStore, SessionFrame, SessionLog } from './port.ts'

export type ForkPoint = Pick<EventData<'session.forked'>, 'from' | 'n' | 'hash'>

/** Forks of forks: a double has room for more, and people have no use for them. */
export const maxForkDepth = 16
const shift = 2 ** 48
const pageSize = 256
const kept = 20_000

/** FR1: a frame of the other session, as it lies in the fork's log. */
export const asPrefix = (frame: Frame): Frame => ({ ...frame, seq: frame.seq / shift, prev: frame.prev / shift })
/** FR1: a place in the fork's log, as a sequence of the other session's. */
export const inSource = (place: number): number => place * shift

/** A place behind which the frame at `place` comes next, whatever lies before it. */
export function placeBefore(place: number): number {
  if (place <= 0) return 0
  let level = 1
  while (place * level < 1) level *= shift
  const sequence = place * level
  return (sequence > 1 ? sequence - 1 : beyondAll / shift) / level
}
/** No frame has a sequence so high. */
const beyondAll = 2 ** 47

type Raw = Omit<SessionLog, 'forkOf'>

export function withForks(raw: Raw): SessionLog {
  /** null: it is no fork. */
  const points = new Map<string, { readonly fork: ForkPoint | null; readonly first: Frame }>()

  function learn(session: string, first: Frame): ForkPoint | null {
    const fork = forkIn(first) ?? null
    if (points.size >= kept) points.delete(points.keys().next().value ?? '')
    points.set(session, { fork, first })
    return fork
  }

  async function forkOf(session: string): Promise<ForkPoint | undefined> {
    const known = points.get(session)
    if (known) return known.fork ?? undefined
    const [first] = await raw.read(session, { limit: 1 })
    return (first && learn(session, first)) ?? undefined
  }

  const read: SessionLog['read'] = (session, options) => readAt(session, options ?? {}, 0)

  async function readAt(
    session: string,
    options: NonNullable<Parameters<SessionLog['read']>[1]>,
    depth: number,
  ): Promise<readonly Frame[]> {
    const { after = 0, limit = Number.POSITIVE_INFINITY } = options
    if (after >= 1) return raw.read(session, options)
    const known = points.get(session)
    const fromStart = { ...options, after: 0 }
    const read = known?.fork ? undefined : await raw.read(session, fromStart)
    const first = known?.first ?? read?.[0]
    const fork = known ? known.fork : first && learn(session, first)
    if (!fork || !first) return read ?? []
    if (depth >= maxForkDepth) throw new Error(`session ${session} is a fork of more than ${maxForkDepth} forks`)
    if (known && (await isErased(session))) return raw.read(session, fromStart)
    const prefix = await prefixOf(session, fork, { ...options, after: inSource(after) }, depth)
    const left = limit - prefix.length
    if (left <= 0) return prefix
    const own = read ?? [
      first,
      ...(left > 1
        ? await raw.read(session, {
            ...options,
            after: first.seq,
            ...(Number.isFinite(left) ? { limit: left - 1 } : {}),
          })
        : []),
    ]
    return [...prefix, ...(own.length > left ? own.slice(0, left) : own)]
  }

  /** What is known of a fork is of before it was erased: its log does not begin with the fork any more. */
  async function isErased(session: string): Promise<boolean> {
    const [first] = await raw.read(session, { limit: 1 })
    if (!first || !erasedIn(first)) return false
    points.delete(session)
    return true
  }

  /** What another session has said before the fork, and never will be read again. */
  const cannotBeRead = (error: unknown): boolean =>
    error instanceof ReinsError && (error.code === 'session_erased' || error.code === 'session_unreadable')

  /** FR3. */
  async function prefixOf(
    session: string,
    { from, n }: ForkPoint,
    options: NonNullable<Parameters<SessionLog['read']>[1]>,
    depth: number,
  ): Promise<readonly Frame[]> {
    const { limit = Number.POSITIVE_INFINITY } = options
    const found: Frame[] = []
    let { after = 0, leader = false } = options
    if (after >= beyondAll) return found
    while (found.length < limit) {
      const wanted = Math.min(limit - found.length, pageSize)
      const page = await readAt(from, { ...options, after, limit: wanted, leader }, depth + 1)
      if (page.some((frame) => erasedIn(frame)))
        throw new ReinsError(
          'session_erased',
          `Session ${session} goes on behind frame ${n} of ${from}, which was erased.`,
        )
      for (const frame of page) if (frame.n <= n) found.push(asPrefix(frame))
      const last = page.at(-1)
      if (last && last.n >= n) return found
      after = last?.seq ?? after
      if (page.length === wanted) continue
      if (after > 0 && (await frameAt(from, after))?.n === n) return found
      if (leader) throw new Error(`session ${session} goes on behind frame ${n} of ${from}, which cannot be read`)
      leader = true
    }
    return found
  }

  async function frameAt(session: string, seq: number): Promise<Frame | undefined> {
    if (seq >= 1) return raw.frameAt(session, seq)
    const fork = seq > 0 ? await forkOf(session) : undefined
    const frame = fork && (await frameAt(fork.from, inSource(seq)))
    return frame && frame.n <= fork.n ? asPrefix(frame) : undefined
  }

  const readTree: SessionLog['readTree'] = async (root, options = {}) => {
    const { after = 0, limit = Number.POSITIVE_INFINITY } = options
    if (after >= 1) return raw.readTree(root, options)
    const own = await raw.readTree(root, { ...options, after: 0 })
    const [first] = own
    const fork = points.get(root)?.fork ?? (first?.session === root ? learn(root, first.frame) : null)
    if (!fork) return own
    const prefix = await prefixOf(root, fork, { ...options, after: inSource(after) }, 0).catch((error: unknown) => {
      if (!cannotBeRead(error)) throw error
      options.onUnreadable?.(root)
      return []
    })
    const all: readonly SessionFrame[] = [...prefix.map((frame) => ({ session: root, frame })), ...own]
    return all.length > limit ? all.slice(0, limit) : all
  }

  return {
    head: (of, options) => raw.head(of, options),
    append: (...what) => raw.append(...what),
    ...{ read, readTree, frameAt, forkOf },
  }
}

/** What a tool gave out before the fork is kept with the session that it ran in. */
export const outputsOfForks = (outputs: OutputStore, sessions: Pick<SessionLog, 'forkOf'>): OutputStore => ({
  put: (session, bytes) => outputs.put(session, bytes),
  async get(session, ref) {
    let whose: string | undefined = session
    for (let depth = 0; whose !== undefined && depth <= maxForkDepth; depth++) {
      const found = await outputs.get(whose, ref)
      if (found) return found
      whose = (await sessions.forkOf(whose))?.from
    }
    return undefined
  },
})
