// Whether this process has memory for one more call that waits: the bound under the number of slots.
//   M1. Looked up at most once in a quarter of a second: it is asked for each call.
import os from 'node:os'
import v8 from 'node:v8'

const lookEveryMs = 250
const fullShare = 0.85

/** `look`: the share of the memory that is used. */
export function memoryRoom(now: () => number, look: () => number): () => boolean {
  let lookedAt = Number.NEGATIVE_INFINITY
  let hasRoom = true
  return () => {
    const at = now()
    if (Math.abs(at - lookedAt) >= lookEveryMs) {
      lookedAt = at
      hasRoom = look() < fullShare
    }
    return hasRoom
  }
}

/** Of the heap that node may use: for calls that this process keeps in mind. */
export function heapShare(): number {
  const { used_heap_size, heap_size_limit } = v8.getHeapStatistics()
  return used_heap_size / heap_size_limit
}

/** Of the machine, or of what this process is allowed of it: for calls that are processes of their own. */
export function memoryShare(): number {
  const allowed = process.constrainedMemory()
  const total = allowed > 0 ? Math.min(os.totalmem(), allowed) : os.totalmem()
  return 1 - process.availableMemory() / total
}
