// What models cost, and what a number of tokens costs. Amounts are US dollars.
//   PR1. An amount is a whole number of billionths of a dollar, so sums are exact: the order of adding changes nothing.
import { type Static, Type } from 'typebox'
import type { Usage } from '../events/content.ts'

const dollars = Type.Number({ minimum: 0, maximum: 1_000_000 })

/** US dollars for a million tokens. */
export const ModelPrice = Type.Object({ input: dollars, output: dollars, cacheRead: dollars, cacheWrite: dollars })
export type ModelPrice = Static<typeof ModelPrice>

/** The price of `provider/model`; undefined: nobody has said what it costs. */
export type PriceOf = (model: string) => ModelPrice | undefined

const billionths = 1_000_000_000

/** PR1. */
export const exactUsd = (usd: number): number => Math.round(usd * billionths) / billionths

export const addUsd = (a: number, b: number): number => exactUsd(a + b)

export function usdOf(
  price: ModelPrice,
  { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Omit<Usage, 'reasoningTokens'>,
): number {
  const fresh = Math.max(inputTokens - cacheReadTokens - cacheWriteTokens, 0)
  const millionths =
    fresh * price.input +
    cacheReadTokens * price.cacheRead +
    cacheWriteTokens * price.cacheWrite +
    outputTokens * price.output
  return exactUsd(millionths / 1_000_000)
}

/** What a call costs at most that sends `input` tokens and may answer with `output`: nothing of it comes from a cache, and all of it may go into one. */
export const worstUsd = (price: ModelPrice, input: number, output: number): number =>
  exactUsd((input * Math.max(price.input, price.cacheWrite) + output * price.output) / 1_000_000)
