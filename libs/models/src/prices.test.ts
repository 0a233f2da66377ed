import { expect, test } from 'vitest'
import { pricesFrom } from './prices.ts'

const priceOf = (model: string, text?: string) => {
  const prices = pricesFrom(text)
  return prices.kind === 'ok' ? prices.priceOf(model) : prices.errors
}

test('models of a line have the price of their line, and older ones their own', () => {
  expect(priceOf('anthropic/claude-sonnet-4-5')).toEqual({ input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 })
  expect(priceOf('anthropic/claude-opus-4-5')).toMatchObject({ input: 5 })
  expect(priceOf('anthropic/claude-opus-4-1-20250805')).toMatchObject({ input: 15 })
})

test('models that run on this machine cost nothing', () => {
  expect(priceOf('ollama/llama3.2')).toEqual({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 })
  expect(priceOf('scripted/assistant')).toMatchObject({ input: 0 })
})

test('nobody guesses the price of a model that no entry fits', () => {
  expect(priceOf('openai/gpt-5-very-new')).toBeUndefined()
  expect(priceOf('lab/llama')).toBeUndefined()
})

test('entries of the file come first, and what they leave out of a cache costs as much as input', () => {
  const file = JSON.stringify({
    'anthropic/*': { input: 1, output: 2 },
    'anthropic/claude-haiku-4-5': { input: 0.5, output: 1, cache_read: 0.05, cache_write: 0.6 },
  })
  expect(priceOf('anthropic/claude-sonnet-4-5', file)).toEqual({ input: 1, output: 2, cacheRead: 1, cacheWrite: 1 })
  expect(priceOf('anthropic/claude-haiku-4-5', file)).toMatchObject({ input: 0.5, cacheRead: 0.05 })
  expect(priceOf('openai/gpt-4.1', file)).toMatchObject({ input: 2 })
})

test.each([
  ['[', 'it is not JSON'],
  ['[]', 'it is not a table of prices'],
  ['{"sonnet":{"input":1,"output":1}}', '"sonnet" does not name a model'],
  ['{"a/*b":{"input":1,"output":1}}', '"a/*b" has a * that is not at its end'],
  ['{"a/b":3}', '"a/b" has no prices'],
  ['{"a/b":{"input":1}}', '"a/b" lacks output'],
  ['{"a/b":{"input":-1,"output":1}}', 'input of "a/b" is not a price'],
  ['{"a/b":{"input":1,"output":1,"cached":1}}', '"a/b" has an unknown field "cached"'],
])('a file that is no table says what is wrong with it: %s', (text, why) => {
  expect(priceOf('a/b', text)).toEqual([expect.stringContaining(why)])
})
