// What a value has that its schema does not allow, said so that a person can correct it. The schema stays the source: names,
// ranges and descriptions in the messages are read from it.
import type { TSchema } from 'typebox'
import { closest } from './closest.ts'

/** The part of JSON Schema that the product's schemas use. */
export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[] | undefined
  readonly patternProperties?: Readonly<Record<string, Schema>>
  /** Nothing else is read of it: a mapping is open unless it says false. */
  readonly additionalProperties?: unknown
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly const?: unknown
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

/** `path` as in `tools[0].shell.timeout`. */
export interface SchemaProblem {
  readonly path: string
  readonly message: string
  /** What is wrong is the name of the field, not its value. */
  readonly atKey: boolean
}

export const memberPath = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)
export const itemPath = (path: string, index: number): string => `${path}[${index}]`

interface Check {
  readonly problems: SchemaProblem[]
  readonly skip: ReadonlySet<string>
}

/** All of them, in the order of the value's parts: none where a validator takes the value. `skip`: paths that others check. */
export function problemsOf(
  schema: TSchema | Schema,
  value: unknown,
  { path = '', skip = [] }: { readonly path?: string; readonly skip?: readonly string[] } = {},
): readonly SchemaProblem[] {
  const check: Check = { problems: [], skip: new Set(skip) }
  checkValue(schema as Schema, value, path, check)
  return check.problems
}

function checkValue(schema: Schema, value: unknown, path: string, check: Check): void {
  if (check.skip.has(path)) return
  const kinds = membersOf(schema)
  if (kinds.length > 0 && !isChoice(kinds)) checkKinds(kinds, value, path, check)
  else if (schema.type === 'object' && isMapping(value)) checkMapping(schema, value, path, check)
  else if (schema.type === 'array' && Array.isArray(value)) checkList(schema, value, path, check)
  else {
    const message = scalarFault(schema, value, path)
    if (message !== undefined) check.problems.push({ path, message, atKey: false })
  }
}

/** Of a union, also of unions. Empty: it is none. */
const membersOf = ({ anyOf = [] }: Schema): readonly Schema[] =>
  anyOf.flatMap((one) => (one.anyOf ? membersOf(one) : [one]))

const isChoice = (schemas: readonly Schema[]): boolean => schemas.every((one) => one.const !== undefined)

/** Whether a value is of the kind of a schema, and where both are mappings has the `type` that it names: the rest may be wrong. */
function isOfKind({ type, properties = {} }: Schema, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer' || type === 'number') return typeof value === 'number'
  if (type !== 'object') return type === undefined || typeof value === type
  return (
    isMapping(value) &&
    Object.entries(properties).every(([name, { const: only }]) => only === undefined || value[name] === only)
  )
}

/** Of a union of kinds, what lies in the kind that was meant says more than that the value is none of the others. */
function checkKinds(kinds: readonly Schema[], value: unknown, path: string, check: Check): void {
  const found = kinds.filter((one) => isOfKind(one, value)).map((one) => problemsOf(one, value, { path }))
  const [fewest] = found.sort((a, b) => a.length - b.length)
  if (fewest) check.problems.push(...fewest)
  else {
    const all = [...new Set(kinds.map(expected))].join(' or ')
    check.problems.push({ path, message: `must be ${all}, not ${shown(value)}`, atKey: false })
  }
}

function scalarFault(schema: Schema, value: unknown, path: string): string | undefined {
  if (schema.type === undefined && schema.const === undefined && !schema.anyOf) return undefined
  if ((value === null || value === undefined) && path !== '')
    return `has no value: give ${expected(schema)}, or leave the field out`
  if (schema.anyOf) return choiceFault(membersOf(schema), value)
  if (schema.const !== undefined) return choiceFault([schema], value)
  if (schema.type === 'string' && typeof value === 'string') return textFault(schema, value)
  if ((schema.type === 'integer' || schema.type === 'number') && typeof value === 'number')
    return numberFault(schema, value)
  if (schema.type === 'boolean' && typeof value === 'boolean') return undefined
  return wrongType(schema, value)
}

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function checkMapping(schema: Schema, value: Record<string, unknown>, path: string, check: Check): void {
  const properties = schema.properties ?? {}
  for (const name of schema.required ?? [])
    if (!Object.hasOwn(value, name))
      check.problems.push({
        path: memberPath(path, name),
        message: `is missing: give ${expected(properties[name] ?? {})}`,
        atKey: false,
      })
  const size = Object.keys(value).length
  if (size < (schema.minProperties ?? 0) || size > (schema.maxProperties ?? Number.POSITIVE_INFINITY))
    check.problems.push({ path, message: sizeFault(schema, size), atKey: false })
  const patterns = Object.entries(schema.patternProperties ?? {})
  for (const [key, member] of Object.entries(value)) {
    const inside = memberPath(path, key)
    const known = Object.hasOwn(properties, key)
      ? properties[key]
      : patterns.find(([pattern]) => new RegExp(pattern).test(key))?.[1]
    if (known) checkValue(known, member, inside, check)
    else if (schema.additionalProperties === false || patterns.length > 0)
      check.problems.push({ path: inside, message: unknownKey(key, schema), atKey: true })
  }
}

function unknownKey(key: string, schema: Schema): string {
  const [pattern] = Object.keys(schema.patternProperties ?? {})
  if (pattern !== undefined) return `${quoted(key)} is no valid name here: names match ${pattern}`
  const names = Object.keys(schema.properties ?? {})
  return `unknown field ${quoted(key)}${suggestion(key, names)}; valid fields: ${names.join(', ') || 'none'}`
}

function sizeFault({ minProperties: least = 0, maxProperties: most = least }: Schema, size: number): string {
  const right = least === most ? `${least}` : size < least ? `at least ${least}` : `at most ${most}`
  return `has ${size} fields; it must have ${right}`
}

function checkList(schema: Schema, value: readonly unknown[], path: string, check: Check): void {
  const { minItems: least = 0, maxItems: most = Number.POSITIVE_INFINITY } = schema
  if (value.length > most)
    check.problems.push({ path, message: `has ${value.length} entries; at most ${most} are allowed`, atKey: false })
  else if (value.length < least)
    check.problems.push({ path, message: `has ${value.length} entries; at least ${least} are needed`, atKey: false })
  else for (const [index, item] of value.entries()) checkValue(schema.items ?? {}, item, itemPath(path, index), check)
}

function choiceFault(choices: readonly Schema[], value: unknown): string | undefined {
  if (choices.some((choice) => choice.const === value)) return undefined
  const names = choices.map((choice) => String(choice.const))
  const meant = typeof value === 'string' ? suggestion(value, names) : ''
  const [only = '', ...others] = names
  return `must be ${others.length === 0 ? only : `one of ${names.join(', ')}`}, not ${shown(value)}${meant}`
}

function textFault(schema: Schema, value: string): string | undefined {
  const length = [...value].length
  if (length < (schema.minLength ?? 0)) return `is empty: give ${expected(schema)}`
  if (length > (schema.maxLength ?? Number.POSITIVE_INFINITY))
    return `is ${length} characters long; at most ${schema.maxLength} are allowed`
  if (schema.pattern === undefined || new RegExp(schema.pattern).test(value)) return undefined
  return `is ${shown(value)}, which is not valid: ${schema.description ?? `it must match ${schema.pattern}`}`
}

function numberFault(schema: Schema, value: number): string | undefined {
  const fits = schema.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)
  if (!fits) return wrongType(schema, value)
  const low = value < (schema.minimum ?? Number.NEGATIVE_INFINITY)
  const below = value <= (schema.exclusiveMinimum ?? Number.NEGATIVE_INFINITY)
  const high = value > (schema.maximum ?? Number.POSITIVE_INFINITY)
  return low || below || high ? `is ${value}; it must be ${expected(schema)}` : undefined
}

const wrongType = (schema: Schema, value: unknown): string => `must be ${expected(schema)}, not ${shown(value)}`

/** `a whole number from 1 to 100`. */
function expected(schema: Schema): string {
  const kinds = membersOf(schema)
  if (kinds.length > 0)
    return isChoice(kinds)
      ? `one of ${kinds.map((choice) => String(choice.const)).join(', ')}`
      : [...new Set(kinds.map(expected))].join(' or ')
  if (schema.const !== undefined) return String(schema.const)
  switch (schema.type) {
    case 'integer':
      return `a whole number${range(schema)}`
    case 'number':
      return `a number${range(schema)}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list'
    case 'object':
      return 'a mapping'
    default:
      return `a text${schema.description === undefined ? '' : ` (${schema.description})`}`
  }
}

function range({ minimum, maximum, exclusiveMinimum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  if (exclusiveMinimum !== undefined)
    return ` above ${exclusiveMinimum}${maximum === undefined ? '' : `, at most ${maximum}`}`
  return minimum === undefined ? '' : ` of at least ${minimum}`
}

/** A value as messages show it: short, and with its kind where that is what is wrong. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `the text ${quoted(value)}`
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a mapping'
  return value === undefined ? 'nothing' : String(value)
}

export const quoted = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text)

export function suggestion(name: string, known: readonly string[]): string {
  const meant = closest(name, known)
  return meant === undefined ? '' : `; did you mean ${quoted(meant)}?`
}
