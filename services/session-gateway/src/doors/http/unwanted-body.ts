// What a client still sends of a body that is refused. Many clients write all of it before they read: cut off in the middle, they
// would see a reset instead of the answer.
//   U1. It is bounded in bytes and in time: whoever sends more than that is cut off.
import type { IncomingMessage } from 'node:http'

const maxBytes = 64_000_000
const withinMs = 2000

/** Reads it and throws it away; true where that was all of it. */
export function throwAway(raw: IncomingMessage): Promise<boolean> {
  if (raw.complete || raw.destroyed) return Promise.resolve(raw.complete)
  return new Promise((resolve) => {
    let bytes = 0
    const settle = (all: boolean): void => {
      clearTimeout(late)
      raw.off('data', onData).off('end', onEnd).off('close', onClose)
      if (!all) raw.pause()
      resolve(all)
    }
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > maxBytes) settle(false)
    }
    const onEnd = (): void => settle(true)
    const onClose = (): void => settle(false)
    const late = setTimeout(onClose, withinMs) // U1
    raw.on('data', onData).once('end', onEnd).once('close', onClose).resume()
  })
}
