// What the environment says about models. Pure and total: every mistake is reported, each with its variable and a valid value.
import { scriptedEmbeddings } from './embeddings/scripted-embedder.ts'
import type { ProxyConfig } from './http/transport.ts'
import { type QuotaSettings, quotaSettings } from './quotas.ts'

/** A server that speaks OpenAI's chat completions. */
export interface CompatibleConfig {
  readonly name: string
  readonly baseUrl: string
  /** The variable that holds its key; without one the server is called without a key. */
  readonly apiKeyEnv?: string
  /** The key itself, from that variable. */
  readonly apiKey?: string
  /** Where given: the only models it has; the first is its default. */
  readonly models?: readonly string[]
  /** Tokens, for all of its models. */
  readonly contextWindow?: number
  /** It never says that an answer is over: one is whole when its body ends. */
  readonly unmarkedEnd?: boolean
}

/** The model whose vectors long-term memory is searched by. */
export interface EmbeddingModel {
  /** Of `openai`, `ollama`, `scripted`, or the name of a configured one. */
  readonly provider: string
  readonly model: string
  /** The cosine below which an entry is not found. */
  readonly least: number
}

export interface ModelsConfig {
  readonly anthropic: { readonly apiKey?: string; readonly baseUrl: string }
  readonly openai: { readonly apiKey?: string; readonly baseUrl: string }
  /** Always there; `chosen` when OLLAMA_HOST says where. */
  readonly ollama: { readonly baseUrl: string; readonly chosen: boolean; readonly contextWindow: number }
  readonly compatible: readonly CompatibleConfig[]
  /** undefined: nothing is searched by meaning. */
  readonly embedding?: EmbeddingModel
  /** A call to which nothing arrives for so long has failed, in milliseconds. */
  readonly idleTimeoutMs: number
  /** An answer that is not over after so long has failed, in milliseconds. */
  readonly answerTimeoutMs: number
  /** Through which providers are reached; never loopback. */
  readonly proxies: ProxyConfig
  /** What may be asked of providers in one minute; what is not named has no limit. */
  readonly quotas: QuotaSettings
  /** Between the tokens of the scripted model, in milliseconds. */
  readonly scriptedIntervalMs: number
}

export type ModelsConfigResult =
  | { readonly kind: 'ok'; readonly config: ModelsConfig }
  | { readonly kind: 'invalid'; readonly errors: readonly string[] }

type Env = Readonly<Record<string, string | undefined>>

const example =
  '[{"name":"lab","baseUrl":"http://127.0.0.1:8000/v1","apiKeyEnv":"LAB_API_KEY","models":["llama-3.3-70b"]}]'
const knownFields = new Set(['name', 'baseUrl', 'apiKeyEnv', 'models', 'contextWindow', 'unmarkedEnd'])
const takenNames = new Set(['anthropic', 'openai', 'ollama', 'scripted'])

export function loadModelsConfig(env: Env): ModelsConfigResult {
  const errors: string[] = []
  const compatible = compatibleProviders(env, errors)
  const config: ModelsConfig = {
    anthropic: {
      ...key(env, 'ANTHROPIC_API_KEY'),
      baseUrl: url(env, 'ANTHROPIC_BASE_URL', 'https://api.anthropic.com', errors),
    },
    openai: {
      ...key(env, 'OPENAI_API_KEY'),
      baseUrl: url(env, 'OPENAI_BASE_URL', 'https://api.openai.com/v1', errors),
    },
    ollama: {
      baseUrl: ollamaUrl(env, errors),
      chosen: text(env, 'OLLAMA_HOST') !== undefined,
      contextWindow: count(env, 'OLLAMA_CONTEXT_LENGTH', 8_192, 512, errors),
    },
    compatible,
    idleTimeoutMs: count(env, 'REINS_MODEL_IDLE_TIMEOUT_MS', 120_000, 1, errors, longestTimerMs),
    answerTimeoutMs: count(env, 'REINS_MODEL_ANSWER_TIMEOUT_MS', 3_600_000, 1_000, errors, longestTimerMs),
    proxies: {
      http: proxy(env, 'HTTP_PROXY', errors),
      https: proxy(env, 'HTTPS_PROXY', errors),
      except: text(env, 'no_proxy') ?? text(env, 'NO_PROXY') ?? '',
    },
    quotas: quotaSettings(
      text(env, 'REINS_MODEL_QUOTAS'),
      ['anthropic', 'openai', 'ollama', ...compatible.map(({ name }) => name)],
      errors,
    ),
    scriptedIntervalMs: count(env, 'REINS_SCRIPTED_INTERVAL_MS', 15, 0, errors),
  }
  const embedding = embeddingModel(env, config, errors)
  if (errors.length > 0) return { kind: 'invalid', errors }
  return { kind: 'ok', config: embedding ? { ...config, embedding } : config }
}

function embeddingModel(env: Env, config: ModelsConfig, errors: string[]): EmbeddingModel | undefined {
  const least = number(env, 'REINS_EMBEDDING_LEAST', 0.3, errors)
  const value = text(env, 'REINS_EMBEDDING_MODEL')
  if (value === undefined) return undefined
  const [, provider = '', model = ''] = /^([^/]+)\/(.+)$/.exec(value) ?? []
  const wrong = (what: string): void => {
    errors.push(`REINS_EMBEDDING_MODEL is "${value}"; ${what}`)
  }
  const own = config.compatible.find(({ name }) => name === provider)
  if (provider === 'anthropic') wrong('Anthropic has no embedding models: name one of another provider')
  else if (provider === 'scripted' && model !== scriptedEmbeddings) wrong(`scripted has ${scriptedEmbeddings} alone`)
  else if (provider === 'openai' && config.openai.apiKey === undefined) wrong('it needs OPENAI_API_KEY')
  else if (own?.apiKeyEnv !== undefined && own.apiKey === undefined) wrong(`it needs ${own.apiKeyEnv}`)
  else if (model === '' || (!own && !['openai', 'ollama', 'scripted'].includes(provider)))
    wrong(
      `it must be provider/model, and the provider openai, ollama or one of REINS_MODEL_PROVIDERS, for example REINS_EMBEDDING_MODEL=ollama/nomic-embed-text`,
    )
  return { provider, model, least }
}

function number(env: Env, name: string, otherwise: number, errors: string[]): number {
  const value = text(env, name)
  if (value === undefined) return otherwise
  const given = Number(value)
  if (given >= 0 && given <= 1) return given
  errors.push(`${name} is "${value}"; it must be a number from 0 to 1, for example ${name}=${otherwise}`)
  return otherwise
}

function text(env: Env, name: string): string | undefined {
  const value = env[name]?.trim()
  return value === '' ? undefined : value
}

function key(env: Env, name: string): { apiKey?: string } {
  const value = text(env, name)
  return value === undefined ? {} : { apiKey: value }
}

/** Of Node: a longer one is over at once. */
const longestTimerMs = 2 ** 31 - 1

function count(
  env: Env,
  name: string,
  otherwise: number,
  least: number,
  errors: string[],
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const value = text(env, name)
  if (value === undefined) return otherwise
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  errors.push(`${name} is "${value}"; it must be a whole number ${range}, for example ${name}=${otherwise}`)
  return otherwise
}

/** As curl and others read it: the name in lower case wins, ALL_PROXY stands for both, and the scheme may be missing. */
function proxy(env: Env, name: 'HTTP_PROXY' | 'HTTPS_PROXY', errors: string[]): string {
  for (const variable of [name.toLowerCase(), name, 'all_proxy', 'ALL_PROXY']) {
    const value = text(env, variable)
    if (value === undefined) continue
    // `socks5h`: the proxy looks the names up, as it always does here.
    const named = value.replace(/^socks5h:/i, 'socks5:')
    const whole = /^[a-z0-9]+:\/\//i.test(named) ? named : `http://${named}`
    if (URL.canParse(whole) && /^(https?|socks5?):$/.test(new URL(whole).protocol)) return whole
    // Its value may hold a password: it is not repeated.
    const wrong = `${variable} is no URL of a proxy; it must be an http, https or socks5 URL, for example ${variable}=http://proxy.example:3128`
    if (!errors.includes(wrong)) errors.push(wrong)
    return ''
  }
  return ''
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
}

/** No request goes to such an address, and whatever fails would say it. */
function holdsCredentials(value: string): boolean {
  const url = URL.parse(value)
  return url !== null && (url.username !== '' || url.password !== '')
}

const noCredentials = 'holds a user name or a password; leave them out: providers are given keys'

function url(env: Env, name: string, otherwise: string, errors: string[]): string {
  const value = text(env, name)
  if (value === undefined) return otherwise
  if (holdsCredentials(value)) {
    errors.push(`${name} ${noCredentials}. A valid value is ${name}=${otherwise}`)
    return otherwise
  }
  if (isHttpUrl(value)) return value.replace(/\/+$/, '')
  errors.push(`${name} is "${value}"; it must be an http or https URL, for example ${name}=${otherwise}`)
  return otherwise
}

/** As Ollama reads it: the scheme and the port may be missing, and 0.0.0.0 (where it listens) is called as 127.0.0.1. */
function ollamaUrl(env: Env, errors: string[]): string {
  const otherwise = 'http://127.0.0.1:11434/v1'
  const value = text(env, 'OLLAMA_HOST')
  if (value === undefined) return otherwise
  const hasScheme = /^[a-z]+:\/\//i.test(value)
  const whole = hasScheme ? value : `http://${value.startsWith(':') ? `127.0.0.1${value}` : value}`
  if (holdsCredentials(whole)) {
    errors.push(`OLLAMA_HOST ${noCredentials}. A valid value is OLLAMA_HOST=127.0.0.1:11434`)
    return otherwise
  }
  if (!isHttpUrl(whole)) {
    errors.push(
      `OLLAMA_HOST is "${value}"; it must be a host, with a port or a scheme if need be, for example OLLAMA_HOST=127.0.0.1:11434`,
    )
    return otherwise
  }
  const parsed = new URL(whole)
  if (parsed.hostname === '0.0.0.0' || parsed.hostname === '[::]') parsed.hostname = '127.0.0.1'
  const hasPort = parsed.port !== '' || /:(80|443)(\/|$)/.test(whole)
  if (!hasScheme && !hasPort) parsed.port = '11434'
  const path = parsed.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')
  return `${parsed.protocol}//${parsed.host}${path}/v1`
}

function compatibleProviders(env: Env, errors: string[]): CompatibleConfig[] {
  const value = text(env, 'REINS_MODEL_PROVIDERS')
  if (value === undefined) return []
  const wrong = (what: string): void => {
    errors.push(`REINS_MODEL_PROVIDERS: ${what}; a valid value is ${example}`)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(value)
  } catch (error) {
    wrong(`it is not JSON (${error instanceof Error ? error.message : String(error)})`)
    return []
  }
  if (!Array.isArray(parsed)) {
    wrong('it must be an array of providers')
    return []
  }
  const names = new Set<string>()
  return parsed.flatMap((entry: unknown, at): CompatibleConfig[] => {
    const before = errors.length
    const provider = compatibleProvider(env, entry, (what) => wrong(`entry ${at + 1}: ${what}`))
    if (provider && names.has(provider.name)) wrong(`entry ${at + 1}: the name "${provider.name}" is there twice`)
    if (!provider || errors.length > before) return []
    names.add(provider.name)
    return [provider]
  })
}

function compatibleProvider(env: Env, entry: unknown, wrong: (what: string) => void): CompatibleConfig | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return void wrong('it must be an object')
  const fields: Record<string, unknown> = { ...entry }
  for (const field of Object.keys(fields))
    if (!knownFields.has(field)) wrong(`unknown field "${field}"; known are ${[...knownFields].join(', ')}`)
  const { name, baseUrl, apiKeyEnv, models, contextWindow, unmarkedEnd } = fields
  if (typeof name !== 'string' || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
    return void wrong('"name" must be lower-case letters, digits and single hyphens')
  if (takenNames.has(name)) wrong(`the name "${name}" is built in; choose another`)
  if (typeof baseUrl !== 'string' || !isHttpUrl(baseUrl)) return void wrong('"baseUrl" must be an http or https URL')
  if (holdsCredentials(baseUrl)) return void wrong(`"baseUrl" ${noCredentials}, by apiKeyEnv`)
  if (apiKeyEnv !== undefined && (typeof apiKeyEnv !== 'string' || apiKeyEnv === ''))
    return void wrong('"apiKeyEnv" must be the name of a variable')
  if (
    contextWindow !== undefined &&
    !(typeof contextWindow === 'number' && Number.isSafeInteger(contextWindow) && contextWindow > 0)
  ) {
    return void wrong('"contextWindow" must be a whole number of tokens')
  }
  if (models !== undefined && !isNames(models)) return void wrong('"models" must be an array of model names')
  if (unmarkedEnd !== undefined && typeof unmarkedEnd !== 'boolean')
    return void wrong('"unmarkedEnd" must be true or false')
  const apiKey = apiKeyEnv === undefined ? undefined : text(env, apiKeyEnv)
  return {
    name,
    baseUrl: baseUrl.replace(/\/+$/, ''),
    ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(models === undefined || models.length === 0 ? {} : { models }),
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(unmarkedEnd ? { unmarkedEnd } : {}),
  }
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '')
}
