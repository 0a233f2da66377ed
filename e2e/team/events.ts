// What tests of teams read in logs, and the commands by which the scripted model delegates.
import type { EventData, EventType } from '@reins/contracts'
import { expect } from 'vitest'
import type { World } from '../harness/world.ts'

/** The data of the session's events of one type, in their order. */
export async function dataOf<T extends EventType>(
  world: World,
  session: string,
  type: T,
): Promise<readonly EventData<T>[]> {
  const events = (await world.readLog(session)).flatMap(({ frame }) => frame.events)
  return events.flatMap((event) => (event.type === type ? [event.data as EventData<T>] : []))
}

/** Rest, and no fault in the log. */
export async function sound(world: World, ...sessions: readonly string[]): Promise<void> {
  for (const session of sessions) expect([session, await world.verdict(session)]).toEqual([session, []])
}

export const delegate = (args: Record<string, unknown>): string => `call delegate ${JSON.stringify(args)}`

/** The child of the session's delegation at this place. */
export async function childAt(world: World, session: string, at = 0): Promise<string> {
  return (await dataOf(world, session, 'delegation.requested'))[at]?.child ?? ''
}
