// How a page knows an event: by its version alone. The server has checked it against its schema, and the schemas are larger than the page.
//   DT1. All types are written in version 1; a test says when that changes, and this has to learn the other version.
//   DT2. A type that this code does not know is told apart where its meaning is looked up (T4 of transcript.ts).
import type { ApiEvent, SessionEvent } from '@reins/contracts'

export const knownEvent = ({ type, v = 1, data }: ApiEvent): SessionEvent | undefined =>
  v === 1 && typeof data === 'object' && data !== null ? ({ type, data } as SessionEvent) : undefined
