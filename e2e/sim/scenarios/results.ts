// Answers that have to fit a schema: what their executor found stands beside them, or they are no answers.
import { type FaultKind, born, type Scenario } from './scenario.ts'

const message = (id: string, onBusy: 'queue' | 'join' = 'queue') => ({ op: 'message', message: id, onBusy }) as const
const kinds: readonly FaultKind[] = [
  'lose-ack',
  'lose-request',
  'die',
  'crash',
  'stall',
  'repeat',
  'late-ack',
  'server',
]
const faults: Scenario['faults'] = Object.fromEntries(kinds.map((kind) => [kind, 1]))

export const answering = {
  executors: 2,
  runners: 0,
  born,
  output: { retries: 1 },
  gateway: [message('m1')],
  faults,
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
