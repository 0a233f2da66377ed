import { expect, test } from 'vitest'
import { loadModelsConfig } from './config.ts'
import { createModels } from './models.ts'

function given(env: Record<string, string>) {
  const loaded = loadModelsConfig(env)
  if (loaded.kind === 'invalid') throw new Error(loaded.errors.join('\n'))
  return createModels(loaded.config)
}

const lab = JSON.stringify([
  { name: 'lab', baseUrl: 'http://lab.test/v1', apiKeyEnv: 'LAB_KEY', models: ['big', 'small'] },
])
const open = JSON.stringify([{ name: 'open', baseUrl: 'http://open.test/v1', models: ['vendor/m'] }])

test.each([
  [{ ANTHROPIC_API_KEY: 'k', OPENAI_API_KEY: 'k' }, 'anthropic/claude-sonnet-5-5', 'ANTHROPIC_API_KEY'],
  [{ OPENAI_API_KEY: 'k', REINS_MODEL_PROVIDERS: lab, LAB_KEY: 'k' }, 'openai/gpt-6-sol', 'OPENAI_API_KEY'],
  [{ REINS_MODEL_PROVIDERS: lab, LAB_KEY: 'k', OLLAMA_HOST: 'x' }, 'lab/big', 'LAB_KEY'],
  [{ REINS_MODEL_PROVIDERS: lab, OLLAMA_HOST: 'x' }, 'ollama/llama3.2', 'OLLAMA_HOST'],
  [{ REINS_MODEL_PROVIDERS: open }, 'open/vendor/m', 'REINS_MODEL_PROVIDERS'],
  [{ REINS_MODEL_PROVIDERS: lab }, 'scripted/assistant', 'no provider has a key'],
])('with %j the default is %s', (env, model, because) => {
  const chosen = given(env).defaultModel()
  expect(chosen.model).toBe(model)
  expect(chosen.because).toContain(because)
  expect(given(env).resolve(chosen.model).kind).toBe('ok')
})

test('a model is found with the rest of its name, slashes and all', () => {
  const found = given({ REINS_MODEL_PROVIDERS: open }).resolve('open/vendor/m')
  expect(found).toMatchObject({ kind: 'ok', model: 'vendor/m', provider: { name: 'open' } })
  expect(given({}).resolve('ollama/qwen3:8b')).toMatchObject({ kind: 'ok', model: 'qwen3:8b' })
})

test.each([
  ['gpt-5', 'unknown', 'Write provider/model'],
  ['scripted/', 'unknown', 'Write provider/model'],
  ['nobody/m', 'unknown', 'scripted/assistant'],
  ['scripted/m', 'unknown', 'scripted/assistant, scripted/echo'],
  ['anthropic/claude', 'no-key', 'ANTHROPIC_API_KEY'],
  ['lab/big', 'no-key', 'LAB_KEY'],
])('%s is %s, with what is valid', (reference, kind, text) => {
  expect(given({ REINS_MODEL_PROVIDERS: lab }).resolve(reference)).toEqual({
    kind,
    message: expect.stringContaining(text),
  })
})

test('windows are known or careful', () => {
  const models = given({ ANTHROPIC_API_KEY: 'k', OPENAI_API_KEY: 'k' })
  const window = (reference: string) => {
    const found = models.resolve(reference)
    return found.kind === 'ok' ? found.provider.contextWindow(found.model) : undefined
  }
  expect(window('anthropic/claude-sonnet-4-5')).toBe(200_000)
  expect(window('anthropic/claude-opus-4-6')).toBe(1_000_000)
  expect(window('openai/gpt-4.1-mini')).toBe(1_000_000)
  expect(window('openai/o3')).toBe(200_000)
  expect(window('openai/gpt-5.2')).toBe(400_000)
  expect(window('openai/unheard-of')).toBe(128_000)
  expect(window('ollama/llama3.2')).toBe(8_192)
})

test('what shares a key at an address shares a quota, and a model with its own has its own', () => {
  const quotas = JSON.stringify({ lab: { requestsPerMinute: 60 }, 'lab/big': { tokensPerMinute: 9 } })
  const env = { REINS_MODEL_PROVIDERS: lab, LAB_KEY: 'secret', REINS_MODEL_QUOTAS: quotas, OPENAI_API_KEY: 'k' }
  const models = given(env)
  const bucket = (model: string, of = models) => of.quotaOf(model)?.bucket
  expect(models.quotaOf('lab/small')).toMatchObject({ name: 'lab', limit: { requests: 60 } })
  expect(bucket('lab/other')).toBe(bucket('lab/small'))
  expect(models.quotaOf('lab/big')).toMatchObject({ name: 'lab/big', limit: { tokens: 9 } })
  expect(bucket('lab/big')).not.toBe(bucket('lab/small'))
  expect(models.quotaOf('openai/one')).toMatchObject({ name: 'openai/one', limit: {} })
  expect(bucket('openai/one')).not.toBe(bucket('openai/two'))
  expect(bucket('lab/small', given(env))).toBe(bucket('lab/small'))
  expect(bucket('lab/small', given({ ...env, LAB_KEY: 'another' }))).not.toBe(bucket('lab/small'))
  expect(models.quotaOf('scripted/assistant')).toBeUndefined()
  expect(models.quotaOf('nobody/m')).toBeUndefined()
})
