// The memory, as the body of a call sees it: it takes what is to be stored, and says what it has recorded. An operation of the same name is
// recorded once, however often it is asked for.
import { short, type World } from '../world/world.ts'
import { runnerNamed, update } from './process.ts'
import type { RunningBody } from './state.ts'

export const storeName = 'store_memory'

/** Its body ends when the memory has answered. */
export const mayStore = ({ tool, stored }: RunningBody): boolean => tool === storeName && !stored

export function store(world: World, name: string, session: string, { call, attempt }: RunningBody): void {
  const state = runnerNamed(world, name).sessions.get(session)
  if (!state) return
  const whose = `${short(session)} ${call}`
  // Known-wrong: another attempt is another operation.
  const operation = world.rules.memoryByAttempt ? `${whose}/${attempt}` : whose
  world.note(`the memory ${world.stored.has(operation) ? 'has recorded it before' : `records ${operation}`}`)
  // C12.
  if (!world.stored.has(operation) && [...world.stored].some((one) => one.split('/')[0] === whose))
    world.fail(`C12: ${whose} changes the memory twice`)
  world.stored = new Set(world.stored).add(operation)
  const running = state.running.map((body) =>
    body.call === call && body.attempt === attempt ? { ...body, stored: true as const } : body,
  )
  update(world, name, session, { running })
}
