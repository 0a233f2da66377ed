// How a process of Node knows an event: by its schema.
import { type ApiEvent, eventCodec, type SessionEvent } from '@reins/contracts'

export function knownEvent({ type, v = 1, data }: ApiEvent): SessionEvent | undefined {
  const decoded = eventCodec.decode({ type, v, data })
  return decoded.kind === 'known' ? decoded.event : undefined
}
