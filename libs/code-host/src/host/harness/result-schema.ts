// The schema that a workflow gives a prompt: what the model is told of it, and what its value is read by. The bundle's own copy of
// @reins/agent knows the libraries of schemas; it leaves what reads them under a registered symbol.
interface Reader {
  jsonSchemaOf(schema: unknown): Readonly<Record<string, unknown>>
}

const marker = Symbol.for('reins.schemas')

export interface ResultSchema {
  readonly schema: Readonly<Record<string, unknown>>
  read(value: unknown): Promise<unknown>
}

interface Standard {
  readonly '~standard': {
    validate(value: unknown): unknown
    readonly jsonSchema?: { input(options: object): Readonly<Record<string, unknown>> }
  }
}

const isStandard = (schema: unknown): schema is Standard =>
  ((typeof schema === 'object' && schema !== null) || typeof schema === 'function') && '~standard' in schema

/** Throws a TypeError that says what it takes. */
export function resultSchema(given: unknown): ResultSchema {
  return { schema: told(given), read: (value) => read(given, value) }
}

function told(given: unknown): Readonly<Record<string, unknown>> {
  const reader = (globalThis as { [marker]?: Reader })[marker]
  if (reader) {
    try {
      return reader.jsonSchemaOf(given)
    } catch (error) {
      throw new TypeError(`"result" ${error instanceof Error ? error.message : 'is no schema'}`)
    }
  }
  if (isStandard(given)) {
    const { jsonSchema } = given['~standard']
    if (jsonSchema) return plain(jsonSchema.input({ target: 'draft-2020-12' }))
    throw new TypeError('"result" is a schema that gives no JSON Schema by itself: import { Type } from @reins/agent')
  }
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return plain(given)
  throw new TypeError('"result" is a TypeBox schema, JSON Schema, or a Standard Schema such as one of Zod or Valibot')
}

function plain(schema: object): Readonly<Record<string, unknown>> {
  const { $schema: _, ...data } = JSON.parse(JSON.stringify(schema)) as Record<string, unknown>
  return data
}

async function read(given: unknown, value: unknown): Promise<unknown> {
  if (!isStandard(given)) return value
  const result = (await given['~standard'].validate(value)) as {
    readonly value?: unknown
    readonly issues?: readonly { readonly message: string }[]
  }
  if (!result.issues) return result.value
  const reason = `The answer does not fit the schema: ${result.issues.map(({ message }) => message).join('; ')}`
  throw Object.assign(new Error(reason), { name: 'ResultUnavailableError', code: 'no-result', reason })
}
