// A tool's JSON Schema for those who take a part of the language only.
//   PS1. What is left out is told in the description where it is a choice of values, and checked when the tool is called.
//   PS2. Every word has the form that the language gives it (some servers of tools write `"enum": null`), and what a strict reader
//        wants to be there is there: the properties of an object, the items of an array, one type.
//   PS3. A reference is what it names, down to a depth: whoever takes a part of the language takes no `$defs`.
import { isRecord } from '../http/foreign.ts'

type Schema = Record<string, unknown>

const types: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array'])
const deepest = 12

/** The words that every provider knows, of the arguments of a tool. */
export function plainSchema(schema: unknown): unknown {
  const { anyOf: _, ...root } = new Plain(schema).of(schema, 0)
  return { ...root, type: 'object', properties: root.properties ?? {} }
}

class Plain {
  readonly #root: unknown

  constructor(root: unknown) {
    this.#root = root
  }

  of(schema: unknown, depth: number): Schema {
    if (!isRecord(schema) || depth > deepest) return {}
    const given: Schema = schema
    const forms = this.#forms(given, depth)
    const [only] = forms
    const type = typeOf(given)
    const values = Array.isArray(given.enum) ? given.enum : given.const === undefined ? undefined : [given.const]
    const words = values?.every((value) => typeof value === 'string' && value !== '') ? values : undefined
    const description = [given.description, values && !words ? `One of: ${JSON.stringify(values)}` : '']
      .filter((text) => typeof text === 'string' && text !== '')
      .join('\n\n')
    return {
      ...(forms.length === 1 ? only : {}),
      ...(type === undefined ? {} : { type }),
      ...(description === '' ? {} : { description }),
      ...(words && (type === undefined || type === 'string') ? { type: 'string', enum: words } : {}),
      ...this.#members(given, depth),
      ...(type === 'array' || isRecord(given.items) ? { items: this.#items(given.items, depth) } : {}),
      ...limitsOf(given),
      ...(forms.length > 1 ? { anyOf: forms } : {}),
    }
  }

  /** Of alternatives that are one, or null, the one: that it may be left out, `required` says. PS3. */
  #forms(schema: Schema, depth: number): readonly Schema[] {
    const named = typeof schema.$ref === 'string' ? placeIn(this.#root, schema.$ref) : undefined
    const lists = [schema.anyOf, schema.oneOf].find(Array.isArray)
    const all = Array.isArray(schema.allOf) && schema.allOf.length === 1 ? schema.allOf : []
    const forms = [...(named === undefined ? [] : [named]), ...(lists ?? []), ...all].filter((form) => !isNull(form))
    return forms.map((form) => this.of(form, depth + 1))
  }

  #members({ properties, required }: Schema, depth: number): Schema {
    if (!isRecord(properties)) return {}
    const names = (Array.isArray(required) ? required : []).filter((name) => Object.hasOwn(properties, String(name)))
    const members = Object.entries(properties).map(([name, schema]) => [name, this.of(schema, depth + 1)] as const)
    return { properties: Object.fromEntries(members), ...(names.length === 0 ? {} : { required: names }) }
  }

  /** Of a list of places, the first: each item has one form. */
  #items(items: unknown, depth: number): Schema {
    const given = Array.isArray(items) ? items[0] : items
    const one = this.of(given, depth + 1)
    if (one.type !== undefined || one.anyOf !== undefined) return one
    return { ...one, type: isRecord(given) && Object.keys(given).length > 0 ? 'object' : 'string' }
  }
}

const limitsOf = (given: Schema): Schema =>
  Object.fromEntries(
    ['minimum', 'maximum'].flatMap((word) => (typeof given[word] === 'number' ? [[word, given[word]]] : [])),
  )

/** Of several, the first that is not null. */
function typeOf(schema: Schema): string | undefined {
  const { type } = schema
  const found = (Array.isArray(type) ? type : [type]).find((one) => types.has(one))
  return typeof found === 'string' ? found : isRecord(schema.properties) ? 'object' : undefined
}

const isNull = (form: unknown): boolean => isRecord(form) && form.type === 'null'

function placeIn(root: unknown, ref: string): unknown {
  if (!ref.startsWith('#')) return undefined
  let at = root
  for (const part of ref
    .slice(1)
    .split('/')
    .filter((one) => one !== ''))
    at = isRecord(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined
  return at
}
