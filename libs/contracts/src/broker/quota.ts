// What executors tell each other of the quotas of model providers, on core subjects: hints, never facts (PROTOCOL 4a). A lost message costs
// time, or a call that the provider refuses; nothing else. P1 of presence.ts holds.
//   QT1. A bucket is named by a digest that tells nobody the key, and no message holds more of it.
import { type Static, Type } from 'typebox'
import { decoder } from './stored-value.ts'

const name = Type.String({ minLength: 1, maxLength: 1024 })
const count = Type.Integer({ minimum: 0 })

/** What may begin in one minute. Absent: as much as the provider takes. */
export const QuotaLimit = Type.Object({ requests: Type.Optional(count), tokens: Type.Optional(count) })
export type QuotaLimit = Readonly<Static<typeof QuotaLimit>>

/** Sessions of one principal and agent that wait for the bucket. */
export const QuotaWaiting = Type.Object({ principal: Type.String({ maxLength: 1024 }), group: Type.String(), count })
export type QuotaWaiting = Readonly<Static<typeof QuotaWaiting>>

/**
 * `quota.ask.<owner>`: all that waits at `instance` for `bucket`, each time anew. `heard`: the newest grant of that owner that it has heard,
 * 0: none.
 */
export const QuotaDemand = Type.Object({
  bucket: name,
  instance: name,
  limit: QuotaLimit,
  heard: count,
  waiting: Type.Array(QuotaWaiting, { maxItems: 256 }),
})
export type QuotaDemand = Readonly<Static<typeof QuotaDemand>>

/**
 * `quota.granted`, to everybody: what the owner `by` has let begin, where. `no` counts the messages of an owner. Without grants it says that
 * the owner is there. `level`: what is left of the bucket now.
 */
export const QuotaGranted = Type.Object({
  bucket: name,
  by: name,
  no: count,
  limit: QuotaLimit,
  level: Type.Object({ requests: Type.Number(), tokens: Type.Number() }),
  grants: Type.Array(Type.Object({ to: name, ...QuotaWaiting.properties })),
})
export type QuotaGranted = Readonly<Static<typeof QuotaGranted>>

/** `quota.refused`, to everybody: the provider has refused a call, and asks for so many ms. */
export const QuotaRefused = Type.Object({ bucket: name, by: name, ms: count })
export type QuotaRefused = Readonly<Static<typeof QuotaRefused>>

/** `quota.spent`, to everybody: tokens that a call has used. */
export const QuotaSpent = Type.Object({ bucket: name, by: name, tokens: count })
export type QuotaSpent = Readonly<Static<typeof QuotaSpent>>

export const decodeQuotaDemand: (text: string) => QuotaDemand | undefined = decoder<QuotaDemand>(QuotaDemand)
export const decodeQuotaGranted: (text: string) => QuotaGranted | undefined = decoder<QuotaGranted>(QuotaGranted)
export const decodeQuotaRefused: (text: string) => QuotaRefused | undefined = decoder<QuotaRefused>(QuotaRefused)
export const decodeQuotaSpent: (text: string) => QuotaSpent | undefined = decoder<QuotaSpent>(QuotaSpent)
