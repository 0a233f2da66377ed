// The whole log of a session over HTTP, as whoever checks it gets it: also what lies in the archive, which the stream itself has not.
import type { ApiFrame } from '@reins/contracts'
import { checkLog, type StoredFrame, storedFrameOf } from '@reins/session'
import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import type { World } from './world.ts'

export async function framesOf({ api }: World, session: string): Promise<readonly StoredFrame[]> {
  const found: StoredFrame[] = []
  for (let after = 0, more = true; more; ) {
    const { status, body } = await api.once<{ frames: ApiFrame[]; more: boolean }>(
      'GET',
      `/v1/sessions/${session}/frames?after=${after}&limit=3`,
    )
    if (status !== 200) throw new Error(`the frames of ${session}: ${status} ${JSON.stringify(body)}`)
    found.push(...body.frames.map((frame) => storedFrameOf(session, frame)))
    after = body.frames.at(-1)?.seq ?? after
    more = body.more
  }
  return found
}

/** At rest, sound, and answered so often. */
export const rested = (world: World, session: string, turns: number) =>
  eventually(
    async () => {
      const frames = await framesOf(world, session)
      const { atRest, problems } = checkLog(session, frames)
      const done = frames.flatMap(({ frame }) => frame.events).filter(({ type }) => type === 'turn.completed').length
      expect(problems).toEqual([])
      return atRest && done === turns && frames
    },
    { withinMs: 60_000, describe: () => `${session} has answered ${turns} times` },
  )
