// Checking what came in against a TypeBox schema, once, at the edge. What is wrong is said field by field.
import { formOf, type Problem, problemsOf, ReinsError } from '@reins/contracts'
import type { Static, TSchema } from 'typebox'
import { Convert } from 'typebox/value'

/** A body of a thousand wrong fields is answered with the first of them. */
const maxTold = 64

export interface Checker<S extends TSchema> {
  /** Throws ReinsError invalid_request, naming each field. */
  parse(value: unknown): Static<S>
}

/** `texts`: the values came as texts (a query, a path), so numbers and booleans are read from them. */
export function checker<S extends TSchema>(schema: S, what: string, options: { texts?: boolean } = {}): Checker<S> {
  const fits = formOf(schema)
  return {
    parse(value) {
      const input = options.texts ? Convert(schema, value) : value
      if (fits(input)) return input
      const found = problemsOf(schema, input)
      const problems = found.slice(0, maxTold).map(({ path, message }): Problem => ({ path, message }))
      const [first] = problems
      const more = found.length > 1 ? ` (and ${found.length - 1} more)` : ''
      throw new ReinsError(
        'invalid_request',
        `The ${what} is not valid: ${first?.path ? `${first.path}: ` : ''}${first?.message ?? 'not of its form'}${more}.`,
        { details: { problems } },
      )
    },
  }
}
