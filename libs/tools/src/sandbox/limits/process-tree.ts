// The processes below one, and the memory that they hold, from Linux's /proc; nothing where there is no such thing.
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** The processes below `pid`, by generation. */
export function descendants(pid: number): readonly (readonly number[])[] {
  const generations: number[][] = []
  for (let next = childrenOf(pid); next.length > 0 && generations.length < 64; next = next.flatMap(childrenOf))
    generations.push(next)
  return generations
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

export interface HeldMemory {
  readonly bytes: number
  readonly processes: number
}

/**
 * What the processes hold that cannot be dropped (files that lie in the cache are not counted). Where the plain sum is above `limit` it
 * is measured again, with what several of them share counted once, as far as the system tells it.
 */
export async function memoryOf(pids: readonly number[], limit: number): Promise<HeldMemory> {
  const plain = await sum(pids, ownOf)
  const bytes = plain <= limit ? plain : await sum(pids, async (pid) => (await shareOf(pid)) ?? ownOf(pid))
  return { bytes, processes: pids.length }
}

async function sum(pids: readonly number[], of: (pid: number) => Promise<number>): Promise<number> {
  const found = await Promise.all(pids.map(of))
  return found.reduce((all, one) => all + one, 0)
}

const ownOf = async (pid: number): Promise<number> =>
  kilobytesIn((await textOf(`/proc/${pid}/status`)) ?? '', ['RssAnon', 'RssShmem']) ?? 0
const shareOf = async (pid: number): Promise<number | undefined> =>
  kilobytesIn((await textOf(`/proc/${pid}/smaps_rollup`)) ?? '', ['Pss_Anon', 'Pss_Shmem'])

/** As bytes; undefined: none of the names is there. */
function kilobytesIn(text: string, names: readonly string[]): number | undefined {
  const found = names.flatMap((name) => {
    const [, digits] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text) ?? []
    return digits === undefined ? [] : [Number(digits) * 1024]
  })
  return found.length === 0 ? undefined : found.reduce((all, one) => all + one, 0)
}

/** undefined: the process is gone, or the system does not let it be read. */
const textOf = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined)
