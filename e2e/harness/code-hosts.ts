// The processes in which code of users runs, as a test finds and kills them.
import { readdirSync, readFileSync } from 'node:fs'

/** The processes of Node below a service that run with Node's permission model: its hosts. */
export function hostsOf(pid: number): readonly number[] {
  const below = childrenOf(pid)
  return below.flatMap((child) => [...(isHost(child) ? [child] : []), ...hostsOf(child)])
}

/** Throws where there is none. */
export function killHosts(pid: number): void {
  const hosts = hostsOf(pid)
  if (hosts.length === 0) throw new Error(`no code host runs below ${pid}`)
  for (const host of hosts) process.kill(host, 'SIGKILL')
}

function isHost(pid: number): boolean {
  try {
    const [program = '', flag] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return program.endsWith('/node') && flag === '--permission'
  } catch {
    return false
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}
