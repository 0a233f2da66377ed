// A tool's JSON Schema for those who take a part of the language only.
import { isRecord } from '../http/foreign.ts'

const plain = new Set(['type', 'description', 'properties', 'required', 'items', 'enum', 'minimum', 'maximum', 'anyOf'])

/** The words that every provider knows; what is left out is checked when the tool is called. */
export function plainSchema(schema: unknown): unknown {
  if (!isRecord(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema).flatMap(([name, value]): [string, unknown][] => {
      if (!plain.has(name)) return []
      if (name === 'properties' && isRecord(value))
        return [[name, Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainSchema(each)]))]]
      if (name === 'items') return [[name, plainSchema(value)]]
      if (name === 'anyOf' && Array.isArray(value)) return [[name, value.map(plainSchema)]]
      return [[name, value]]
    }),
  )
}
