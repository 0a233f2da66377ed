// Exploring: every order of moves of a small scenario, or seeded walks through a large one.
//   X1. A world is visited once, by the hash of its key; of a world only that hash is kept.
//   X2. Where no move is left, checkRest must hold. From every walk's end, and from samples of an exhaustive run, fair moves without
//       faults must lead there: nothing is stuck, and nothing goes round in circles.
import { checkCovers, checkRest } from '../checks/checks.ts'
import { worldKey } from './key.ts'
import { faultMovesOf, type Move, movesOf } from '../world/moves.ts'
import { type Rules, sound } from '../world/rules.ts'
import type { FaultKind, Scenario } from '../scenarios/scenario.ts'
import { World } from '../world/world.ts'

export interface Finding {
  readonly violation: string
  /** Labels of moves, from the start. */
  readonly moves: readonly string[]
}
export interface Explored {
  readonly states: number
  readonly complete: boolean
  readonly finding: Finding | null
}

export function startOf(scenario: Scenario, rules: Rules = sound): World {
  const world = new World(scenario, rules)
  const fresh = { life: 0, stalled: false, suspect: false, used: false, missed: new Map<string, number>() }
  for (let at = 1; at <= scenario.executors; at++)
    world.processes.set(`e${at}`, { ...fresh, kind: 'executor', name: `e${at}`, sessions: new Map() })
  for (let at = 1; at <= scenario.runners; at++)
    world.processes.set(`r${at}`, { ...fresh, kind: 'runner', name: `r${at}`, sessions: new Map() })
  return world
}

const hits: Readonly<Record<'append' | 'ack', readonly FaultKind[]>> = {
  append: ['lose-ack', 'lose-request', 'die'],
  ack: ['late-ack'],
}
const faultMark = '; '

export function make(world: World, move: Move, fault: FaultKind | null = null): World {
  const next = world.clone()
  next.notes = world.notes === null ? null : []
  if (fault ?? move.fault) next.use((fault ?? move.fault)!)
  next.fault = fault
  move.run(next)
  const unused = next.fault !== null
  next.fault = null
  if (unused) return next
  if (!next.violation) checkCovers(next)
  return next
}

/** Everything that can happen next: the moves, and each in the ways in which it can go wrong. */
export function* nextWorlds(
  world: World,
  faults = true,
  moves = movesOf(world),
): Generator<{ label: string; world: World }> {
  for (const move of moves) {
    const next = make(world, move)
    yield { label: move.label, world: next }
    if (!faults || next.tried === 'nothing' || move.label.startsWith('gateway') || move.label.startsWith('timer'))
      continue
    for (const fault of hits[next.tried])
      if (world.has(fault)) yield { label: `${move.label}${faultMark}${fault}`, world: make(world, move, fault) }
  }
  if (faults) for (const move of faultMovesOf(world)) yield { label: move.label, world: make(world, move) }
}

/** The world after the move of this label; null: there is no such move now. */
export function play(world: World, label: string): World | null {
  const [name, fault] = label.split(faultMark)
  const kind = [...hits.append, ...hits.ack].find((one) => one === fault) ?? null
  if (kind && !world.has(kind)) return null
  const move = movesOf(world).find((one) => one.label === name) ?? faultMovesOf(world).find((one) => one.label === name)
  return move ? make(world, move, kind) : null
}

interface Path {
  readonly label: string
  readonly before: Path | null
}

function labelsOf(path: Path | null): readonly string[] {
  const labels: string[] = []
  for (let at = path; at; at = at.before) labels.push(at.label)
  return labels.reverse()
}

export interface ExhaustiveOptions {
  readonly maxStates: number
  readonly rules?: Rules
  /** Every how many states a fair run to rest is tried. 0: never. */
  readonly drainEvery?: number
  onProgress?(states: number): void
}

/** Depth first, so that memory holds one path's neighbours and the hashes of what was seen. */
export function exploreAll(scenario: Scenario, options: ExhaustiveOptions): Explored {
  const { maxStates, rules = sound, drainEvery = 200, onProgress } = options
  const seen = new Set<string>()
  const stack: { world: World; path: Path | null }[] = [{ world: startOf(scenario, rules), path: null }]
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { world, path } = top
    let moved = false
    const moves = movesOf(world)
    for (const { label, world: next } of nextWorlds(world, true, moves)) {
      moved = true
      const here = { label, before: path }
      if (next.violation)
        return { states: seen.size, complete: false, finding: { violation: next.violation, moves: labelsOf(here) } }
      const key = worldKey(next)
      if (seen.has(key)) continue
      if (seen.size >= maxStates) return { states: seen.size, complete: false, finding: null }
      seen.add(key)
      if (seen.size % 10_000 === 0) onProgress?.(seen.size)
      stack.push({ world: next, path: here })
      if (drainEvery > 0 && seen.size % drainEvery === 0) {
        const finding = drain(next, labelsOf(here))
        if (finding) return { states: seen.size, complete: false, finding }
      }
    }
    // Faults are no way out of a world where nothing else can happen.
    if (!moved || moves.length === 0) {
      checkRest(world)
      if (world.violation)
        return { states: seen.size, complete: false, finding: { violation: world.violation, moves: labelsOf(path) } }
    }
  }
  return { states: seen.size, complete: true, finding: null }
}

/** Fair moves without faults until there are none left: the move that was made longest ago comes first. */
export function drain(from: World, labels: readonly string[], limit = 3000): Finding | null {
  const made = new Map<string, number>()
  const moves = [...labels]
  let world = from.clone()
  for (let step = 0; step < limit; step++) {
    const possible = movesOf(world)
    const [first, ...others] = possible
    if (!first) {
      checkRest(world)
      return world.violation ? { violation: world.violation, moves } : null
    }
    const oldest = others.reduce((a, b) => ((made.get(b.label) ?? -1) < (made.get(a.label) ?? -1) ? b : a), first)
    made.set(oldest.label, step)
    moves.push(oldest.label)
    world = make(world, oldest)
    if (world.violation) return { violation: world.violation, moves }
  }
  return { violation: 'C5: it never comes to rest', moves }
}

export type Random = () => number
/** Small and good enough: mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** One walk: random moves, faults now and then, then to rest. */
export function walk(scenario: Scenario, random: Random, rules: Rules = sound, length = 160): Explored {
  let world = startOf(scenario, rules)
  const moves: string[] = []
  const step = (label: string, next: World): Explored | null => {
    moves.push(label)
    world = next
    return world.violation
      ? { states: moves.length, complete: false, finding: { violation: world.violation, moves } }
      : null
  }
  for (let at = 0; at < length; at++) {
    const faults = random() < 0.15 ? faultMovesOf(world) : []
    const possible = faults.length > 0 ? faults : movesOf(world)
    const move = possible[Math.floor(random() * possible.length)]
    if (!move) break
    const next = make(world, move)
    const wrong = next.tried === 'nothing' || random() > 0.2 ? [] : hits[next.tried].filter((kind) => world.has(kind))
    const fault = /^(gateway|timer)/.test(move.label) ? undefined : wrong[Math.floor(random() * wrong.length)]
    const failed = fault ? step(`${move.label}${faultMark}${fault}`, make(world, move, fault)) : step(move.label, next)
    if (failed) return failed
  }
  return { states: moves.length, complete: true, finding: drain(world, moves) }
}
