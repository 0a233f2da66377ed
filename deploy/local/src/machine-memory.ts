// The memory that this machine has, or the container that this process runs in.
import { totalmem } from 'node:os'

export function machineMemoryMb(): number {
  const contained = process.constrainedMemory()
  const all = totalmem()
  return Math.floor((contained > 0 ? Math.min(contained, all) : all) / 1024 ** 2)
}
