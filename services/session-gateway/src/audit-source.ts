// The logs as the audit reads them: by direct gets of the broker, behind a time or a sequence.
import { type Broker, nextMessagesOrEnd } from '@reins/broker'
import {
  allRegistryFilter,
  decodeFrame,
  fieldsOf,
  jsonValue,
  parseSessionSubject,
  type SessionStreams,
  streams,
} from '@reins/contracts'
import { isForged, registryIdHeader, resealedPrefix, standingOf } from '@reins/journal'
import type { AuditMessage, AuditSource } from './api/access/audit.ts'

/** In the place of who a record says that did it, where the registry has not written the record. */
const notSealed = 'nobody: not sealed by the registry'

/** For a part of the subjects the server counts through all of them with each batch, 130 ms where half a million sessions lie. */
const filters = { sessions: '>', registry: allRegistryFilter } as const

/** `sessions`: the streams that hold them. */
export const auditSource = (broker: Broker, sessions: SessionStreams): AuditSource => ({
  get streams() {
    return [
      ...sessions.names.map((name) => ({ kind: 'sessions' as const, name })),
      { kind: 'registry' as const, name: streams.registry },
    ]
  },
  async read({ kind, name }, from, count) {
    const { messages, ended } = await nextMessagesOrEnd(broker, name, filters[kind], { ...from, count })
    return {
      ended,
      messages: messages.map((message): AuditMessage => {
        const { seq, subject, storedAt, body, header } = message
        if (kind === 'registry') {
          // What was sealed again was done before: it is told where it was done.
          if (header(registryIdHeader).startsWith(resealedPrefix)) return nothing(seq, storedAt)
          return record(seq, storedAt, subject, body, isForged(broker.seals, standingOf(broker.seals, message), seq))
        }
        const { session = subject, role } = parseSessionSubject(subject) ?? {}
        if (role !== 'g') return nothing(seq, storedAt, body.length)
        const frame = decodeFrame({ seq, session, role: 'g', body, header })
        return { seq, at: frame.at, by: frame.by, on: session, bytes: body.length, events: frame.events }
      }),
    }
  },
})

/** Told in no line. */
const nothing = (seq: number, at: number, bytes = 0): AuditMessage => ({ seq, at, by: '', on: '', bytes, events: [] })

function record(seq: number, at: number, subject: string, body: string, forged: boolean): AuditMessage {
  if (forged) return { seq, at, by: notSealed, on: `forged ${subject}`, bytes: body.length, events: [] }
  const [, kind = ''] = subject.split('.')
  const value = fieldsOf(jsonValue(body))
  const { name, hash, by } = value
  const named = typeof name === 'string' ? name : typeof hash === 'string' ? hash : ''
  return {
    seq,
    at,
    by: typeof by === 'string' ? by : 'registry',
    on: `${kind} ${named}`,
    bytes: body.length,
    events: [],
    value,
  }
}
