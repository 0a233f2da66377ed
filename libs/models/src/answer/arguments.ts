// What a model wrote as the arguments of a call, taken as it was meant. Pure.
//   P1. Nothing is invented: what cannot be read in exactly one way is `malformed`, and the model is told.
//   P2. Read in one way only: an object; an object that was encoded twice; one in a fence of Markdown; one in whose texts line ends and
//       tabs stand as they are; nothing (blank, `null`, `[]`) as no arguments.
//   P3. A value of another type than the tool's schema wants is taken where it says the same: "true", "2", a list or an object
//       as its JSON, null for what need not be there.
import type { ToolSpec } from '@reins/contracts'
import { isRecord } from '../http/foreign.ts'

export interface Arguments {
  arguments: Record<string, unknown>
  malformed?: string
}

export function parseArguments(text: string, tool?: ToolSpec): Arguments {
  const found = objectIn(text)
  return found === undefined ? { arguments: {}, malformed: text } : { arguments: asMeant(found, tool?.parameters) }
}

/** Whether the text is the arguments of a call, whole. */
export function isWhole(text: string): boolean {
  // Asked of every part of some calls: what does not end like one is not parsed.
  return /[}\]"l]\s*$/.test(text.slice(-8)) && objectIn(text) !== undefined
}

function objectIn(text: string): Record<string, unknown> | undefined {
  const trimmed = (fenced.exec(text)?.[1] ?? text).trim()
  if (trimmed === '') return {}
  let value = parse(trimmed)
  if (value === undefined && trimmed.startsWith('{')) value = parse(escaped(trimmed))
  for (let times = 0; times < 2 && typeof value === 'string'; times++) value = value.trim() === '' ? null : parse(value)
  if (value === null || (Array.isArray(value) && value.length === 0)) return {}
  return isRecord(value) ? value : undefined
}

const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/

const controls: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Line ends and tabs inside of strings, which JSON wants as escapes. One pass, whatever the text is. */
function escaped(text: string): string {
  let quoted = false
  return text.replace(/\\[\s\S]|["\n\r\t]/g, (found) => {
    if (found === '"') quoted = !quoted
    return quoted ? (controls[found] ?? found) : found
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function asMeant(given: Record<string, unknown>, schema: unknown): Record<string, unknown> {
  if (!isRecord(schema) || !isRecord(schema.properties)) return given
  const required = Array.isArray(schema.required) ? schema.required : []
  const entries = Object.entries(given).flatMap(([name, value]): [string, unknown][] => {
    const wanted = isRecord(schema.properties) && Object.hasOwn(schema.properties, name) && schema.properties[name]
    if (!isRecord(wanted)) return [[name, value]]
    const types = typesOf(wanted)
    if (value === null && types.length > 0 && !types.includes('null') && !required.includes(name)) return []
    return [[name, typed(value, wanted, types)]]
  })
  return Object.fromEntries(entries)
}

function typesOf(schema: Record<string, unknown>): readonly unknown[] {
  return typeof schema.type === 'string' ? [schema.type] : Array.isArray(schema.type) ? schema.type : []
}

function typed(value: unknown, schema: Record<string, unknown>, types: readonly unknown[]): unknown {
  if (isRecord(value)) return types.includes('object') ? asMeant(value, schema) : value
  if (typeof value !== 'string' || types.length === 0 || types.includes('string')) return value
  const text = value.trim()
  if (types.includes('boolean') && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  if ((types.includes('number') || types.includes('integer')) && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) {
    const count = Number(text)
    if (types.includes('number') || Number.isInteger(count)) return count
  }
  if (types.includes('array') && text.startsWith('[')) {
    const list = parse(text)
    if (Array.isArray(list)) return list
  }
  if (types.includes('object') && text.startsWith('{')) {
    const object = parse(text)
    if (isRecord(object)) return asMeant(object, schema)
  }
  return value
}
