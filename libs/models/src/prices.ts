// What models cost: a table by name or pattern. Those that are known here can be replaced by a file of the operator.
//   PT1. The entries of the operator come first, then those known here. Of several that fit, an exact name wins over a pattern, and a longer
//        pattern over a shorter one.
//   PT2. A model that no entry fits has no price: nobody guesses one.
import type { ModelPrice, PriceOf } from '@reins/contracts'

/** US dollars for a million tokens: input, output, read from the provider's cache, written to it. */
type Row = readonly [input: number, output: number, cacheRead: number, cacheWrite: number]

/** As the providers list them; of a line of models, as its last listed members have it. */
const known: Readonly<Record<string, Row>> = {
  'anthropic/claude-opus-*': [5, 25, 0.5, 6.25],
  'anthropic/claude-opus-4-20*': [15, 75, 1.5, 18.75],
  'anthropic/claude-opus-4-0': [15, 75, 1.5, 18.75],
  'anthropic/claude-opus-4-1*': [15, 75, 1.5, 18.75],
  'anthropic/claude-3-opus-*': [15, 75, 1.5, 18.75],
  'anthropic/claude-sonnet-*': [3, 15, 0.3, 3.75],
  'anthropic/claude-3-7-sonnet-*': [3, 15, 0.3, 3.75],
  'anthropic/claude-3-5-sonnet-*': [3, 15, 0.3, 3.75],
  'anthropic/claude-haiku-*': [1, 5, 0.1, 1.25],
  'anthropic/claude-3-5-haiku-*': [0.8, 4, 0.08, 1],
  'anthropic/claude-3-haiku-*': [0.25, 1.25, 0.03, 0.3],
  'openai/gpt-5': [1.25, 10, 0.125, 1.25],
  'openai/gpt-5-20*': [1.25, 10, 0.125, 1.25],
  'openai/gpt-5-mini*': [0.25, 2, 0.025, 0.25],
  'openai/gpt-5-nano*': [0.05, 0.4, 0.005, 0.05],
  'openai/gpt-4.1': [2, 8, 0.5, 2],
  'openai/gpt-4.1-20*': [2, 8, 0.5, 2],
  'openai/gpt-4.1-mini*': [0.4, 1.6, 0.1, 0.4],
  'openai/gpt-4.1-nano*': [0.1, 0.4, 0.025, 0.1],
  'openai/gpt-4o': [2.5, 10, 1.25, 2.5],
  'openai/gpt-4o-20*': [2.5, 10, 1.25, 2.5],
  'openai/gpt-4o-mini*': [0.15, 0.6, 0.075, 0.15],
  'openai/o4-mini*': [1.1, 4.4, 0.275, 1.1],
  // They run on this machine.
  'ollama/*': [0, 0, 0, 0],
  'scripted/*': [0, 0, 0, 0],
}

export type PricesResult =
  | { readonly kind: 'ok'; readonly priceOf: PriceOf }
  | { readonly kind: 'invalid'; readonly errors: readonly string[] }

const example = '{"anthropic/claude-sonnet-*": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75}}'
const fields = ['input', 'output', 'cache_read', 'cache_write'] as const

/** `text`: of the operator's file, JSON; without one, what is known here. */
export function pricesFrom(text?: string): PricesResult {
  const own = Object.entries(known).map(([pattern, [input, output, cacheRead, cacheWrite]]) => ({
    pattern,
    price: { input, output, cacheRead, cacheWrite },
  }))
  if (text === undefined) return { kind: 'ok', priceOf: lookUp([own]) }
  const given = parse(text)
  return 'errors' in given
    ? { kind: 'invalid', errors: given.errors }
    : { kind: 'ok', priceOf: lookUp([given.entries, own]) }
}

interface Entry {
  readonly pattern: string
  readonly price: ModelPrice
}

function parse(text: string): { readonly errors: readonly string[] } | { readonly entries: readonly Entry[] } {
  let table: unknown
  try {
    table = JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unreadable'
    return { errors: [`it is not JSON: ${why}. Write a table such as ${example}`] }
  }
  if (typeof table !== 'object' || table === null || Array.isArray(table))
    return { errors: [`it is not a table of prices. Write one such as ${example}`] }
  const errors: string[] = []
  const entries = Object.entries(table).flatMap(([pattern, price]) => {
    const problem = problemOf(pattern, price)
    if (problem !== undefined) {
      errors.push(problem)
      return []
    }
    const { input, output, cache_read: read = input, cache_write: write = input } = price as Record<string, number>
    return [
      { pattern, price: { input: input ?? 0, output: output ?? 0, cacheRead: read ?? 0, cacheWrite: write ?? 0 } },
    ]
  })
  return errors.length > 0 ? { errors } : { entries }
}

function problemOf(pattern: string, price: unknown): string | undefined {
  const where = JSON.stringify(pattern.slice(0, 200))
  if (!/^[a-z0-9][a-z0-9-]*\/.+$/.test(pattern))
    return `${where} does not name a model: write provider/model, where * at the end stands for any rest`
  if (pattern.slice(0, -1).includes('*')) return `${where} has a * that is not at its end`
  if (typeof price !== 'object' || price === null || Array.isArray(price))
    return `${where} has no prices: write {"input": 3, "output": 15}, in US dollars for a million tokens`
  for (const [name, value] of Object.entries(price)) {
    if (!fields.some((field) => field === name))
      return `${where} has an unknown field ${JSON.stringify(name.slice(0, 64))}; valid: ${fields.join(', ')}`
    if (typeof value !== 'number' || !(value >= 0 && value <= 1_000_000))
      return `${name} of ${where} is not a price: give a number of US dollars from 0 to 1000000`
  }
  for (const name of ['input', 'output'])
    if (!Object.hasOwn(price, name)) return `${where} lacks ${name}: give both input and output`
  return undefined
}

/** PT1. */
function lookUp(tables: readonly (readonly Entry[])[]): PriceOf {
  const sorted = tables.map((entries) =>
    entries.toSorted((a, b) => exactness(b.pattern) - exactness(a.pattern) || b.pattern.length - a.pattern.length),
  )
  const found = new Map<string, ModelPrice | undefined>()
  return (model) => {
    if (!found.has(model)) {
      if (found.size > 1000) found.clear()
      const entry = sorted.map((entries) => entries.find(({ pattern }) => fits(pattern, model))).find(Boolean)
      found.set(model, entry?.price)
    }
    return found.get(model)
  }
}

const exactness = (pattern: string): number => (pattern.endsWith('*') ? 0 : 1)
const fits = (pattern: string, model: string): boolean =>
  pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern
