// Known-wrong rules of model calls that go out together with their announcements, each with a scenario in which it bites.
import { budgeted, refused } from '../scenarios/early.ts'
import { sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

export const wrongEarly: readonly WrongRule[] = [
  {
    name: 'shows-early',
    says: 'what a call says is shown before its announcement is known to be in the log',
    rules: { ...sound, showsEarly: true },
    scenario: { ...refused, name: 'an early call' },
  },
  {
    name: 'keeps-refused',
    says: 'a call whose announcement was refused goes on, and its answer is recorded',
    rules: { ...sound, keepsRefused: true },
    scenario: { ...refused, name: 'an early call' },
  },
  {
    name: 'early-under-budget',
    says: 'a call under a budget goes out before anything is set aside for it',
    rules: { ...sound, mayGoEarly: (_before, { effect }) => effect?.kind === 'call-model' && effect.attempt === 1 },
    scenario: { ...budgeted, name: 'an early call under a budget' },
  },
]
