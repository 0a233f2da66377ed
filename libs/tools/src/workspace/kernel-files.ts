// File systems in which the kernel shows itself as files: they hold the environment of processes, and controls of the machine.
import { statfsSync } from 'node:fs'
import type { Node } from './node.ts'

/** Of proc and sysfs, as statfs(2) names them on Linux. */
const kernelFilesystems: readonly number[] = [0x9fa0, 0x62656572]

/** Says of a node whether it is the kernel's. Each device is asked once, so make one for a call, and no more. */
export function kernelLook(): (node: Node) => boolean {
  const known = new Map<bigint, boolean>()
  return (node) => {
    if (process.platform !== 'linux') return false
    const { dev } = node.stat
    const before = known.get(dev)
    if (before !== undefined) return before
    try {
      const found = kernelFilesystems.includes(statfsSync(node.address).type)
      known.set(dev, found)
      return found
    } catch {
      return false // gone meanwhile: opening it says so
    }
  }
}
