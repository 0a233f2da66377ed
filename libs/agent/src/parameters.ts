// From the schema that a person wrote to JSON Schema that a model is told, and from a call's arguments to what `execute` gets.
//   P1. Plain JSON Schema and TypeBox are taken as they are: their arguments were checked before they came here.
//   P2. A Standard Schema gives its JSON Schema itself (Zod from 4.2, ArkType, and Valibot by toStandardJsonSchema); a schema of Valibot
//       alone is read from its own structure. What a vendor cannot tell is a mistake with the way out, never a guess.
import { isMapping, type JsonSchema } from './json-schema.ts'
import { isStandardSchema, type StandardIssue, type StandardSchema } from './standard-schema.ts'
import { valibotJsonSchema } from './valibot.ts'

export type CheckedArguments =
  | { readonly kind: 'ok'; readonly value: unknown }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }

/** Throws an Error whose message goes on from the name of the field. */
export function jsonSchemaOf(schema: unknown): JsonSchema {
  if (isStandardSchema(schema)) return asData(standardJsonSchema(schema))
  if (isMapping(schema)) return asData(schema)
  throw new TypeError('must be a TypeBox schema, JSON Schema, or a Standard Schema such as one of Zod or Valibot')
}

function standardJsonSchema(schema: StandardSchema): unknown {
  const { vendor, jsonSchema } = schema['~standard']
  if (jsonSchema !== undefined) return jsonSchema.input({ target: 'draft-2020-12' })
  if (vendor === 'valibot') return valibotJsonSchema(schema)
  if ('toJSONSchema' in schema && typeof schema.toJSONSchema === 'function') return schema.toJSONSchema({ io: 'input' })
  throw new TypeError(
    `is a schema of "${vendor}" that gives no JSON Schema. Use a newer version of it (Zod: 4.2), or write JSON Schema`,
  )
}

/** A copy that is nothing but JSON: what a library attaches besides is left behind. */
function asData(schema: unknown): JsonSchema {
  const { $schema: _, ...data }: Record<string, unknown> = JSON.parse(JSON.stringify(schema))
  return data
}

export async function checkArguments(schema: unknown, args: unknown): Promise<CheckedArguments> {
  if (!isStandardSchema(schema)) return { kind: 'ok', value: args }
  const result = await schema['~standard'].validate(args)
  return result.issues === undefined
    ? { kind: 'ok', value: result.value }
    : { kind: 'invalid', problems: result.issues.slice(0, 8).map(problemText) }
}

function problemText({ path = [], message }: StandardIssue): string {
  const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
  return place === '' ? message : `"${place}": ${message}`
}
