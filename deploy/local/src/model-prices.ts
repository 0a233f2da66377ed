// What models cost, by the operator's table where one is named. Read once, when the process starts.
import { readFileSync } from 'node:fs'
import type { PriceOf } from '@reins/contracts'
import { pricesFrom } from '@reins/models'
import { ConfigError } from '@reins/service'

/** `file`: absolute; undefined: what the product knows. Throws a ConfigError. */
export function modelPrices(file: string | undefined): PriceOf {
  const prices = pricesFrom(file === undefined ? undefined : read(file))
  if (prices.kind === 'ok') return prices.priceOf
  throw new ConfigError(prices.errors.map((error) => `REINS_PRICES_FILE=${file ?? ''} cannot be used: ${error}.`))
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unreadable'
    throw new ConfigError([`REINS_PRICES_FILE=${file} cannot be read: ${why}. Name a file with a table of prices.`])
  }
}
