// A value that fits a schema, as small as it can be: what the scripted model answers where nothing else was asked for. It knows the plain
// part of the language; what it makes of the rest may not fit.
import { isMapping, type JsonObject } from '@reins/contracts'

const deepest = 12

export const exampleOf = (schema: Readonly<Record<string, unknown>>): unknown => example(schema, schema, deepest)

function example(schema: unknown, root: Readonly<Record<string, unknown>>, levels: number): unknown {
  if (!isMapping(schema) || levels === 0) return null
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (Array.isArray(schema.enum)) return schema.enum[0]
  if (typeof schema.$ref === 'string') return example(targetOf(schema.$ref, root), root, levels - 1)
  const members = [schema.anyOf, schema.oneOf, schema.allOf].find(Array.isArray)
  if (members && schema.type === undefined) return example(members[0], root, levels - 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'object':
      return object(schema, root, levels)
    case 'array': {
      const count = typeof schema.minItems === 'number' ? Math.min(schema.minItems, 10) : 1
      return Array.from({ length: count }, () => example(schema.items, root, levels - 1))
    }
    case 'string':
      return typeof schema.minLength === 'number' ? 'text'.padEnd(Math.min(schema.minLength, 1_000), '.') : 'text'
    case 'integer':
    case 'number':
      return [schema.minimum, schema.exclusiveMinimum, schema.maximum].find((one) => typeof one === 'number') ?? 1
    case 'boolean':
      return true
    default:
      return null
  }
}

function object(schema: JsonObject, root: JsonObject, levels: number): Record<string, unknown> {
  const properties = isMapping(schema.properties) ? schema.properties : {}
  const names = Array.isArray(schema.required) ? schema.required.map(String) : Object.keys(properties)
  return Object.fromEntries(names.map((name) => [name, example(properties[name], root, levels - 1)]))
}

function targetOf(ref: string, root: JsonObject): unknown {
  let at: unknown = root
  for (const step of ref.replace(/^#/, '').split('/').slice(1))
    at = isMapping(at) && Object.hasOwn(at, step) ? at[step] : undefined
  return at
}
