// How much may be asked of a provider in one minute, as the environment says it, and which calls share that. Pure.
//   MQ1. A bucket belongs to a key at an address: executors with the same key share it, whatever they call the provider.
//   MQ2. A model that has a quota of its own has a bucket of its own, and so has every model of a provider without one: providers limit
//        models each by itself, and a refusal of one says nothing about another. A quota of a provider is shared by its other models.
import { hash } from 'node:crypto'

export interface QuotaSetting {
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
}

/** By `provider` or `provider/model`. */
export type QuotaSettings = Readonly<Record<string, QuotaSetting>>

/** The quota that a call counts against. */
export interface ModelQuota {
  /** The same in each process with the same key. It tells nobody the key. */
  readonly bucket: string
  /** For people: `openai`, or `openai/gpt-6-sol`. */
  readonly name: string
  /** In one minute. */
  readonly limit: { readonly requests?: number; readonly tokens?: number }
}

const example = '{"anthropic":{"requestsPerMinute":1000},"openai/gpt-6-sol":{"tokensPerMinute":400000}}'
const fields = ['requestsPerMinute', 'tokensPerMinute'] as const

/** `known`: names of providers. */
export function quotaSettings(value: string | undefined, known: readonly string[], errors: string[]): QuotaSettings {
  if (value === undefined) return {}
  const wrong = (what: string): void => {
    errors.push(`REINS_MODEL_QUOTAS: ${what}; a valid value is ${example}`)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(value)
  } catch (error) {
    wrong(`it is not JSON (${error instanceof Error ? error.message : String(error)})`)
    return {}
  }
  if (!isObject(parsed)) {
    wrong('it must be an object with a provider, or provider/model, as each name')
    return {}
  }
  const settings: Record<string, QuotaSetting> = {}
  for (const [name, setting] of Object.entries(parsed)) {
    const provider = name.split('/', 1)[0] ?? ''
    if (!known.includes(provider)) wrong(`"${name}" is of no known provider; known are ${known.join(', ')}`)
    const one = isObject(setting) ? quotaSetting(setting, (what) => wrong(`${name}: ${what}`)) : undefined
    if (one) settings[name] = one
    else if (!isObject(setting)) wrong(`${name}: it must be an object`)
  }
  return settings
}

function quotaSetting(setting: Readonly<Record<string, unknown>>, wrong: (what: string) => void): QuotaSetting {
  const one: { requestsPerMinute?: number; tokensPerMinute?: number } = {}
  for (const [field, value] of Object.entries(setting)) {
    const known = fields.find((name) => name === field)
    if (!known) wrong(`unknown field "${field}"; known are ${fields.join(', ')}`)
    else if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
      wrong(`"${field}" must be a whole number of at least 1`)
    else one[known] = value
  }
  if (Object.keys(setting).length === 0) wrong(`it needs ${fields.join(' or ')}`)
  return one
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `key` may be missing: then all who ask that address share it. */
export function quotaOf(
  settings: QuotaSettings,
  {
    provider,
    model,
    baseUrl,
    apiKey = '',
  }: { provider: string; model: string; baseUrl: string; apiKey?: string | undefined },
): ModelQuota {
  const whole = `${provider}/${model}`
  const own = settings[whole]
  const shared = settings[provider]
  const { requestsPerMinute: requests, tokensPerMinute: tokens } = own ?? shared ?? {}
  const shares = own === undefined && shared !== undefined
  const digest = hash('sha256', JSON.stringify([baseUrl, apiKey, shares ? null : model]), 'base64url')
  return {
    bucket: digest.slice(0, 12),
    name: shares ? provider : whole,
    limit: { ...(requests === undefined ? {} : { requests }), ...(tokens === undefined ? {} : { tokens }) },
  }
}
