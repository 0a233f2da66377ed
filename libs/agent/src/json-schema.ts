// JSON Schema as this package handles it: data, 2020-12.

/** A JSON Schema (2020-12) as data. */
export type JsonSchema = { readonly [key: string]: unknown }

export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
