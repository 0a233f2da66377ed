import { expect, test } from 'vitest'
import { loadModelsConfig } from './config.ts'

const load = (env: Record<string, string>) => {
  const result = loadModelsConfig(env)
  return result.kind === 'ok' ? result.config : result.errors
}

test('nothing set: defaults everywhere, and no key', () => {
  expect(load({})).toEqual({
    anthropic: { baseUrl: 'https://api.anthropic.com' },
    openai: { baseUrl: 'https://api.openai.com/v1' },
    ollama: { baseUrl: 'http://127.0.0.1:11434/v1', chosen: false, contextWindow: 8_192 },
    compatible: [],
    idleTimeoutMs: 120_000,
    answerTimeoutMs: 3_600_000,
    proxies: { http: '', https: '', except: '' },
    quotas: {},
    scriptedIntervalMs: 15,
  })
})

test('quotas are those of known providers, or of their models', () => {
  const quotas = { openai: { requestsPerMinute: 60 }, 'openai/gpt-6-sol': { tokensPerMinute: 400_000 } }
  expect(load({ REINS_MODEL_QUOTAS: JSON.stringify(quotas) })).toMatchObject({ quotas })
})

test.each([
  ['[', 'it is not JSON'],
  ['[]', 'it must be an object with a provider, or provider/model, as each name'],
  ['{"lab":{"requestsPerMinute":1}}', '"lab" is of no known provider; known are anthropic, openai, ollama'],
  ['{"openai":7}', 'openai: it must be an object'],
  ['{"openai":{}}', 'openai: it needs requestsPerMinute or tokensPerMinute'],
  ['{"openai":{"requestsPerMinute":0}}', 'openai: "requestsPerMinute" must be a whole number of at least 1'],
  ['{"openai":{"perMinute":1}}', 'openai: unknown field "perMinute"; known are requestsPerMinute, tokensPerMinute'],
])('REINS_MODEL_QUOTAS=%s is refused, with a valid value', (value, why) => {
  const problems = load({ REINS_MODEL_QUOTAS: value })
  expect(problems).toEqual([expect.stringContaining(`REINS_MODEL_QUOTAS: ${why}`)])
  expect(problems).toEqual([expect.stringContaining('a valid value is {"anthropic":')])
})

test.each([
  ['127.0.0.1:11500', 'http://127.0.0.1:11500/v1'],
  ['gpu.lan', 'http://gpu.lan:11434/v1'],
  [':11500', 'http://127.0.0.1:11500/v1'],
  ['0.0.0.0', 'http://127.0.0.1:11434/v1'],
  ['0.0.0.0:80', 'http://127.0.0.1/v1'],
  ['http://gpu.lan', 'http://gpu.lan/v1'],
  ['https://gpu.lan/ollama/', 'https://gpu.lan/ollama/v1'],
  ['http://gpu.lan:11434/v1', 'http://gpu.lan:11434/v1'],
])('OLLAMA_HOST=%s is %s', (host, baseUrl) => {
  expect(load({ OLLAMA_HOST: host })).toMatchObject({ ollama: { baseUrl, chosen: true } })
})

test.each([
  ['ollama/nomic-embed-text', {}, { provider: 'ollama', model: 'nomic-embed-text', least: 0.3 }],
  ['openai/text-embedding-3-small', { OPENAI_API_KEY: 'k' }, { provider: 'openai', model: 'text-embedding-3-small' }],
  ['scripted/words', { REINS_EMBEDDING_LEAST: '0.5' }, { provider: 'scripted', model: 'words', least: 0.5 }],
])('REINS_EMBEDDING_MODEL=%s is taken', (model, env, embedding) => {
  expect(load({ REINS_EMBEDDING_MODEL: model, ...env })).toMatchObject({ embedding })
})

test.each([
  ['anthropic/claude', {}, 'Anthropic has no embedding models'],
  ['openai/text-embedding-3-small', {}, 'it needs OPENAI_API_KEY'],
  ['nomic-embed-text', {}, 'for example REINS_EMBEDDING_MODEL=ollama/nomic-embed-text'],
  ['elsewhere/x', {}, 'one of REINS_MODEL_PROVIDERS'],
  ['scripted/x', {}, 'scripted has words alone'],
  ['scripted/words', { REINS_EMBEDDING_LEAST: '2' }, 'it must be a number from 0 to 1'],
])('REINS_EMBEDDING_MODEL=%s is refused in words', (model, env, why) => {
  expect(load({ REINS_EMBEDDING_MODEL: model, ...env })).toEqual([expect.stringContaining(why)])
})

test('a proxy by SOCKS looks names up itself, under either of its names; a wrong one is told of once', () => {
  const proxy = 'socks5://proxy.test:1080'
  expect(load({ ALL_PROXY: 'socks5h://proxy.test:1080' })).toMatchObject({ proxies: { http: proxy, https: proxy } })
  expect(load({ ALL_PROXY: 'quic://proxy.test' })).toEqual([expect.stringContaining('ALL_PROXY')])
})

test('providers are read with their keys', () => {
  const providers = [
    {
      name: 'lab',
      baseUrl: 'http://lab.test/v1/',
      apiKeyEnv: 'LAB_KEY',
      models: ['a', 'b'],
      contextWindow: 64_000,
      unmarkedEnd: true,
    },
    { name: 'open', baseUrl: 'http://open.test/v1' },
  ]
  expect(load({ REINS_MODEL_PROVIDERS: JSON.stringify(providers), LAB_KEY: ' k ' })).toMatchObject({
    compatible: [
      {
        name: 'lab',
        baseUrl: 'http://lab.test/v1',
        apiKeyEnv: 'LAB_KEY',
        apiKey: 'k',
        models: ['a', 'b'],
        contextWindow: 64_000,
        unmarkedEnd: true,
      },
      { name: 'open', baseUrl: 'http://open.test/v1' },
    ],
  })
})

test.each([
  [{ ANTHROPIC_BASE_URL: 'localhost' }, 'ANTHROPIC_BASE_URL'],
  [{ OPENAI_BASE_URL: 'ftp://x' }, 'OPENAI_BASE_URL'],
  [{ OLLAMA_HOST: 'http://' }, 'OLLAMA_HOST=127.0.0.1:11434'],
  [{ ANTHROPIC_BASE_URL: 'https://me:sesame@x' }, 'password'],
  [{ OLLAMA_HOST: 'me:sesame@x' }, 'password'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"lab","baseUrl":"http://me:sesame@x"}]' }, 'password'],
  [{ REINS_MODEL_IDLE_TIMEOUT_MS: 'soon' }, 'REINS_MODEL_IDLE_TIMEOUT_MS=120000'],
  [{ REINS_MODEL_ANSWER_TIMEOUT_MS: '3000000000' }, 'from 1000 to 2147483647'],
  [{ REINS_MODEL_PROVIDERS: '{' }, 'not JSON'],
  [{ REINS_MODEL_PROVIDERS: '{}' }, 'must be an array'],
  [{ REINS_MODEL_PROVIDERS: '[3]' }, 'entry 1: it must be an object'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"Lab","baseUrl":"http://x"}]' }, '"name"'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"openai","baseUrl":"http://x"}]' }, 'built in'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"lab","baseUrl":"x"}]' }, '"baseUrl"'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"lab","baseUrl":"http://x","key":"k"}]' }, 'unknown field "key"'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"lab","baseUrl":"http://x"},{"name":"lab","baseUrl":"http://x"}]' }, 'twice'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"lab","baseUrl":"http://x","models":[1]}]' }, '"models"'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"lab","baseUrl":"http://x","contextWindow":0}]' }, '"contextWindow"'],
  [{ REINS_MODEL_PROVIDERS: '[{"name":"lab","baseUrl":"http://x","unmarkedEnd":"no"}]' }, '"unmarkedEnd"'],
])('%j is refused with the variable and a valid value', (env, text) => {
  const [error] = [load(env)].flat()
  expect(error).toContain(text)
  expect(error).toContain(Object.keys(env)[0])
  expect(error).toMatch(/example|valid value/)
  expect(error).not.toContain('sesame')
})
