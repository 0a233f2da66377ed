// The result of a call, held against the schema that its tool declares for it. Bounded as the check of arguments is.
import type { JsonSchema } from './as-meant.ts'
import { compiledSchema } from './checker.ts'
import { explained } from './explain.ts'
import { unfitValue } from './schema-bounds.ts'

/** What is wrong with a result; undefined: it fits, or cannot be checked (the schema is broken, or either is too large). */
export async function resultProblem(schema: JsonSchema, value: unknown): Promise<string | undefined> {
  if (unfitValue(value) !== undefined) return undefined
  const compiled = await compiledSchema(schema)
  if (compiled.kind === 'unfit') return undefined
  const checked = compiled.checker.check(value)
  return checked.kind === 'invalid' ? explained(checked.errors, value, 'the result').join('; ') : undefined
}
