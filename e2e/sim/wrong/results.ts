// Known-wrong rules of answers that have to fit a schema.
import { answering, misfit } from '../scenarios/results.ts'
import { sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

export const wrongResults: readonly WrongRule[] = [
  {
    name: 'unchecked-completes',
    says: 'an answer that nobody has held against the schema completes its turn',
    rules: { ...sound, uncheckedCompletes: true },
    scenario: {
      ...answering,
      name: 'an answer that does not fit, alone',
      executors: 1,
      turns: [[misfit, {}]],
      faults: {},
      total: 0,
    },
  },
  {
    name: 'asks-without-end',
    says: 'an answer that does not fit is asked for again as often as it takes',
    rules: { ...sound, asksWithoutEnd: true },
    scenario: {
      ...answering,
      name: 'an answer that never fits',
      executors: 1,
      turns: [[misfit, misfit, misfit, {}]],
      faults: {},
      total: 0,
    },
  },
]
