// The schema that answers have to fit: whether it is one that Reins can hold answers against, and whether an answer fits.
//   OC1. A schema is refused where it is given, with the field and the reason: it is no JSON Schema, too large, refers elsewhere, or takes
//        more to check than it says. So no turn fails for its schema.
//   OC2. An answer that is too large or too deep to be checked does not fit.
import { answerValue, isMapping, type JsonObject, maxOutputSchemaBytes, memberPath } from '@reins/contracts'
import { compiledSchema, metaProblems } from '../arguments/checker.ts'
import { explained } from '../arguments/explain.ts'
import { unfitSchema, unfitValue } from '../arguments/schema-bounds.ts'
import { inPlaceParts } from './in-place-parts.ts'

/** Where in a schema, as in `properties.a`, and what is wrong there, behind the name of the place. */
export interface SchemaFault {
  readonly path: string
  readonly message: string
}

/** Parts of a schema that may speak of one value. */
const mostParts = 2_000

/** OC1: undefined where there is nothing wrong. `path`: within the schema; '' is the whole. */
export async function outputSchemaProblem(schema: JsonObject): Promise<SchemaFault | undefined> {
  const whole = (message: string) => ({ path: '', message })
  // Depth first: what walks a schema from here on cannot run out of stack.
  const unfit = unfitSchema(schema)
  if (unfit !== undefined) return whole(`is not a schema that Reins can check answers against: ${unfit}`)
  const bytes = Buffer.byteLength(JSON.stringify(schema))
  if (bytes > maxOutputSchemaBytes)
    return whole(`is ${bytes} bytes long, as JSON; at most ${maxOutputSchemaBytes} are allowed`)
  if (Object.keys(schema).length === 0)
    return whole('is empty, so every answer fits: say what the answer is, as in {"type": "object", "properties": {…}}')
  if (schema.$schema !== undefined && !isDialect(schema.$schema))
    return {
      path: '$schema',
      message: `names another version of JSON Schema; answers are checked by ${dialect}: leave it out, or name that`,
    }
  const [meta] = await metaProblems(schema)
  if (meta !== undefined) return { path: pathIn(schema, meta.at), message: `is no JSON Schema: ${meta.why}` }
  const parts = inPlaceParts(schema, mostParts)
  if (parts === 'endless') return whole('refers to itself for the same value, so that it can never be checked')
  if (parts === 'too-many')
    return whole(
      `multiplies itself: more than ${mostParts} parts of it speak of one value. Use fewer alternatives and references`,
    )
  const compiled = await compiledSchema(schema)
  return compiled.kind === 'unfit'
    ? whole(`is not a schema that Reins can check answers against: ${compiled.why}`)
    : undefined
}

const dialect = 'https://json-schema.org/draft/2020-12/schema'
const isDialect = (given: unknown): boolean => typeof given === 'string' && given.replace(/#$/, '') === dialect

/** `/properties/a/type` as `properties.a.type`. */
function pathIn(schema: JsonObject, pointer: string): string {
  let at: unknown = schema
  let path = ''
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    path = Array.isArray(at) ? `${path}[${name}]` : memberPath(path, name)
    at = (isMapping(at) || Array.isArray(at)) && Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined
  }
  return path
}

/** What is wrong with an answer, in whole sentences without their full stops; empty: it fits. */
export async function answerProblems(
  schema: JsonObject,
  text: string,
  finish: 'stop' | 'tool-calls' | 'length' | 'refused' = 'stop',
): Promise<readonly string[]> {
  const read = answerValue(schema, text)
  if (read.kind === 'none')
    return [
      finish === 'length'
        ? 'the answer was cut off at its limit (max_tokens): give a shorter one'
        : `the answer ${read.why}`,
    ]
  const unfit = unfitValue(read.value)
  if (unfit !== undefined) return [`the values of the answer ${unfit.replace(/;.*$/, '')}`] // OC2
  const compiled = await compiledSchema(shared(schema))
  // It was one when it was given (OC1).
  if (compiled.kind === 'unfit') return [`the schema cannot be used: ${compiled.why}`]
  const checked = compiled.checker.check(read.value)
  switch (checked.kind) {
    case 'valid':
      return []
    case 'invalid':
      return explained(checked.errors, read.value, 'the answer').map((one) => one.slice(0, mostChars).toWellFormed())
    case 'too-costly':
      return ['the answer is too much to be checked against the schema: give a smaller one'] // OC2
    default:
      return checked satisfies never
  }
}

/** Many sessions have the same schema, each as an object of its own: it is compiled once. */
const known = new Map<string, JsonObject>()
const mostKnown = 500

function shared(schema: JsonObject): JsonObject {
  const key = JSON.stringify(schema)
  const one = known.get(key) ?? schema
  // The newest stays longest.
  known.delete(key)
  known.set(key, one)
  const oldest = known.keys().next().value
  if (known.size > mostKnown && oldest !== undefined) known.delete(oldest)
  return one
}

/** Of one problem. */
const mostChars = 1_000
