// A golden journal: frames as the broker had them, and the state that they fold to.
import { decodeFrame, parseSessionSubject } from '@reins/contracts'
import { emptyFold, foldFrames, statusOf } from '@reins/session'

export interface GoldenFrame {
  readonly seq: number
  readonly subject: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Golden {
  readonly id: string
  readonly frames: readonly GoldenFrame[]
  readonly state: Readonly<Record<string, unknown>>
}

const sessionOf = (one: GoldenFrame | undefined) => parseSessionSubject(one?.subject ?? '')?.session

/** Those of another session lie before the own ones, where a fork reads them (fork-reads.ts of the journal). */
export const goldenFrames = (frames: readonly GoldenFrame[]) =>
  frames.map((one) => {
    const { seq, subject, headers, body } = one
    const role = parseSessionSubject(subject)?.role ?? 'g'
    const frame = decodeFrame({ seq, role, body, header: (name) => headers[name] ?? '' })
    const before = sessionOf(one) !== sessionOf(frames.at(-1))
    return { frame: before ? { ...frame, seq: seq / 2 ** 48, prev: frame.prev / 2 ** 48 } : frame, body }
  })

/** As JSON: what a snapshot would hold, and the status that it shows. */
export function goldenState(id: string, frames: readonly GoldenFrame[]): unknown {
  const { session } = foldFrames(
    emptyFold(id),
    goldenFrames(frames).map(({ frame }) => frame),
  )
  return JSON.parse(JSON.stringify({ status: statusOf(session), session }))
}
