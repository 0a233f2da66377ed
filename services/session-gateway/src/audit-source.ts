// The logs as the audit reads them: by direct gets of the broker, behind a time or a sequence.
import { type Broker, nextMessages } from '@reins/broker'
import {
  allRegistryFilter,
  decodeFrame,
  fieldsOf,
  gatewayFramesFilter,
  jsonValue,
  parseSessionSubject,
  type SessionStreams,
  streams,
} from '@reins/contracts'
import type { AuditMessage, AuditSource } from './api/access/audit.ts'

/** `sessions`: the streams that hold them. */
export const auditSource = (broker: Broker, sessions: SessionStreams): AuditSource => ({
  streams: [
    ...sessions.names.map((name) => ({ kind: 'sessions' as const, name })),
    { kind: 'registry', name: streams.registry },
  ],
  async read({ kind, name }, from, count) {
    const filter = kind === 'sessions' ? gatewayFramesFilter : allRegistryFilter
    const { messages, ended } = await nextMessages(broker, name, filter, { ...from, count })
    return {
      ended,
      messages: messages.map(({ seq, subject, storedAt, body, header }): AuditMessage => {
        if (kind === 'registry') return record(seq, storedAt, subject, body)
        const session = parseSessionSubject(subject)?.session ?? subject
        const frame = decodeFrame({ seq, role: 'g', body, header })
        return { seq, at: frame.at, by: frame.by, on: session, events: frame.events }
      }),
    }
  },
})

function record(seq: number, at: number, subject: string, body: string): AuditMessage {
  const [, kind = ''] = subject.split('.')
  const value = fieldsOf(jsonValue(body))
  const { name, hash, by } = value
  const named = typeof name === 'string' ? name : typeof hash === 'string' ? hash : ''
  return { seq, at, by: typeof by === 'string' ? by : 'registry', on: `${kind} ${named}`, events: [], value }
}
