// The audit: who did what, allowed or denied. What was allowed stands in the logs of sessions and of the registry; what was denied is
// recorded beside them, counted where it is repeated.
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const count = Type.Integer({ minimum: 1 })

/** `reg.denial.<key>`: refusals of one kind, since the record before. Appended once a minute at most, however many there are. */
export const DenialEntry = Type.Object(
  {
    principal: Type.String({ maxLength: 300, description: '- where the bearer was not known' }),
    operation: Type.String({ maxLength: 300 }),
    permission: Type.Optional(Type.String({ maxLength: 1200, description: 'Of the latest' })),
    from: Type.String({ maxLength: 100, description: 'The address; of the latest' }),
    count,
    firstAt: Type.Integer(),
    at: Type.Integer(),
  },
  closed,
)
export type DenialEntry = Static<typeof DenialEntry>

/** `svc.registry.denials.record` */
export const RecordDenials = Type.Object({ denials: Type.Array(DenialEntry, { maxItems: 60 }) }, closed)

export const AuditEntry = Type.Object(
  {
    at: Type.Integer(),
    by: Type.String(),
    did: Type.String({ description: 'An event, or for what was denied the route' }),
    on: Type.String({ description: 'A session, or an entity of the registry' }),
    outcome: Type.Union([Type.Literal('allowed'), Type.Literal('denied')]),
    permission: Type.Optional(Type.String()),
    from: Type.Optional(Type.String()),
    count: Type.Optional(count),
  },
  closed,
)
export type AuditEntry = Static<typeof AuditEntry>

/** The oldest first. `next`: give it back as `after`; there is more. */
export const AuditPage = Type.Object({ entries: Type.Array(AuditEntry), next: Type.Optional(Type.String()) }, closed)
export type AuditPage = Static<typeof AuditPage>
