// A frame with the bytes of its events as they were written: what the hash is over.
import { type ApiFrame, decodeFrame, type Frame, frameHeaders } from '@reins/contracts'

export interface StoredFrame {
  readonly frame: Frame
  readonly eventsJson: string
}

/** As the API gives it, decoded as a reader of the broker would: from its headers and its body. */
export function storedFrameOf(session: string, { events: eventsJson, ...sent }: ApiFrame): StoredFrame {
  const { seq, role, id, n, prev, at, by, seal } = sent
  const headers: Record<string, string> = {
    [frameHeaders.frame]: id,
    [frameHeaders.n]: String(n),
    [frameHeaders.hash]: sent.hash,
    [frameHeaders.needs]: String(sent.needs),
    [frameHeaders.status]: sent.status,
    [frameHeaders.pool]: sent.pool,
    ...(seal === undefined ? {} : { [frameHeaders.seal]: seal }),
  }
  const body = `${JSON.stringify({ v: 1, id, n, prev, at, by }).slice(0, -1)},"events":${eventsJson}}`
  return { frame: decodeFrame({ seq, session, role, body, header: (name) => headers[name] ?? '' }), eventsJson }
}
