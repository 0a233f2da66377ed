// The errands of an executor: those that a trigger asks for, and those that must be done before a session may rest.
import { type Errand, finalErrand } from '@reins/session'
import { errandOrder, errandsHeld } from '../world/errands.ts'
import { drop, errandDone, sent } from './append.ts'
import { type ExecSession, type ExecutorProcess, executorNamed } from './state.ts'
import type { World } from '../world/world.ts'

/** A trigger that asks for something elsewhere is one for that alone: when it is done, it is acked. */
export function askedErrand(world: World, process: ExecutorProcess, state: ExecSession, seq: number): void {
  const { session } = state.fold
  const next = errandsHeld(world, seq, state.fold)[state.held.get(seq)?.errands ?? 0]
  if (!next) drop(world, process, session.id, seq, 'ack')
  else if (run(world, process.name, session.id, next, world.triggers.get(seq)?.pool ?? '', seq) === 'newer')
    drop(world, executorNamed(world, process.name), session.id, seq, 'nak')
}

/** What must hold elsewhere before a session may rest. `done`: it appends something, or tries to. `none`: nothing (any more). */
export function standingErrand(world: World, name: string, session: string): 'none' | 'done' | 'newer' {
  // What may have to be done again has no name; it is looked at once each time.
  const looked: Errand['kind'][] = []
  for (;;) {
    const state = executorNamed(world, name).sessions.get(session)
    if (!state) return 'none'
    const { fold, done } = state
    const isDone = (one: Errand): boolean => {
      const final = finalErrand(fold.session, one)
      return final === null ? looked.includes(one.kind) : done.includes(final)
    }
    const next = world.rules.standingErrands(fold.session).find((one) => !isDone(one))
    if (!next) return 'none'
    looked.push(next.kind)
    const ran = run(world, name, session, next, fold.head.pool, null)
    if (ran !== 'none') return ran
  }
}

function run(
  world: World,
  name: string,
  session: string,
  errand: Errand,
  pool: string,
  trigger: number | null,
): 'none' | 'done' | 'newer' {
  const process = executorNamed(world, name)
  const state = process.sessions.get(session)
  if (!state) return 'none'
  const done = finalErrand(state.fold.session, errand)
  const then = { kind: 'errand', name: done, trigger } as const
  const skip = done !== null && state.done.includes(done)
  const order = skip ? null : errandOrder(world, process, state.fold, errand, pool)
  if (order === 'newer') return 'newer'
  if (order) sent(world, name, order, then, session)
  else errandDone(world, name, session, then)
  return order ? 'done' : 'none'
}
