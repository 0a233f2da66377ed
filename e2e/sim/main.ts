// npm run sim -- [--exhaustive [--max 1000000]] [--seed 7 --walks 1000] [--wrong NAME] [--scenario TEXT]
// Exit code 0: nothing was found (with --wrong: it was found). 1: the other way round. 2: it was asked for in a way that makes no sense.
import { parseArgs } from 'node:util'
import { type Explored, exploreAll, seeded, walk } from './exploring/explore.ts'
import { type Rules, sound } from './world/rules.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { everyLarge, everyMedium, everySmall } from './scenarios/every.ts'
import { shrink, tell } from './exploring/shrink.ts'
import { everyWrongRule } from './wrong/every.ts'

const usage = `npm run sim -- [--exhaustive [--max STATES]] [--seed N --walks N] [--wrong NAME|all] [--scenario TEXT]
  --exhaustive   every order of moves of the small scenarios (at most --max states each, default 1000000)
  --walks N      N seeded walks through each large scenario (default 1000 where --exhaustive is not given)
  --wrong NAME   with this known-wrong rule, in its scenario: ${everyWrongRule.map(({ name }) => name).join(', ')}
  --scenario T   only scenarios whose name holds this text`

interface Told {
  states: number
  found: number
}

function report(scenario: Scenario, rules: Rules, { states, complete, finding }: Explored, ms: number): void {
  const what = finding ? 'FAILED' : complete ? 'whole' : 'in part'
  console.log(`${scenario.name}: ${states.toLocaleString('en')} states, ${what}, ${(ms / 1000).toFixed(1)} s`)
  if (finding) console.log(tell(scenario, rules, shrink(scenario, rules, finding)))
}

function exhaustive(scenarios: readonly Scenario[], maxStates: number, told: Told, rules = sound): void {
  for (const scenario of scenarios) {
    const start = performance.now()
    const onProgress = (states: number) => {
      if (states % 100_000 === 0) console.error(`  ${scenario.name}: ${states.toLocaleString('en')} states`)
    }
    const explored = exploreAll(scenario, { maxStates, rules, onProgress })
    told.states += explored.states
    if (explored.finding) told.found++
    report(scenario, rules, explored, performance.now() - start)
  }
}

function walks(scenarios: readonly Scenario[], seed: number, count: number, told: Told, rules = sound): void {
  for (const scenario of scenarios) {
    const start = performance.now()
    let states = 0
    let failed: Explored | null = null
    for (let at = 0; at < count && !failed; at++) {
      const explored = walk(scenario, seeded(seed * 1_000_003 + at), rules)
      states += explored.states
      if (explored.finding) failed = explored
      if (at % 1000 === 999) console.error(`  ${scenario.name}: ${at + 1} walks`)
    }
    told.states += states
    if (failed) told.found++
    report(scenario, sound, { states, complete: false, finding: failed?.finding ?? null }, performance.now() - start)
  }
}

const { values } = parseArgs({
  options: {
    exhaustive: { type: 'boolean' },
    max: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '7' },
    walks: { type: 'string' },
    wrong: { type: 'string' },
    scenario: { type: 'string', default: '' },
    help: { type: 'boolean' },
  },
})
const told: Told = { states: 0, found: 0 }
const max = Number(values.max)
const seed = Number(values.seed)
const count = Number(values.walks ?? (values.exhaustive ? 0 : 1000))
const chosen = everyWrongRule.filter(({ name }) => values.wrong === 'all' || name === values.wrong)
const named = (scenarios: readonly Scenario[]) => scenarios.filter(({ name }) => name.includes(values.scenario))

if (values.help) console.log(usage)
else if (![max, seed, count].every(Number.isSafeInteger) || (values.wrong !== undefined && chosen.length === 0)) {
  console.error(usage)
  process.exitCode = 2
} else if (chosen.length > 0) {
  for (const { name, says, scenario, rules, walks: tries } of chosen) {
    console.log(`\n# ${name}: ${says}`)
    if (tries === undefined) exhaustive([scenario], max, told, rules)
    else walks([scenario], 0, tries, told, rules)
  }
  console.log(`\n${told.found} of ${chosen.length} known-wrong rules found`)
  process.exitCode = told.found === chosen.length ? 0 : 1
} else {
  if (values.exhaustive) exhaustive(named([...everySmall, ...everyMedium]), max, told)
  if (count > 0) walks(named(everyLarge), seed, count, told)
  console.log(`${told.states.toLocaleString('en')} states visited, ${told.found} failures`)
  process.exitCode = told.found === 0 ? 0 : 1
}
