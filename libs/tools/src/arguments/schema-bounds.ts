// How large a schema of somebody else's may be, and what a value may be that is held against one. Pure.
//   B1. A schema that is larger or deeper, or refers out of itself, is not compiled: its tool's arguments go to the tool unchecked.
//   B2. What walks a schema or a value here cannot run out of stack: it goes down so far and no further.
import { isMapping } from '@reins/contracts'
import type { JsonSchema } from './as-meant.ts'

/** Values in a schema, whatever their kind. */
const mostNodes = 8_000
const deepestSchema = 64
const longestText = 100_000

/** Values in the arguments of a call, and how deep they may be nested. */
export const mostValues = 100_000
export const deepestValue = 100

/** B1: why a schema is not one that arguments are checked against; undefined: it is one. */
export function unfitSchema(schema: JsonSchema): string | undefined {
  let nodes = 0
  let found: string | undefined
  const look = (value: unknown, depth: number): void => {
    if (found !== undefined) return
    nodes += 1
    if (typeof value === 'string' && value.length > longestText)
      found = `a text in it is longer than ${longestText} characters`
    if (nodes > mostNodes) found = `it has more than ${mostNodes} parts`
    if (typeof value !== 'object' || value === null || found !== undefined) return
    if (depth > deepestSchema) found = `it is nested deeper than ${deepestSchema} levels`
    else if (isMapping(value) && refersOut(value)) found = 'it refers to another document'
    else for (const member of Object.values(value)) look(member, depth + 1)
  }
  look(schema, 0)
  return found
}

const refersOut = (schema: Record<string, unknown>): boolean =>
  ['$ref', '$dynamicRef'].some((key) => typeof schema[key] === 'string' && !schema[key].startsWith('#'))

/** What of arguments is more than any tool has use for; undefined: nothing. */
export function unfitValue(value: unknown): string | undefined {
  let values = 0
  const look = (one: unknown, depth: number): string | undefined => {
    values += 1
    if (values > mostValues) return `have more than ${mostValues} values in them; call it with less at once`
    if (typeof one !== 'object' || one === null) return undefined
    if (depth >= deepestValue) return `are nested deeper than ${deepestValue} levels; call it with plain values`
    for (const member of Object.values(one)) {
      const found = look(member, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }
  return look(value, 0)
}

const numbers = ['minItems', 'maxItems', 'minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum']
const plainTypes: ReadonlySet<unknown> = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean'])
const knownPlain = new WeakMap<object, boolean>()

/** Whether it uses only what every tool's schema uses, so that `problemsOf` of contracts says all there is to say. B1 holds of it. */
export function isPlain(schema: JsonSchema): boolean {
  const known = knownPlain.get(schema) ?? (unfitSchema(schema) === undefined && hasPlainForm(schema))
  knownPlain.set(schema, known)
  return known
}

const hasPlainForm = (schema: JsonSchema): boolean =>
  plainTypes.has(schema.type) && Object.entries(schema).every(([key, value]) => isPlainKeyword(key, value))

function isPlainKeyword(key: string, value: unknown): boolean {
  switch (key) {
    case 'type':
    case 'description':
    case 'title':
    case 'default':
    case 'examples':
    case '$schema':
    case '$comment':
      return true
    case 'properties':
      return isMapping(value) && Object.values(value).every((one) => isMapping(one) && hasPlainForm(one))
    case 'required':
      return Array.isArray(value)
    case 'additionalProperties':
      return typeof value === 'boolean'
    case 'items':
      return isMapping(value) && hasPlainForm(value)
    default:
      return numbers.includes(key) && typeof value === 'number'
  }
}
