// All known-wrong rules.

import { wrongArchive } from './archive.ts'
import { wrongErasure } from './erasure.ts'
import { wrongBudgets } from './budgets.ts'
import { wrongConfigured } from './configured.ts'
import { wrongEarly } from './early.ts'
import { wrongFiles } from './files.ts'
import { wrongForks } from './forks.ts'
import { wrongMind } from './mind.ts'
import { wrongPermitted } from './permitted.ts'
import { wrongResults } from './results.ts'
import { type WrongRule, wrongRules } from './rules.ts'
import { wrongRuns } from './runs.ts'
import { wrongTeams } from './teams.ts'

export const everyWrongRule: readonly WrongRule[] = [
  ...wrongRules,
  ...wrongTeams,
  ...wrongResults,
  ...wrongPermitted,
  ...wrongMind,
  ...wrongBudgets,
  ...wrongRuns,
  ...wrongConfigured,
  ...wrongForks,
  ...wrongArchive,
  ...wrongErasure,
  ...wrongFiles,
  ...wrongEarly,
]
