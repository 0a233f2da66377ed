// The fields of a server's form, as a person is asked for them, and what was typed as the values that the form takes.
import type { ElicitationContent } from '@reins/contracts'
import { oneLine } from '../text/neutralise.ts'

export interface FormField {
  readonly name: string
  /** What it is, and what it takes, on one line. */
  readonly hint: string
  readonly required: boolean
  /** As it would be typed. */
  readonly preset?: string
}

type Schema = Readonly<Record<string, unknown>>

export function formFields(schema: unknown): readonly FormField[] {
  const { properties, required } = objectOf(schema)
  const needed = listOf(required)
  return Object.entries(objectOf(properties)).map(([name, given]) => {
    const field = objectOf(given)
    const { title, description, default: preset } = field
    const words = [title, description, kindOf(field)].filter((word) => typeof word === 'string' && word !== '')
    return {
      name,
      hint: oneLine(words.join('; ')),
      required: needed.includes(name),
      ...(preset === undefined ? {} : { preset: Array.isArray(preset) ? preset.join(', ') : String(preset) }),
    }
  })
}

function kindOf(field: Schema): string {
  const from = field.type === 'array' ? objectOf(field.items) : field
  const named = listOf(from.oneOf ?? from.anyOf).map(objectOf)
  const choices = named.length > 0 ? named.map((one) => String(one.const)) : listOf(from.enum).map(String)
  if (choices.length > 0) return `${field.type === 'array' ? 'some of' : 'one of'} ${choices.join(', ')}`
  return field.type === 'boolean' ? 'yes or no' : String(field.format ?? field.type ?? '')
}

/** What does not fit is left as it was typed: the server of Reins says what is wrong with it. */
export function filledIn(schema: unknown, typed: Readonly<Record<string, string>>): ElicitationContent {
  const fields = objectOf(objectOf(schema).properties)
  return Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, asValue(objectOf(fields[name]), text)]))
}

function asValue({ type }: Schema, text: string): ElicitationContent[string] {
  switch (type) {
    case 'boolean':
      if (/^(?:y|yes|true)$/i.test(text)) return true
      return /^(?:n|no|false)$/i.test(text) ? false : text
    case 'integer':
    case 'number': {
      const value = Number(text)
      return text.trim() === '' || !Number.isFinite(value) ? text : value
    }
    case 'array':
      return text.trim() === '' ? [] : text.split(',').map((one) => one.trim())
    default:
      return text
  }
}

const objectOf = (value: unknown): Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {}
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
