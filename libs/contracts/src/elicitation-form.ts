// Whether what a person filled in is what a server's form asks for. The forms of MCP are flat: texts, numbers, yes or no, choices.
//   FM1. The first thing that does not fit is named with its field, and with what would fit. What a schema says beyond this is the server's.
//   FM2. A field that is left out has its default, where the form gives one that fits.
//   FM3. All of it together is bounded: it stands in the log, once for the answer and once for each time that the call goes on.
import type { ElicitationContent } from './events/tools/elicitation.ts'

type Schema = Readonly<Record<string, unknown>>
type Value = ElicitationContent[string]

/** Characters of all that is filled in, as JSON. */
export const maxElicitationContentChars = 16_000
/** A longer default is the server's own to fill in. */
const longestDefault = 2_000

/** null: it fits. */
export function formProblem(schema: Schema, content: Readonly<Record<string, unknown>>): string | null {
  const fields = objectOf(schema.properties)
  const names = Object.keys(fields)
  for (const name of Object.keys(content))
    if (!names.includes(name))
      return `content.${name}: the form has no such field. It has: ${names.join(', ') || 'none'}.`
  for (const name of textsOf(schema.required))
    if (content[name] === undefined) return `content.${name}: it is required.`
  for (const [name, value] of Object.entries(content)) {
    const problem = fieldProblem(objectOf(fields[name]), value as Value)
    if (problem !== null) return `content.${name}: ${problem}`
  }
  const { length } = JSON.stringify(content)
  return length <= maxElicitationContentChars // FM3
    ? null
    : `content: it has ${length} characters; a form takes ${maxElicitationContentChars} at most.`
}

/** FM2. */
export function withDefaults(schema: Schema, content: ElicitationContent): ElicitationContent {
  const missing = Object.entries(objectOf(schema.properties)).flatMap(([name, given]) => {
    const field = objectOf(given)
    const value = field.default as Value | undefined
    const fits =
      value !== undefined && fieldProblem(field, value) === null && JSON.stringify(value).length <= longestDefault
    return fits && content[name] === undefined ? [[name, value] as const] : []
  })
  return { ...content, ...Object.fromEntries(missing) }
}

/** What may be chosen, where the field is a choice. */
function choicesOf(field: Schema): readonly { readonly value: string; readonly title: string }[] | null {
  const from = field.type === 'array' ? objectOf(field.items) : field
  const named = listOf(from.oneOf ?? from.anyOf).map(objectOf)
  if (named.length > 0)
    return named.map((one) => ({ value: String(one.const), title: typeof one.title === 'string' ? one.title : '' }))
  const values = textsOf(from.enum)
  const titles = textsOf(from.enumNames)
  return values.length > 0 ? values.map((value, at) => ({ value, title: titles[at] ?? '' })) : null
}

/** The same for one field, by its own schema. */
export function fieldProblem(field: Schema, value: Value): string | null {
  const choices = choicesOf(field)?.map((one) => one.value)
  switch (field.type) {
    case 'boolean':
      return typeof value === 'boolean' ? null : 'it must be true or false.'
    case 'integer':
    case 'number':
      return numberProblem(field, value)
    case 'array':
      return listProblem(field, value, choices)
    default:
      if (typeof value !== 'string') return 'it must be a text.'
      if (choices && !choices.includes(value)) return `it must be one of ${choices.join(', ')}.`
      return choices ? null : textProblem(field, value)
  }
}

function numberProblem({ type, minimum, maximum }: Schema, value: Value): string | null {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'it must be a number.'
  if (type === 'integer' && !Number.isInteger(value)) return 'it must be a whole number.'
  if (typeof minimum === 'number' && value < minimum) return `it must be ${minimum} or more.`
  return typeof maximum === 'number' && value > maximum ? `it must be ${maximum} or less.` : null
}

function listProblem({ minItems, maxItems }: Schema, value: Value, choices: readonly string[] | undefined) {
  if (!Array.isArray(value)) return 'it must be a list of texts.'
  const other = choices && value.find((one) => !choices.includes(one))
  if (other !== undefined) return `each must be one of ${choices?.join(', ')}.`
  if (typeof minItems === 'number' && value.length < minItems) return `it must have ${minItems} or more.`
  return typeof maxItems === 'number' && value.length > maxItems ? `it must have ${maxItems} at most.` : null
}

const formats: Readonly<Record<string, readonly [(text: string) => boolean, string]>> = {
  email: [(text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text), 'an email address'],
  uri: [(text) => URL.canParse(text), 'a URL'],
  date: [(text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isTime(text), 'a date such as 2026-01-31'],
  'date-time': [(text) => text.includes('T') && isTime(text), 'a time such as 2026-01-31T12:00:00Z'],
}
const isTime = (text: string): boolean => !Number.isNaN(Date.parse(text))

function textProblem({ minLength, maxLength, format }: Schema, value: string): string | null {
  const chars = [...value].length
  if (typeof minLength === 'number' && chars < minLength) return `it must have ${minLength} characters or more.`
  if (typeof maxLength === 'number' && chars > maxLength) return `it must have ${maxLength} characters at most.`
  const known = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined
  return known && !known[0](value) ? `it must be ${known[1]}.` : null
}

const objectOf = (value: unknown): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {}
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const textsOf = (value: unknown): readonly string[] =>
  listOf(value).filter((one): one is string => typeof one === 'string')
