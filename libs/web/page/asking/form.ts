// The fields of a server's form, and what was filled in as the values that the form takes. Pure.
//   FO1. What is left empty and is not required is left out, so that the server takes its own default.

type Schema = Readonly<Record<string, unknown>>
export type Value = string | number | boolean | string[]

export interface Field {
  readonly name: string
  readonly title: string
  readonly hint: string
  readonly required: boolean
  readonly kind: 'text' | 'number' | 'yes-or-no' | 'one-of' | 'some-of'
  /** Of a text: email, uri, date, date-time. */
  readonly format?: string
  readonly choices: readonly { readonly value: string; readonly title: string }[]
  readonly preset: string | boolean | readonly string[]
}

export function fieldsOf(schema: unknown): readonly Field[] {
  const { properties, required } = objectOf(schema)
  const needed = listOf(required)
  return Object.entries(objectOf(properties)).map(([name, given]) => {
    const field = objectOf(given)
    const choices = choicesOf(field)
    const kind = kindOf(field, choices.length > 0)
    const preset = field.default
    return {
      ...{ name, kind, choices, required: needed.includes(name) },
      title: typeof field.title === 'string' && field.title !== '' ? field.title : name,
      hint: typeof field.description === 'string' ? field.description : '',
      ...(typeof field.format === 'string' ? { format: field.format } : {}),
      preset:
        kind === 'yes-or-no'
          ? preset === true
          : kind === 'some-of'
            ? listOf(preset).map(String)
            : preset === undefined || preset === null
              ? ''
              : String(preset),
    }
  })
}

function kindOf({ type }: Schema, hasChoices: boolean): Field['kind'] {
  if (type === 'boolean') return 'yes-or-no'
  if (type === 'array') return 'some-of'
  if (hasChoices) return 'one-of'
  return type === 'number' || type === 'integer' ? 'number' : 'text'
}

function choicesOf(field: Schema): Field['choices'] {
  const from = field.type === 'array' ? objectOf(field.items) : field
  const named = listOf(from.oneOf ?? from.anyOf).map(objectOf)
  if (named.length > 0) return named.map((one) => ({ value: String(one.const), title: String(one.title ?? one.const) }))
  const titles = listOf(from.enumNames)
  return listOf(from.enum).map((value, at) => ({ value: String(value), title: String(titles[at] ?? value) }))
}

export type Filled = Readonly<Record<string, string | boolean | readonly string[]>>

export const presetsOf = (fields: readonly Field[]): Filled =>
  Object.fromEntries(fields.map(({ name, preset }) => [name, preset]))

export function contentOf(fields: readonly Field[], filled: Filled): Record<string, Value> {
  return Object.fromEntries(
    fields.flatMap(({ name, kind, required }): [string, Value][] => {
      const value = filled[name] ?? ''
      if (kind === 'yes-or-no') return [[name, value === true]]
      if (kind === 'some-of') {
        const some = typeof value === 'object' ? [...value] : []
        return some.length === 0 && !required ? [] : [[name, some]]
      }
      const text = String(value).trim()
      if (text === '') return [] // FO1
      return [[name, kind === 'number' && Number.isFinite(Number(text)) ? Number(text) : text]]
    }),
  )
}

const objectOf = (value: unknown): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {}
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
