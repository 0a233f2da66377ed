// JSON Schema of a schema of Valibot, read from its structure: Valibot itself gives none. The kinds that arguments are made of; of any
// other, an error that says how to go on. What Valibot checks beyond JSON Schema, it checks again when a call comes.
import { isMapping, type JsonSchema } from './json-schema.ts'

/** Throws where the schema holds what JSON Schema has no words for. */
export function valibotJsonSchema(schema: unknown): JsonSchema {
  if (!isMapping(schema)) throw unknownKind(schema)
  const { pipe } = schema
  // The first of a pipe is what comes in; what follows checks it, tells of it, or changes it after that.
  const base =
    Array.isArray(pipe) && pipe[0] !== schema && isMapping(pipe[0]) ? { ...pipe[0], pipe: undefined } : schema
  const json = { ...ofKind(base) }
  for (const action of Array.isArray(pipe) ? pipe.slice(1) : []) {
    // From here on it is another type: what comes later says nothing of what comes in.
    if (!isMapping(action) || action.kind === 'transformation' || action.kind === 'schema') break
    Object.assign(json, ofAction(action, json))
  }
  return json
}

function ofKind(schema: Readonly<Record<string, unknown>>): JsonSchema {
  const { wrapped, options, entries, items, item, rest, key, value, literal } = schema
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'number':
    case 'null':
      return { type: schema.type }
    case 'any':
    case 'unknown':
      return {}
    case 'literal':
      return { const: literal }
    case 'picklist':
    case 'enum':
      return { enum: list(options) }
    case 'array':
      return { type: 'array', items: valibotJsonSchema(item) }
    case 'tuple':
    case 'strict_tuple':
    case 'loose_tuple':
    case 'tuple_with_rest': {
      const prefixItems = list(items).map(valibotJsonSchema)
      const more = rest === undefined ? schema.type === 'loose_tuple' : valibotJsonSchema(rest)
      return { type: 'array', prefixItems, minItems: prefixItems.length, items: more }
    }
    case 'object':
    case 'strict_object':
    case 'loose_object':
    case 'object_with_rest':
      return ofObject(schema.type, isMapping(entries) ? entries : {}, rest)
    case 'record':
      return { type: 'object', propertyNames: valibotJsonSchema(key), additionalProperties: valibotJsonSchema(value) }
    case 'union':
    case 'variant':
      return { anyOf: list(options).map(valibotJsonSchema) }
    case 'intersect':
      return { allOf: list(options).map(valibotJsonSchema) }
    case 'nullable':
    case 'nullish':
      return withDefault({ anyOf: [valibotJsonSchema(wrapped), { type: 'null' }] }, schema.default)
    case 'optional':
    case 'exact_optional':
    case 'undefinedable':
      return withDefault(valibotJsonSchema(wrapped), schema.default)
    case 'non_optional':
    case 'non_nullish':
    case 'readonly':
      return valibotJsonSchema(wrapped)
    default:
      throw unknownKind(schema.type)
  }
}

function ofObject(type: string, entries: Readonly<Record<string, unknown>>, rest: unknown): JsonSchema {
  const optional = ['optional', 'exact_optional', 'nullish', 'undefinedable']
  const required = Object.keys(entries).filter((name) => {
    const entry = entries[name]
    return !(isMapping(entry) && optional.includes(String(entry.type)))
  })
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, valibotJsonSchema(entry)])),
    ...(required.length === 0 ? {} : { required }),
    ...(type === 'strict_object' ? { additionalProperties: false } : {}),
    ...(rest === undefined ? {} : { additionalProperties: valibotJsonSchema(rest) }),
  }
}

const formats: Readonly<Record<string, string>> = {
  email: 'email',
  url: 'uri',
  uuid: 'uuid',
  iso_date: 'date',
  iso_timestamp: 'date-time',
  ipv4: 'ipv4',
  ipv6: 'ipv6',
}

/** What an action of a pipe adds; nothing where JSON Schema has no word for it. */
function ofAction(action: Readonly<Record<string, unknown>>, so: JsonSchema): JsonSchema {
  const { requirement } = action
  const what = so.type === 'array' ? 'Items' : so.type === 'object' ? 'Properties' : 'Length'
  switch (action.type) {
    case 'min_length':
    case 'min_entries':
      return { [`min${what}`]: requirement }
    case 'max_length':
    case 'max_entries':
      return { [`max${what}`]: requirement }
    case 'length':
      return { [`min${what}`]: requirement, [`max${what}`]: requirement }
    case 'non_empty':
      return { [`min${what}`]: 1 }
    case 'min_value':
      return typeof requirement === 'number' ? { minimum: requirement } : {}
    case 'max_value':
      return typeof requirement === 'number' ? { maximum: requirement } : {}
    case 'gt_value':
      return typeof requirement === 'number' ? { exclusiveMinimum: requirement } : {}
    case 'lt_value':
      return typeof requirement === 'number' ? { exclusiveMaximum: requirement } : {}
    case 'multiple_of':
      return { multipleOf: requirement }
    case 'integer':
    case 'safe_integer':
      return { type: 'integer' }
    case 'regex':
      return requirement instanceof RegExp && requirement.flags.replace('u', '') === ''
        ? { pattern: requirement.source }
        : {}
    case 'description':
      return { description: action.description }
    case 'title':
      return { title: action.title }
    case 'examples':
      return { examples: action.examples }
    case 'metadata':
      return isMapping(action.metadata) ? told(action.metadata) : {}
    default:
      return typeof action.type === 'string' && action.type in formats ? { format: formats[action.type] } : {}
  }
}

const told = ({ title, description, examples }: Readonly<Record<string, unknown>>): JsonSchema =>
  Object.fromEntries(Object.entries({ title, description, examples }).filter(([, value]) => value !== undefined))

const withDefault = (schema: JsonSchema, value: unknown): JsonSchema =>
  value === undefined || typeof value === 'function' ? schema : { ...schema, default: value }

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const unknownKind = (kind: unknown): TypeError =>
  new TypeError(
    `holds ${typeof kind === 'string' ? `v.${kind}(…)` : 'a value that is no schema'}, which this package cannot tell as JSON Schema. Pass toStandardJsonSchema(schema) of @valibot/to-json-schema, or write JSON Schema`,
  )
