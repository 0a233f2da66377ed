// What a process writes besides frames, while the disk has no room for it.
//   DR1. What somebody counts on waits, as an append does: a timer is armed when there is room.
//   DR2. What is derived, or can be done without, is left out at once: a snapshot is not written, an output is not kept.
//   DR3. Reading, and removing, go on.
import type { OutputStore, Snapshots, Timers } from './port.ts'

/** undefined: there is room. Otherwise resolves when there is, or when `signal` is aborted. */
export type Room = (signal?: AbortSignal) => Promise<void> | undefined

/** DR1. */
export const timersWithRoom = (timers: Timers, room: Room): Timers => ({
  async arm(session, timer, at, signal) {
    await room(signal)
    return timers.arm(session, timer, at, signal)
  },
  consumeFired: (on, failed) => timers.consumeFired(on, failed),
})

/** DR2. */
export const snapshotsWithRoom = (snapshots: Snapshots, room: Room): Snapshots => ({
  read: (session, options) => snapshots.read(session, options),
  async write(session, snapshot) {
    if (!hasNone(room)) await snapshots.write(session, snapshot)
  },
  delete: (session) => snapshots.delete(session),
})

/** DR2: `put` rejects, and whoever keeps says that the whole could not be kept. */
export const outputsWithRoom = (outputs: OutputStore, room: Room): OutputStore => ({
  async put(session, bytes) {
    if (hasNone(room)) throw new Error('the disk has no room for an output')
    return outputs.put(session, bytes)
  },
  get: (session, ref) => outputs.get(session, ref),
})

/** Whoever only asks waits for nothing. */
function hasNone(room: Room): boolean {
  const asking = new AbortController()
  const waiting = room(asking.signal)
  asking.abort()
  return waiting !== undefined
}
