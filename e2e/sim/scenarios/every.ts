// All scenarios, by size: small ones, of which those that are `whole` are explored to their end everywhere; medium ones, explored as far
// as somebody looks; large ones, to walk through.

import { mediumArchive, smallArchive } from './archive.ts'
import { largeBudgets, mediumBudgets } from './budgets.ts'
import { largeConfigured, mediumConfigured } from './configured.ts'
import { largeEarly, mediumEarly, smallEarly } from './early.ts'
import { mediumErasure, smallErasure } from './erasure.ts'
import { largeFiles, mediumFiles } from './files.ts'
import { largeForks, mediumForks, smallForks } from './forks.ts'
import { largeMind, mediumMind, smallMind } from './mind.ts'
import { mediumPermitted } from './permitted.ts'
import { mediumResults } from './results.ts'
import { largeRuns, mediumRuns } from './runs.ts'
import type { Scenario } from './scenario.ts'
import { large, medium, small } from './scenarios.ts'
import { largeTeams, mediumTeams } from './teams.ts'

export const everySmall: readonly Scenario[] = [
  ...small,
  ...smallMind,
  ...smallForks,
  ...smallArchive,
  ...smallErasure,
  ...smallEarly,
]
export const everyMedium: readonly Scenario[] = [
  ...medium,
  ...mediumTeams,
  ...mediumMind,
  ...mediumResults,
  ...mediumPermitted,
  ...mediumBudgets,
  ...mediumRuns,
  ...mediumConfigured,
  ...mediumForks,
  ...mediumArchive,
  ...mediumErasure,
  ...mediumFiles,
  ...mediumEarly,
]
export const everyLarge: readonly Scenario[] = [
  ...large,
  ...largeTeams,
  ...largeMind,
  ...largeBudgets,
  ...largeRuns,
  ...largeConfigured,
  ...largeForks,
  ...largeFiles,
  ...largeEarly,
]
/** A step of theirs costs several times as much. */
export const ofMind: ReadonlySet<Scenario> = new Set([...smallMind, ...mediumMind, ...largeMind])
