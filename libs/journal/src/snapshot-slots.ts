// Which older snapshots of a session are kept: the first one in each slot, and slots grow with the session. So the state at any frame
// is folded from at most about a third of the frames before it, and a session has a bounded number of snapshots.
const smallest = 64
const slotsPerDoubling = 2
/** Enough for 64 million frames. */
export const slots = 41

/** Of a snapshot at frame `n`; undefined: it is not worth keeping, since so few frames are folded quickly. */
export function slotOf(n: number): number | undefined {
  if (n < smallest) return undefined
  return Math.min(Math.floor(Math.log2(n / smallest) * slotsPerDoubling), slots - 1)
}
