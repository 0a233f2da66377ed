// The arguments of a call, before its tool sees them: the one place where they are checked, for the tools of every source.
//   A1. What fits the tool's schema goes to the tool as it was given. What fits it only as it was meant (as-meant.ts) goes so; the log
//       keeps what was given.
//   A2. Everything else goes back to the model: which field, what it was, what would be valid.
//   A3. No arguments and no schema can hold up the process or end it: size and depth come first, and checking is bounded.
//   A4. A schema that cannot be used (it is too large, broken, or refers elsewhere) spoils nothing: the tool gets what was given.
import { isMapping, problemsOf, type Schema } from '@reins/contracts'
import { asMeant, type JsonSchema, objectAsMeant } from './as-meant.ts'
import { type Checker, compiledSchema } from './checker.ts'
import { explained } from './explain.ts'
import { isPlain, unfitValue } from './schema-bounds.ts'

export type CheckedArguments =
  | { readonly kind: 'valid'; readonly arguments: Readonly<Record<string, unknown>> }
  | { readonly kind: 'invalid'; readonly message: string }

export async function checkedArguments(schema: JsonSchema, args: unknown): Promise<CheckedArguments> {
  const unfit = unfitValue(args)
  if (unfit !== undefined) return invalid(`the arguments ${unfit}`) // A3
  const given = objectAsMeant(args)
  if (isPlain(schema)) return judged(schema, given, (value) => problemsText(schema as Schema, value))
  const compiled = await compiledSchema(schema)
  if (compiled.kind === 'unfit')
    return isMapping(given)
      ? { kind: 'valid', arguments: given } // A4
      : invalid('the arguments must be a mapping of names to values')
  return judged(schema, given, (value) => checkText(compiled.checker, value))
}

/** A1, A2. `problems`: undefined where there are none. */
function judged(
  schema: JsonSchema,
  given: unknown,
  problems: (value: unknown) => string | undefined,
): CheckedArguments {
  if (problems(given) === undefined && isMapping(given)) return { kind: 'valid', arguments: given }
  const meant = asMeant(schema, given)
  const wrong = problems(meant)
  if (wrong === undefined && isMapping(meant)) return { kind: 'valid', arguments: meant }
  // An unknown name is answered with the valid ones already.
  const names = isMapping(schema.properties) ? Object.keys(schema.properties) : []
  const valid = wrong?.includes('valid fields:') || names.length === 0 ? '' : ` Valid: ${names.slice(0, 50).join(', ')}`
  return invalid(`invalid arguments: ${wrong ?? 'the arguments must be a mapping'}.${valid}`)
}

const invalid = (message: string): CheckedArguments => ({ kind: 'invalid', message })

function problemsText(schema: Schema, value: unknown): string | undefined {
  const problems = problemsOf(schema, value).slice(0, 8)
  if (problems.length === 0) return undefined
  return problems
    .map(({ path, message, atKey }) =>
      atKey ? message : `${path === '' ? 'the arguments' : `"${path.slice(0, 100)}"`} ${message}`,
    )
    .join('; ')
}

function checkText(checker: Checker, value: unknown): string | undefined {
  const checked = checker.check(value)
  switch (checked.kind) {
    case 'valid':
      return undefined
    case 'invalid':
      return explained(checked.errors, value).join('; ')
    case 'too-costly':
      return 'they are too much to be checked against the schema of the tool; call it with less at once'
    default:
      return checked satisfies never
  }
}
