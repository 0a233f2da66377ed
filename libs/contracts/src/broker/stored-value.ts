// Values that come from the broker: of buckets, streams, heartbeats, control subjects, and answers. Whoever may write there may write anything.
//   SV1. What was written is a value only once it fits its schema. Anything else is as good as not written; nothing here throws.
//   SV2. Nobody else parses what came from the broker (a check holds that), so no reader can forget SV1.
import type { TSchema } from 'typebox'
import { formOf } from '../form-of.ts'

/** undefined: it is no JSON. */
export function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** undefined where the text is no JSON of this form. */
export function decoder<T>(schema: TSchema): (text: string) => T | undefined {
  const fits = formOf(schema)
  return (text) => {
    const value = jsonValue(text)
    return fits(value) ? (value as T) : undefined
  }
}

/** The fields of an object; none where it is no object. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
