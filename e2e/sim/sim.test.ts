import { describe, expect, it } from 'vitest'
import { exploreAll, seeded, walk } from './exploring/explore.ts'
import { type Rules, sound } from './world/rules.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { large, medium, small } from './scenarios/scenarios.ts'
import { largeMind, mediumMind, smallMind } from './scenarios/mind.ts'
import { largeBudgets, mediumBudgets } from './scenarios/budgets.ts'
import { largeTeams, mediumTeams } from './scenarios/teams.ts'
import { mediumResults } from './scenarios/results.ts'
import { mediumPermitted } from './scenarios/permitted.ts'
import { largeConfigured, mediumConfigured } from './scenarios/configured.ts'
import { largeRuns, mediumRuns } from './scenarios/runs.ts'
import { wrongBudgets } from './wrong/budgets.ts'
import { wrongConfigured } from './wrong/configured.ts'
import { wrongResults } from './wrong/results.ts'
import { wrongPermitted } from './wrong/permitted.ts'
import { wrongMind } from './wrong/mind.ts'
import { wrongRuns } from './wrong/runs.ts'
import { wrongTeams } from './wrong/teams.ts'
import { shrink, tell } from './exploring/shrink.ts'
import { ackCoveredElsewhere, noRowForOwnCall, wrong } from './wrong/protocol.ts'
import { lostIntent, wrongRules } from './wrong/rules.ts'

/** What went wrong, as a list of moves; undefined: nothing. */
const failureOf = (scenario: Scenario, maxStates: number, rules: Rules = sound): string | undefined => {
  const { finding } = exploreAll(scenario, { maxStates, rules })
  return finding ? tell(scenario, rules, shrink(scenario, rules, finding)) : undefined
}

describe('the protocol, explored', () => {
  const whole = small.filter((scenario) => scenario.whole)
  it.each(whole.map((scenario) => [scenario.name, scenario] as const))('holds: %s', (_, scenario) => {
    const { finding, complete } = exploreAll(scenario, { maxStates: 20_000 })
    expect(finding && tell(scenario, sound, shrink(scenario, sound, finding))).toBeNull()
    expect(complete).toBe(true)
  })

  const partly = small.filter((scenario) => !scenario.whole)
  const mediums = [
    ...partly,
    ...medium,
    ...mediumTeams,
    ...mediumResults,
    ...mediumPermitted,
    ...mediumBudgets,
    ...mediumRuns,
    ...mediumConfigured,
  ]
  it.each(mediums.map((scenario) => [scenario.name, scenario] as const))(
    'holds as far as it is looked at: %s',
    (_, scenario) => {
      expect(failureOf(scenario, 2_500)).toBeUndefined()
    },
  )

  it.each([...smallMind, ...mediumMind].map((scenario) => [scenario.name, scenario] as const))(
    'holds at its beginning: %s',
    (_, scenario) => {
      expect(failureOf(scenario, 1_000)).toBeUndefined()
    },
  )

  const larges = [...large, ...largeTeams, ...largeMind, ...largeBudgets, ...largeRuns, ...largeConfigured]
  it.each(larges.map((scenario) => [scenario.name, scenario] as const))('holds on seeded walks: %s', (_, scenario) => {
    for (let seed = 1; seed <= (largeMind.includes(scenario) ? 10 : 30); seed++) {
      const { finding } = walk(scenario, seeded(seed))
      expect(finding && tell(scenario, sound, shrink(scenario, sound, finding))).toBeNull()
    }
  })
})

describe('the simulator bites', () => {
  const rules = [
    ...wrongRules,
    ...wrongTeams,
    ...wrongResults,
    ...wrongPermitted,
    ...wrongMind,
    ...wrongBudgets,
    ...wrongRuns,
    ...wrongConfigured,
  ]
  it.each(rules.map((rule) => [rule.name, rule] as const))('finds the known-wrong rule %s', (_, rule) => {
    const walked = Array.from({ length: rule.walks ?? 0 }, (_one, at) => at + 1)
    const bites =
      rule.walks === undefined
        ? exploreAll(rule.scenario, { maxStates: 60_000, rules: rule.rules, drainEvery: 0 }).finding !== null
        : walked.some((seed) => walk(rule.scenario, seeded(seed), rule.rules).finding)
    expect(bites).toBe(true)
    expect(failureOf(rule.scenario, 500)).toBeUndefined()
  })

  it('shrinks a failure to moves that still lead to it', () => {
    const rule = wrongRules.find(({ name }) => name === 'loser-acks')!
    const { finding } = exploreAll(rule.scenario, { maxStates: 30_000, rules: rule.rules })
    const short = shrink(rule.scenario, rule.rules, finding!)
    expect(short.moves.length).toBeLessThanOrEqual(finding!.moves.length)
    expect(short.violation).toMatch(/^C4: /)
    expect(tell(rule.scenario, rule.rules, short)).toContain('e1 acks root#1')
  })

  it('needs "covered, so ack" and no row for one’s own call before comparing the last frame does harm', () => {
    const compares = { ...sound, compareLastFrame: true }
    const covered = wrong(sound, noRowForOwnCall, ackCoveredElsewhere)
    const whole = (rules: Rules) => exploreAll(lostIntent, { maxStates: 30_000, rules })
    expect(whole(compares)).toMatchObject({ complete: true, finding: null })
    expect(whole(covered)).toMatchObject({ complete: true, finding: null })
    expect(whole({ ...covered, compareLastFrame: true }).finding).not.toBeNull()
  })
})
