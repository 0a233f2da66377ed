import { describe, expect, it } from 'vitest'
import { exploreAll, seeded, walk } from './exploring/explore.ts'
import { type Rules, sound } from './world/rules.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { everyLarge, everyMedium, everySmall, ofMind } from './scenarios/every.ts'
import { shrink, tell } from './exploring/shrink.ts'
import { everyWrongRule } from './wrong/every.ts'
import { ackCoveredElsewhere, noRowForOwnCall, wrong } from './wrong/protocol.ts'
import { lostIntent, wrongRules } from './wrong/rules.ts'

/** What went wrong, as a list of moves; undefined: nothing. */
const failureOf = (scenario: Scenario, maxStates: number, rules: Rules = sound): string | undefined => {
  const { finding } = exploreAll(scenario, { maxStates, rules })
  return finding ? tell(scenario, rules, shrink(scenario, rules, finding)) : undefined
}

describe('the protocol, explored', () => {
  const named = (scenario: Scenario) => [scenario.name, scenario] as const
  const whole = everySmall.filter((scenario) => scenario.whole)
  it.each(whole.map(named))('holds: %s', (_, scenario) => {
    const { finding, complete } = exploreAll(scenario, { maxStates: 25_000 })
    expect(finding && tell(scenario, sound, shrink(scenario, sound, finding))).toBeNull()
    expect(complete).toBe(true)
  })

  const partly = [...everySmall.filter((scenario) => !scenario.whole), ...everyMedium]
  it.each(partly.map(named))('holds as far as it is looked at: %s', (_, scenario) => {
    expect(failureOf(scenario, ofMind.has(scenario) ? 1_000 : 2_500)).toBeUndefined()
  })

  it.each(everyLarge.map(named))('holds on seeded walks: %s', (_, scenario) => {
    for (let seed = 1; seed <= (ofMind.has(scenario) ? 10 : 30); seed++) {
      const { finding } = walk(scenario, seeded(seed))
      expect(finding && tell(scenario, sound, shrink(scenario, sound, finding))).toBeNull()
    }
  })
})

describe('the simulator bites', () => {
  /** B1: rules that bite in one scenario share it. */
  const sane = new Set<string>()
  it.each(everyWrongRule.map((rule) => [rule.name, rule] as const))('finds the known-wrong rule %s', (_, rule) => {
    const walked = Array.from({ length: rule.walks ?? 0 }, (_one, at) => at + 1)
    const bites =
      rule.walks === undefined
        ? exploreAll(rule.scenario, { maxStates: 60_000, rules: rule.rules, drainEvery: 0 }).finding !== null
        : walked.some((seed) => walk(rule.scenario, seeded(seed), rule.rules).finding)
    expect(bites).toBe(true)
    const setting = JSON.stringify(rule.scenario)
    if (!sane.has(setting)) expect(failureOf(rule.scenario, 500)).toBeUndefined()
    sane.add(setting)
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
