// What is wrong with the arguments of a call, said so that a model can correct it: the field, its value, and what would be valid. Pure.
import { isMapping, itemPath, memberPath, quoted, shown, suggestion } from '@reins/contracts'
import type { JsonSchema } from './as-meant.ts'
import type { SchemaError } from './checker.ts'

const mostProblems = 8
const mostErrors = 500

/**
 * Sentences, each about one field. Of alternatives (anyOf, oneOf), that which was meant most likely. `whole`: how the value itself is
 * called.
 */
export function explained(errors: readonly SchemaError[], value: unknown, whole = 'the arguments'): readonly string[] {
  const told = mostTelling(errors.slice(0, mostErrors)).map((error) => sentence(error, value, whole))
  const different = [...new Set(told)]
  const more = different.length - mostProblems
  return more > 0 ? [...different.slice(0, mostProblems), `${more} more problems`] : different
}

/**
 * Of a value that fits no alternative: what is wrong with it as the one that was meant, which is the one that is of its kind and has
 * the fewest faults. Where none is of its kind, which kinds there are.
 */
function mostTelling(errors: readonly SchemaError[]): readonly SchemaError[] {
  const at = errors.findLastIndex(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
  const choice = errors[at]
  if (choice === undefined) return errors.filter(({ keyword }) => keyword !== 'if')
  const from = startOf(errors, choice, at)
  const inside = errors.slice(from, at)
  const groups = Map.groupBy(inside, ({ schemaPath }) => alternativeOf(schemaPath, choice.schemaPath))
  const [meant, next] = [...groups.values()]
    .filter((group) => group.every((error) => !tellsKind(error, choice)))
    .sort((a, b) => a.length - b.length)
  const told =
    meant && meant.length !== next?.length ? mostTelling(meant) : [kindsOf(inside, choice) ?? withKinds(inside, choice)]
  return [...mostTelling(errors.slice(0, from)), ...told, ...mostTelling(errors.slice(at + 1))]
}

/** The faults of its alternatives stand right before a choice, and lie at its value or inside. */
function startOf(errors: readonly SchemaError[], choice: SchemaError, at: number): number {
  const before = errors.slice(0, at)
  return (
    1 +
    before.findLastIndex(
      ({ instancePath: path, schemaPath }) =>
        !(path === choice.instancePath || path.startsWith(`${choice.instancePath}/`)) ||
        (schemaPath.startsWith('#') && parentOf(schemaPath) === parentOf(choice.schemaPath)),
    )
  )
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/** Which alternative of a choice a fault is of: its number, or the definition that it refers to. */
const alternativeOf = (path: string, choice: string): string =>
  path.startsWith(`${choice}/`)
    ? (path.slice(choice.length + 1).split('/')[0] ?? '')
    : path.split('/').slice(0, 3).join('/')

/** The value itself is of another kind than this alternative, or a field of it that names the kind has another value. */
function tellsKind({ instancePath, keyword }: SchemaError, choice: SchemaError): boolean {
  const below = instancePath.slice(choice.instancePath.length).split('/').length - 1
  return (
    (below === 0 && (keyword === 'type' || keyword === 'enum' || keyword === 'const')) ||
    (below === 1 && keyword === 'const')
  )
}

/** A choice of which the value is of no kind, with the kinds that there are. */
function withKinds(inside: readonly SchemaError[], choice: SchemaError): SchemaError {
  const kinds = inside.filter(({ instancePath, keyword }) => instancePath === choice.instancePath && keyword === 'type')
  return { ...choice, keyword: 'kinds', parentSchema: { anyOf: kinds.map(({ parentSchema }) => parentSchema) } }
}

/** The field that names the kind, with all that it may be, where each alternative has it. */
function kindsOf(inside: readonly SchemaError[], choice: SchemaError): SchemaError | undefined {
  const naming = inside.filter(
    (error) => error.keyword === 'const' && error.instancePath !== choice.instancePath && tellsKind(error, choice),
  )
  const [first] = naming
  if (!first || naming.some(({ instancePath }) => instancePath !== first.instancePath)) return undefined
  return { ...first, keyword: 'enum', parentSchema: { enum: naming.map(({ params }) => params.allowedValue) } }
}

function sentence(error: SchemaError, root: unknown, whole: string): string {
  const { keyword, params, parentSchema = {} } = error
  const path = pathOf(error.instancePath, root)
  const named = path === '' ? whole : quoted(path)
  switch (keyword) {
    case 'required':
    case 'dependentRequired': {
      const name = String(params.missingProperty)
      const wanted = propertyOf(parentSchema, name)
      const give = wanted === undefined ? '' : `: give ${expected(wanted)}`
      return `${quoted(memberPath(path, name))} is missing${give}`
    }
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(params.additionalProperty ?? params.unevaluatedProperty)
      const known = isMapping(parentSchema.properties) ? Object.keys(parentSchema.properties) : []
      const where = path === '' ? '' : ` in ${named}`
      return `unknown field ${quoted(name)}${where}${suggestion(name, known)}; valid fields: ${known.slice(0, 50).join(', ') || 'none'}`
    }
    case 'type':
    case 'enum':
    case 'const': {
      const names = choicesOf(parentSchema)
      const meant = typeof error.data === 'string' ? suggestion(error.data, names) : ''
      return `${named} must be ${expected(parentSchema)}, not ${shown(error.data)}${meant}`
    }
    case 'kinds':
      return params.passingSchemas
        ? `${named} is ${shown(error.data)}, which fits more than one form of what it may be`
        : `${named} must be ${expected(parentSchema)}, not ${shown(error.data)}`
    case 'pattern':
      return `${named} is ${shown(error.data)}, which must match the pattern ${quoted(String(params.pattern))}`
    case 'format':
      return `${named} is ${shown(error.data)}, which is no ${String(params.format)}`
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `${named} is ${shown(error.data)}; it must be ${String(params.comparison)} ${String(params.limit)}`
    case 'multipleOf':
      return `${named} is ${shown(error.data)}; it must be a multiple of ${String(params.multipleOf)}`
    case 'uniqueItems':
      return `${named} holds the same twice; each must be there once`
    case 'false schema':
      return `${named} must not be there`
    default:
      return `${named} is ${shown(error.data)}; it ${error.message ?? 'is not valid'}`
  }
}

const propertyOf = (schema: JsonSchema, name: string): JsonSchema | undefined =>
  isMapping(schema.properties) && Object.hasOwn(schema.properties, name) && isMapping(schema.properties[name])
    ? schema.properties[name]
    : undefined

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'null',
}

/** `a whole number from 1 to 10 (how many)`. */
function expected(schema: JsonSchema, levels = 3): string {
  const names = choicesOf(schema)
  if (names.length > 0) return names.length === 1 ? `${names[0]}` : `one of ${names.slice(0, 30).join(', ')}`
  const members = [schema.anyOf, schema.oneOf].find(Array.isArray)
  if (members && levels > 0)
    return [
      ...new Set(
        members
          .slice(0, 10)
          .filter(isMapping)
          .map((one) => expected(one, levels - 1)),
      ),
    ].join(' or ')
  const types = typeof schema.type === 'string' ? [schema.type] : Array.isArray(schema.type) ? schema.type : []
  const kind = types.map((type) => kinds[String(type)] ?? String(type)).join(' or ') || 'a value'
  const about = typeof schema.description === 'string' ? ` (${schema.description.slice(0, 160)})` : ''
  return `${kind}${range(schema)}${about}`
}

function range({ minimum, maximum }: JsonSchema): string {
  if (typeof minimum === 'number' && typeof maximum === 'number') return ` from ${minimum} to ${maximum}`
  if (typeof minimum === 'number') return ` of at least ${minimum}`
  return typeof maximum === 'number' ? ` of at most ${maximum}` : ''
}

function choicesOf({ enum: choices, const: only }: JsonSchema): readonly string[] {
  const values = Array.isArray(choices) ? choices : only === undefined ? [] : [only]
  return values.map((value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, 80))
}

/** A JSON pointer as people write a path; numbers are places where the value is a list there. */
function pathOf(pointer: string, root: unknown): string {
  let path = ''
  let at = root
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    path = Array.isArray(at) ? itemPath(path, Number(name)) : memberPath(path, name)
    at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined
  }
  return path.slice(0, 200)
}
