// A schema in the part of the language that providers can hold a model to while it writes. What it cannot say there stands in the
// description, and is checked when the answer is there.
//   SS1. What fits the strict form fits the schema but for what is named in its descriptions: nothing else is allowed than the schema
//        allows. Where there is no such form (open objects, recursion, lists of fixed places), there is none.
import { isMapping, type JsonObject } from '@reins/contracts'

const formats: ReadonlySet<unknown> = new Set([
  ...['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'],
])
const told: ReadonlySet<string> = new Set([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength', 'pattern'],
  ...['format', 'minItems', 'maxItems', 'uniqueItems', 'default', 'examples', 'title'],
])
/** They say nothing of the value. */
const silent: ReadonlySet<string> = new Set(['$schema', '$id', '$comment', 'deprecated', 'readOnly', 'writeOnly'])

class NoStrictForm extends Error {}
const none = (): never => {
  throw new NoStrictForm()
}

/** undefined: there is no strict form. `all`: also where a field need not be there. */
export function strictSchema(schema: JsonObject, { all = false } = {}): JsonObject | undefined {
  try {
    if (refersToItself(schema)) return undefined
    return strict(schema, all)
  } catch (error) {
    if (error instanceof NoStrictForm) return undefined
    throw error
  }
}

function strict(given: unknown, all: boolean): JsonObject {
  if (!isMapping(given)) return none()
  const { $defs, definitions, ...schema } = given
  const kept = {
    ...(isMapping($defs) ? { $defs: each($defs, all) } : {}),
    ...(isMapping(definitions) ? { definitions: each(definitions, all) } : {}),
  }
  if (typeof schema.$ref === 'string')
    return Object.keys(schema).every((key) => key === '$ref' || key === 'description' || silent.has(key))
      ? { $ref: schema.$ref, ...kept }
      : none()
  return { ...form(schema, all), ...kept }
}

const each = (schemas: Record<string, unknown>, all: boolean): JsonObject =>
  Object.fromEntries(Object.entries(schemas).map(([name, one]) => [name, strict(one, all)]))

function form(schema: Record<string, unknown>, all: boolean): JsonObject {
  const { type, enum: choices, const: only, anyOf, oneOf, description, ...rest } = schema
  if (Array.isArray(choices) || only !== undefined) {
    const values = Array.isArray(choices) ? choices : [only]
    if (values.length === 0 || values.some((one) => typeof one === 'object' && one !== null)) return none()
    const typed = typeof type === 'string' ? { type } : {}
    return described({ ...typed, enum: values }, description, without(rest))
  }
  const members = anyOf ?? oneOf
  if (Array.isArray(members)) {
    if (type !== undefined || (anyOf !== undefined && oneOf !== undefined)) return none()
    return described({ anyOf: members.map((one) => strict(one, all)) }, description, without(rest))
  }
  if (Array.isArray(type)) return { anyOf: type.map((one) => form(ofType({ ...schema, type: one }), all)) }
  switch (type) {
    case 'object':
      return object(rest, description, all)
    case 'array': {
      const { items, minItems, ...more } = rest
      const least = minItems === 0 || minItems === 1 ? { minItems } : {}
      const left = without({ ...more, ...(minItems === undefined || 'minItems' in least ? {} : { minItems }) })
      return described({ type, items: strict(items, all), ...least }, description, left)
    }
    case 'string': {
      const { format, ...more } = rest
      const known = formats.has(format) ? { format } : {}
      const left = without({ ...more, ...(format === undefined || 'format' in known ? {} : { format }) })
      return described({ type, ...known }, description, left)
    }
    case 'integer':
    case 'number':
    case 'boolean':
    case 'null':
      return described({ type }, description, without(rest))
    default:
      return none()
  }
}

function object(rest: Record<string, unknown>, description: unknown, all: boolean): JsonObject {
  const { properties, required = [], additionalProperties, ...more } = rest
  if (!isMapping(properties) || !Array.isArray(required)) return none()
  if (additionalProperties !== undefined && additionalProperties !== false) return none()
  const names = Object.keys(properties)
  if (required.some((name) => !names.includes(name))) return none()
  if (all && names.some((name) => !required.includes(name))) return none()
  const made = { type: 'object', properties: each(properties, all), required, additionalProperties: false }
  return described(made, description, without(more))
}

/** What of a schema of several types belongs to one. */
const ofType = ({ type, ...schema }: Record<string, unknown>): Record<string, unknown> => {
  const own: Readonly<Record<string, readonly string[]>> = {
    object: ['properties', 'required', 'additionalProperties'],
    array: ['items', 'minItems', 'maxItems', 'uniqueItems'],
    string: ['format', 'minLength', 'maxLength', 'pattern'],
    number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  }
  const mine = new Set(own[type === 'integer' ? 'number' : String(type)] ?? [])
  const others = new Set(
    Object.values(own)
      .flat()
      .filter((key) => !mine.has(key)),
  )
  return { type, ...Object.fromEntries(Object.entries(schema).filter(([key]) => !others.has(key))) }
}

/** What is left to be told: anything that is known to mean less than it would have to is no strict form. */
function without(rest: Record<string, unknown>): JsonObject {
  const left = Object.entries(rest).filter(([key]) => !silent.has(key))
  return left.every(([key]) => told.has(key)) ? Object.fromEntries(left) : none()
}

function described(schema: JsonObject, description: unknown, left: JsonObject): JsonObject {
  const more = Object.entries(left).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  const text = [
    ...(typeof description === 'string' ? [description] : []),
    ...(more.length > 0 ? [`{${more.join(', ')}}`] : []),
  ]
  return text.length === 0 ? schema : { ...schema, description: text.join('\n\n') }
}

/** By its references, at any depth. */
function refersToItself(root: JsonObject): boolean {
  const open = new Set<string>()
  const done = new Set<string>()
  const look = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(look)
    if (!isMapping(value)) return false
    return Object.entries(value).some(([key, member]) => {
      if (key === '$defs' || key === 'definitions') return false
      return key === '$ref' && typeof member === 'string' ? follow(member) : look(member)
    })
  }
  const follow = (ref: string): boolean => {
    if (open.has(ref)) return true
    if (done.has(ref)) return false
    open.add(ref)
    const found = look(targetOf(root, ref))
    open.delete(ref)
    done.add(ref)
    return found
  }
  return look(root)
}

function targetOf(root: JsonObject, ref: string): unknown {
  if (ref === '#') return root
  const found = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(ref)
  const group = found ? root[found[1] ?? ''] : undefined
  const name = found?.[2]?.replaceAll('~1', '/').replaceAll('~0', '~') ?? ''
  return isMapping(group) && Object.hasOwn(group, name) ? group[name] : none()
}
