// Answers that have to fit a schema: what their executor found stands beside them, or they are no answers.
import { born, message, type Scenario, usualFaults } from './scenario.ts'

export const answering = {
  executors: 2,
  runners: 0,
  born,
  output: { retries: 1 },
  gateway: [message('m1')],
  faults: usualFaults,
  total: 1,
} as const
export const misfit = { misfit: true } as const

export const mediumResults: readonly Scenario[] = [
  { ...answering, name: 'an answer that does not fit, and one that does', turns: [[misfit, {}]] },
  { ...answering, name: 'answers of which none fits', turns: [[misfit, misfit]] },
  {
    ...answering,
    name: 'an answer that does not fit, behind a tool',
    runners: 1,
    turns: [[{ tools: ['safe'] }, misfit, {}]],
  },
  {
    ...answering,
    name: 'an answer that does not fit, and a cancel',
    turns: [[misfit, {}]],
    gateway: [message('m1'), { op: 'cancel' }],
  },
  {
    ...answering,
    name: 'an answer that does not fit, and a message that joins',
    turns: [[misfit, misfit, {}]],
    gateway: [message('m1'), message('m2', 'join')],
  },
  {
    ...answering,
    name: 'a pause between an answer and the next',
    turns: [[misfit, {}]],
    gateway: [message('m1'), { op: 'pause' }, { op: 'resume' }],
  },
]
