// A failure made short: delta debugging over its moves, each candidate played again from the start; then told in words.
import { checkRest } from '../checks/checks.ts'
import { drain, type Finding, play, startOf } from './explore.ts'
import { movesOf } from '../world/moves.ts'
import type { Rules } from '../world/rules.ts'
import type { Scenario } from '../scenarios/scenario.ts'

/** Plays what can be played of the labels; what cannot is left out. null: nothing goes wrong. */
function replay(scenario: Scenario, rules: Rules, labels: readonly string[], kind: string): Finding | null {
  let world = startOf(scenario, rules)
  const moves: string[] = []
  for (const label of labels) {
    const next = play(world, label)
    if (!next) continue
    moves.push(label)
    world = next
    if (world.violation) return sameKind(world.violation, kind) ? { violation: world.violation, moves } : null
  }
  if (kind !== 'C5') return null
  if (movesOf(world).length > 0) {
    const drained = drain(world, moves)
    return drained && sameKind(drained.violation, kind) ? drained : null
  }
  checkRest(world)
  return world.violation && sameKind(world.violation, kind) ? { violation: world.violation, moves } : null
}

const kindOf = (violation: string): string => violation.split(':')[0] ?? ''
const sameKind = (violation: string, kind: string): boolean => kindOf(violation) === kind

/** The same kind of failure with as few moves as removing some of them can reach. */
export function shrink(scenario: Scenario, rules: Rules, finding: Finding): Finding {
  const kind = kindOf(finding.violation)
  let best = replay(scenario, rules, finding.moves, kind) ?? finding
  for (let size = Math.ceil(best.moves.length / 2); size >= 1; ) {
    let shorter: Finding | null = null
    for (let at = 0; at < best.moves.length && !shorter; at += size) {
      const found = replay(scenario, rules, [...best.moves.slice(0, at), ...best.moves.slice(at + size)], kind)
      if (found && found.moves.length < best.moves.length) shorter = found
    }
    if (shorter) best = shorter
    else if (size === 1) break
    if (!shorter || size > best.moves.length) size = Math.max(1, Math.floor(size / 2))
  }
  return best
}

/** A numbered list: each move, and below it what it did. */
export function tell(scenario: Scenario, rules: Rules, finding: Finding): string {
  const lines = [`${scenario.name}: ${finding.violation}`]
  let world = startOf(scenario, rules)
  world.notes = []
  finding.moves.forEach((label, at) => {
    const next = play(world, label)
    if (!next) return
    lines.push(`${String(at + 1).padStart(3)}. ${label}`)
    for (const note of next.notes ?? []) lines.push(`       ${note}`)
    world = next
  })
  return lines.join('\n')
}
