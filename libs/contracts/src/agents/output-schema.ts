// The form of an answer: a JSON Schema (2020-12) that the last answer of a turn has to fit. Here is what it means for an answer; that a
// schema is one, and whether a value fits it, is said in libs/tools (output/). Pure.
//   OS1. A model is asked for an object, whatever the schema describes: not every provider gives another value. What is none is asked for
//        as the only field of one (`result`), and taken out of it again.
//   OS2. Of an answer the JSON counts: alone, in a code block, or between other words.
import { type TUnsafe, Type } from 'typebox'
import { isMapping } from '../schema-problems.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export const outputDefaults = { retries: 2 } as const
/** Of a schema, as JSON: it stands in the log, and in each request to a model. */
export const maxOutputSchemaBytes = 32 * 1024
export const mostOutputRetries = 10

export const OutputSchema: TUnsafe<Record<string, unknown>> & { readonly type?: 'object' } = Type.Unsafe<
  Record<string, unknown>
>(
  Type.Object(
    {},
    {
      title: 'JSON Schema',
      description:
        'A JSON Schema (2020-12) that the answer has to fit; its value is the result of the turn (docs/structured-results.md)',
    },
  ),
)

export const OutputRetries = Type.Integer({
  minimum: 0,
  maximum: mostOutputRetries,
  description: `How often the model is asked again for an answer that does not fit. Default ${outputDefaults.retries}`,
})

/** How a model is told that its answer does not fit: what is wrong follows. The scripted model knows it. */
export const correctionLine = 'Your answer was not accepted: it does not fit the JSON Schema that was asked for.'

const wrapper = 'result'

/** OS1. */
const isWrapped = (schema: JsonObject): boolean => schema.type !== 'object'

/** What a model is asked for: a schema of an object. */
export function askedSchema(schema: JsonObject): JsonObject {
  if (!isWrapped(schema)) return schema
  const { $defs, definitions, $schema: _, ...whole } = schema
  return {
    type: 'object',
    properties: { [wrapper]: moved(whole) },
    required: [wrapper],
    additionalProperties: false,
    ...($defs === undefined ? {} : { $defs: moved($defs) }),
    ...(definitions === undefined ? {} : { definitions: moved(definitions) }),
  }
}

/** References to the whole, or into it, go on to where it is now. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved)
  if (!isMapping(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string' && /^#(?!\/(\$defs|definitions)\/)/.test(member)
        ? `#/properties/${wrapper}${member.slice(1)}`
        : moved(member),
    ]),
  )
}

export type AnswerValue =
  | { readonly kind: 'value'; readonly value: unknown }
  /** `why`: after "the answer". */
  | { readonly kind: 'none'; readonly why: string }

/** OS2. */
export function answerValue(schema: JsonObject, text: string): AnswerValue {
  const read = jsonIn(text)
  if (read.kind === 'none' || !isWrapped(schema)) return read
  const { value } = read
  return isMapping(value) && Object.keys(value).length === 1 && Object.hasOwn(value, wrapper)
    ? { kind: 'value', value: value[wrapper] }
    : read
}

function jsonIn(text: string): AnswerValue {
  const whole = text.trim()
  if (whole === '') return { kind: 'none', why: 'is empty' }
  const alone = parsed(whole)
  if (alone.kind === 'value') return alone
  for (const part of [inCodeBlock(whole), between(whole, '{', '}'), between(whole, '[', ']')]) {
    const found = part === undefined ? alone : parsed(part)
    if (found.kind === 'value') return found
  }
  return alone
}

function parsed(text: string): AnswerValue {
  try {
    return { kind: 'value', value: JSON.parse(text) }
  } catch (error) {
    const told = error instanceof Error ? error.message.replace(/\s+/g, ' ').slice(0, 200) : ''
    return { kind: 'none', why: `is no JSON${told === '' ? '' : ` (${told})`}` }
  }
}

/** The last one. */
function inCodeBlock(text: string): string | undefined {
  const end = text.lastIndexOf('```')
  const begin = end < 0 ? -1 : text.lastIndexOf('```', end - 1)
  return begin < 0 ? undefined : text.slice(begin + 3, end).replace(/^[a-z]*\n/i, '')
}

function between(text: string, open: string, close: string): string | undefined {
  const begin = text.indexOf(open)
  const end = text.lastIndexOf(close)
  return begin < 0 || end <= begin ? undefined : text.slice(begin, end + 1)
}
