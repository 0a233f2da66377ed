import { expect } from 'vitest'
import type { Tally } from './tally.ts'

/** Says what was tried; fails where something of it got through. */
export function refusedAll(tally: Tally): void {
  for (const line of tally.lines()) console.log(line)
  expect(tally.gotThrough()).toEqual([])
}
