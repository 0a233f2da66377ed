// Up to which sequence everything of a pool was acknowledged, as its entry in KV says it: in the one stream of sessions (`floor`), or in
// each of several (`floors`).
//   PF1. A floor only grows, and never lies above what was acknowledged.
//   PF2. `floor` counts for a stream that `floors` does not name: sessions that were moved from the one stream keep their sequences.
import { type PoolEntry, sessionStreamsOf } from '@reins/contracts'

const single: readonly string[] = sessionStreamsOf(1).names

export const floorOf = ({ floor, floors = {} }: PoolEntry, stream: string): number => floors[stream] ?? floor

/** undefined: nothing has grown. */
export function withFloors(entry: PoolEntry, acked: readonly (readonly [string, number])[]): PoolEntry | undefined {
  const grown = acked.filter(([stream, floor]) => floor > floorOf(entry, stream))
  if (grown.length === 0) return undefined
  const one = grown.find(([stream]) => single.includes(stream))
  if (one) return { ...entry, floor: one[1] }
  return { ...entry, floors: { ...entry.floors, ...Object.fromEntries(grown) } }
}
