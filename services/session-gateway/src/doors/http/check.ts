// Checking what came in against a TypeBox schema, once, at the edge. What is wrong is said field by field.
import type { Problem } from '@reins/contracts'
import { ReinsError } from '@reins/contracts'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { Convert } from 'typebox/value'

// The library stops at eight failures by itself, in the middle of a union's list.
Settings.Set({ maxErrors: 64 })

/** What a schema compiler says of one failed keyword; only the members that are read here. */
interface Failure {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: object
}

export interface Checker<S extends TSchema> {
  /** Throws ReinsError invalid_request, naming each field. */
  parse(value: unknown): Static<S>
}

/** `texts`: the values came as texts (a query, a path), so numbers and booleans are read from them. */
export function checker<S extends TSchema>(schema: S, what: string, options: { texts?: boolean } = {}): Checker<S> {
  const compiled = Compile(schema)
  return {
    parse(value) {
      const input = options.texts ? Convert(schema, value) : value
      if (compiled.Check(input)) return input
      const problems = problemsOf(compiled.Errors(input) as readonly Failure[])
      const first = problems[0]
      const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
      throw new ReinsError(
        'invalid_request',
        `The ${what} is not valid: ${first?.path ? `${first.path}: ` : ''}${first?.message ?? 'not of its form'}${more}.`,
        { details: { problems } },
      )
    },
  }
}

/** `/content/0/text` -> `content[0].text` */
const fieldOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, token) => (/^\d+$/.test(token) ? `${path}[${token}]` : path ? `${path}.${token}` : token), '')

function problemsOf(failures: readonly Failure[]): readonly Problem[] {
  const problems = new Map<string, string[]>()
  const add = (path: string, message: string) => {
    const known = problems.get(path) ?? []
    if (!known.includes(message)) problems.set(path, [...known, message])
  }
  for (const failure of failures) {
    const path = fieldOf(failure.instancePath)
    const params = failure.params as Readonly<Record<string, unknown>>
    switch (failure.keyword) {
      case 'required':
        for (const name of names(params.requiredProperties)) add(path ? `${path}.${name}` : name, 'is required')
        break
      case 'additionalProperties':
        for (const name of names(params.additionalProperties))
          add(path ? `${path}.${name}` : name, 'is no field of this')
        break
      case 'const':
        add(path, `may be ${JSON.stringify(params.allowedValue)}`)
        break
      // A member that no schema allows; the list above may not have come to be told.
      case 'boolean':
        add(path, 'is no field of this')
        break
      // Said already by what lies below it.
      case 'anyOf':
        break
      default:
        add(path, failure.message)
    }
  }
  // Of a union, what lies deeper says more than that the value is none of the simpler kinds.
  const paths = [...problems.keys()]
  for (const path of paths)
    if (path !== '' && paths.some((other) => other.startsWith(`${path}.`) || other.startsWith(`${path}[`)))
      problems.delete(path)
  if (problems.size === 0) add('', failures[0]?.message ?? 'is not of its form')
  return [...problems].map(([path, messages]) => ({
    path,
    message: messages.join(' or ').replaceAll(' or may be ', ' or '),
  }))
}

const names = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])
