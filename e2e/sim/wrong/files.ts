// Known-wrong rules of the sandbox in memory, each with a scenario in which it bites.
import { again, keeping } from '../scenarios/files.ts'
import { message, only, type Scenario } from '../scenarios/scenario.ts'
import { sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

const named = (name: string, change: Omit<Scenario, 'name'>): Scenario => ({ ...change, name })

export const wrongFiles: readonly WrongRule[] = [
  {
    name: 'files-of-the-request',
    says: 'a call begins with the files that its request names, whatever the calls before it in the answer have left',
    rules: { ...sound, filesBefore: (_view, _call, asked) => asked },
    scenario: named('two calls of one answer that change files, alone', { ...keeping, runners: 1 }),
  },
  {
    name: 'files-forgotten',
    says: 'who asks for a call names no files, though calls of earlier answers have left some',
    rules: { ...sound, remembers: ({ files: _, ...session }) => session },
    scenario: named('two answers that change files, alone', again),
  },
  {
    name: 'files-without-their-outcome',
    says: 'what a call leaves is recorded though its outcome counts no more',
    rules: {
      ...sound,
      outcomeEvents: (ended, instance) => {
        const events = sound.outcomeEvents(ended, instance)
        const left = ended.flatMap(({ files }) => (files && !events.includes(files) ? [files] : []))
        return [...left, ...events]
      },
    },
    scenario: named('a call that changes files, its runner stands still', {
      ...keeping,
      turns: [[{ tools: ['keep'] }, {}]],
      faults: only('repeat', 'stall'),
      total: 2,
    }),
  },
  {
    name: 'outcome-without-its-files',
    says: 'the outcome of a call is recorded without what the call has left',
    rules: {
      ...sound,
      outcomeEvents: (ended, instance) =>
        sound.outcomeEvents(ended, instance).filter(({ type }) => type !== 'files.kept'),
    },
    scenario: named('two answers that change files, and one loses them', again),
  },
  {
    name: 'files-without-what-they-tell',
    says: 'what a call leaves is recorded without what it tells agents',
    rules: {
      ...sound,
      outcomeEvents: (ended, instance) =>
        sound.outcomeEvents(ended, instance).filter(({ type }) => type !== 'workspace.found'),
    },
    scenario: named('a turn that changes files, and another one', {
      ...again,
      turns: [[{ tools: ['keep'] }, {}], [{}]],
      gateway: [message('m1'), message('m2')],
    }),
  },
]
