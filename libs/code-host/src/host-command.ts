// The command that a host is: Node, with what it may not do, in the sandbox that the shell runs in.
//   B1. Memory has two bounds: V8's heap, whose end ends the host, and all data of the process, beyond which an allocation fails.
//   B2. Node's permission model closes children, workers, add-ons and files once more inside of the sandbox: a tool that starts a
//       program, or forks, gets an error at once. Without a sandbox it is all there is, and then files are closed altogether.
//   B3. What goes to descriptor 1 past the host's own capture goes nowhere.
import { dirname } from 'node:path'
import type { Guard, Sandbox, SpawnResult } from '@reins/tools'
import { hostModules } from './host-modules.ts'

/** Descriptors at the host. */
export const hostDescriptors = [4, 5] as const

export interface HostCommand {
  readonly sandbox: Sandbox
  readonly guard: Guard
  /** Of the heap. */
  readonly memoryMb: number
  readonly network: boolean
}

/** Buffers and what Node itself takes, beside the heap. V8 asks for a part of this ahead of use. */
const dataBesideMb = 768

/** What a tool may write to /tmp, which is gone with its host. */
const scratchBytes = 64 * 1024 ** 2

const script = 'ulimit -d "$1" 2>/dev/null; shift; exec "$@" >/dev/null'

export function spawnHost({ sandbox, guard, memoryMb, network }: HostCommand): SpawnResult {
  const confined = sandbox.kind !== 'none'
  const node = [
    process.execPath,
    '--permission',
    ...(confined ? ['--allow-fs-read=*', '--allow-fs-write=/tmp/*'] : []),
    // Node 24 knows no such flag, and closes no network: the sandbox does.
    ...(network && process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
    `--max-old-space-size=${memoryMb}`,
    '--enable-source-maps',
    '--no-warnings',
    '--input-type=module',
    ...['-e', hostModules().boot],
  ]
  // A folder that is there in any sandbox: nothing is read from it.
  const folder = dirname(process.execPath)
  return sandbox.spawn({
    argv: ['/bin/sh', '-c', script, 'sh', String((memoryMb + dataBesideMb) * 1024), ...node],
    workspace: folder,
    guard: { ...guard, readOnly: [...guard.readOnly, folder], writable: [] },
    network,
    scratchBytes,
    env: {},
    descriptors: hostDescriptors,
  })
}
