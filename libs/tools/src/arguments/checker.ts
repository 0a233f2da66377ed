// A tool's schema as a checker of arguments: all of JSON Schema 2020-12, by ajv. The schema may be a stranger's, so that checking is
// bounded in all that it does.
//   C1. Every part of a schema that is looked at for a value costs a step, and so do patterns, by their size and the text's. A check
//       that has used up its steps ends with `too-costly`, however the schema multiplies itself.
//   C2. Patterns are run by RE2 in linear time. What RE2 has no form for (lookaround, references back) is left to the tool.
//   C3. Nothing quadratic: `uniqueItems` compares by the JSON of the items.
//   C4. ajv is loaded when the first schema needs it, and a schema is compiled once.
import { canonicalJson, isMapping } from '@reins/contracts'
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv'
import { RE2JS } from 're2js'
import { expandedSize } from '../text/pattern.ts'
import type { JsonSchema } from './as-meant.ts'
import { unfitSchema } from './schema-bounds.ts'

export type SchemaError = ErrorObject

export type Checked =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly errors: readonly SchemaError[] }
  | { readonly kind: 'too-costly' }

export interface Checker {
  check(value: unknown): Checked
}

export type CompiledSchema =
  | { readonly kind: 'compiled'; readonly checker: Checker }
  | { readonly kind: 'unfit'; readonly why: string }

/** C1: steps of one check; some tenths of a second. */
const mostSteps = 300_000
/** Instructions of a pattern × characters, and characters of a text, that count as one step. */
const patternUnit = 20
const textUnit = 1_024
/** Names and choices that a part of a schema looks through, that count as one step. */
const namesUnit = 16
const mostPatternSize = 5_000

const compiled = new WeakMap<JsonSchema, CompiledSchema>()

export async function compiledSchema(schema: JsonSchema): Promise<CompiledSchema> {
  const known = compiled.get(schema)
  if (known) return known
  const why = unfitSchema(schema)
  const made: CompiledSchema = why === undefined ? await compile(schema) : { kind: 'unfit', why }
  compiled.set(schema, made)
  return made
}

class TooCostly extends Error {}

/** Of the check that runs. One thread, and no check waits within. */
let steps = 0
const spend = (count: number): void => {
  steps += count
  if (steps > mostSteps) throw new TooCostly()
}

/** C4. One for all schemas. */
let loaded: Promise<Ajv> | undefined

async function load(): Promise<Ajv> {
  const [{ Ajv2020 }, { default: formats }] = await Promise.all([import('ajv/dist/2020.js'), import('ajv-formats')])
  const ajv = new Ajv2020(options)
  formats.default(ajv, { mode: 'fast' })
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: unique, errors: false })
  ajv.addKeyword({ keyword: stepKeyword, schemaType: 'number', validate: step, errors: false })
  return ajv
}

async function compile(schema: JsonSchema): Promise<CompiledSchema> {
  loaded ??= load()
  const ajv = await loaded
  const counting = counted(schema)
  try {
    return { kind: 'compiled', checker: checkerOf(ajv.compile(counting)) }
  } catch (error) {
    return { kind: 'unfit', why: error instanceof Error ? error.message.slice(0, 300) : 'it cannot be read' }
  } finally {
    ajv.removeSchema(counting)
  }
}

export interface MetaProblem {
  /** A JSON Pointer into the schema. */
  readonly at: string
  readonly why: string
}

/** What makes it no JSON Schema 2020-12. Of a schema that is bounded (unfitSchema). */
export async function metaProblems({ $schema: _, ...schema }: JsonSchema): Promise<readonly MetaProblem[]> {
  loaded ??= load()
  const ajv = await loaded
  steps = 0
  // The schema of schemas says one fault on several levels: the deepest tells most.
  if (ajv.validateSchema(schema) === true) return []
  const errors = [...(ajv.errors ?? [])].sort((a, b) => b.instancePath.length - a.instancePath.length)
  return errors.map(({ instancePath, message = 'is not valid', params }) => ({
    at: instancePath,
    why: `it ${message}${Array.isArray(params.allowedValues) ? ` (${params.allowedValues.join(', ')})` : ''}`,
  }))
}

const stepKeyword = 'x-reins-step'

function checkerOf(validate: ValidateFunction): Checker {
  return {
    check(value) {
      steps = 0
      try {
        return validate(value) ? { kind: 'valid' } : { kind: 'invalid', errors: validate.errors ?? [] }
      } catch (error) {
        // A schema that refers to itself for the same value runs out of stack.
        if (error instanceof TooCostly || error instanceof RangeError) return { kind: 'too-costly' }
        throw error
      }
    },
  }
}

const options: Options = {
  strict: false,
  validateSchema: false,
  allErrors: true,
  verbose: true,
  logger: false,
  addUsedSchema: false,
  inlineRefs: false,
  ownProperties: true,
  unicodeRegExp: true,
  code: { regExp: Object.assign(linearPattern, { code: '' }) },
}

/** C1. */
function step(weight: number, value: unknown): boolean {
  spend(weight + (typeof value === 'string' ? Math.floor(value.length / textUnit) : 0))
  return true
}

/** C3. */
function unique(wanted: boolean, list: readonly unknown[]): boolean {
  if (!wanted) return true
  spend(list.length)
  return new Set(list.map(canonicalJson)).size === list.length
}

/** C2. ajv tells patterns apart by their text. */
function linearPattern(source: string): { test(text: string): boolean; toString(): string } {
  const matches = patternOf(source)
  return {
    test(text) {
      if (matches === undefined) return true
      spend(1 + Math.ceil((matches.size * text.length) / patternUnit))
      return matches.pattern.test(text)
    },
    toString: () => source,
  }
}

function patternOf(source: string): { readonly pattern: RE2JS; readonly size: number } | undefined {
  if (source.length > 1_000 || expandedSize(source) > mostPatternSize) return undefined
  try {
    const pattern = RE2JS.compile(RE2JS.translateRegExp(source))
    return { pattern, size: pattern.programSize() }
  } catch {
    return undefined
  }
}

/** C1: the same schema, each of whose parts costs its steps. What is data in it is left as it is. */
function counted(schema: JsonSchema): JsonSchema {
  const known = withoutUnreadable(schema)
  const made = Object.entries(known).map(([key, value]): [string, unknown] => {
    if (maps.has(key)) return [key, isMapping(value) ? mapped(value) : value]
    return [key, parts.has(key) ? part(value) : value]
  })
  const { properties = {}, required = [], enum: choices = [] } = known
  const names = [properties, required, choices].reduce<number>((sum, of) => sum + sizeOf(of), 0)
  return { ...Object.fromEntries(made), [stepKeyword]: 1 + Math.floor(names / namesUnit) }
}

const part = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(part) : isMapping(value) ? counted(value) : value
const mapped = (value: Record<string, unknown>): unknown =>
  Object.fromEntries(Object.entries(value).map(([name, one]) => [name, part(one)]))
const sizeOf = (value: unknown): number => (typeof value === 'object' && value !== null ? Object.keys(value).length : 0)

/** C2: a pattern of names that cannot be run may match any name, so nothing can be said of names then. */
function withoutUnreadable(schema: JsonSchema): JsonSchema {
  const { patternProperties, ...rest } = schema
  if (!isMapping(patternProperties)) return schema
  const readable = Object.entries(patternProperties).filter(([source]) => patternOf(source) !== undefined)
  if (readable.length === Object.keys(patternProperties).length) return schema
  const { additionalProperties: _, unevaluatedProperties: __, ...open } = rest
  return { ...open, patternProperties: Object.fromEntries(readable) }
}

/** Keywords whose value is a schema, or a list of schemas. */
const parts: ReadonlySet<string> = new Set([
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'items', 'prefixItems', 'contains', 'propertyNames'],
  ...['additionalProperties', 'unevaluatedProperties', 'unevaluatedItems'],
])
/** Keywords whose value is a mapping of schemas. */
const maps: ReadonlySet<string> = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'],
])
