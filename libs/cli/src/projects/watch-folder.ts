// Whether anything changed in a folder of source files. Says that, and not what: whoever listens looks again.
//   W1. Folders that hold no sources are not watched: what is installed, built or kept by Reins, and hidden ones but `.flue`.
//   W2. A change that comes while the listener works is told once it is done; several changes at once are told once.
import { type FSWatcher, watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'

export interface WatchedFolder {
  close(): void
}

const mostFolders = 500
const mostDepth = 8
/** An editor writes a file in several steps. */
const settleMs = 15
const leftOut: ReadonlySet<string> = new Set(['node_modules', 'dist', 'workspace'])

/** `changed` is called with the time of the first change that it is about (performance.now()). Whoever calls this closes it. */
export async function watchFolder(folder: string, changed: (since: number) => Promise<void>): Promise<WatchedFolder> {
  const watchers = new Map<string, FSWatcher>()
  let closed = false
  let since: number | undefined
  let working = false

  const told = (): void => {
    since ??= performance.now()
    if (!working) setTimeout(() => void work(), settleMs).unref()
  }
  const work = async (): Promise<void> => {
    if (working || closed || since === undefined) return
    working = true
    const from = since
    since = undefined
    try {
      await rescan()
      await changed(from)
    } finally {
      working = false
      if (since !== undefined) void work()
    }
  }
  const rescan = async (): Promise<void> => {
    const there = new Set<string>()
    await foldersBelow(folder, 0, there)
    for (const [one, watcher] of watchers)
      if (!there.has(one)) {
        watcher.close()
        watchers.delete(one)
      }
    for (const one of there) {
      if (watchers.has(one) || closed) continue
      try {
        const watcher = watch(one, (_, name) => {
          if (typeof name !== 'string' || !isLeftOut(name)) told()
        })
        watcher.on('error', () => watchers.delete(one))
        watchers.set(one, watcher)
      } catch {
        // It went away meanwhile.
      }
    }
  }
  await rescan()
  return {
    close: () => {
      closed = true
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}

/** W1. */
const isLeftOut = (name: string): boolean =>
  leftOut.has(name) || (name.startsWith('.') && name !== '.flue' && name !== '.env') || name.endsWith('.draft')

async function foldersBelow(folder: string, depth: number, found: Set<string>): Promise<void> {
  if (found.size >= mostFolders || depth > mostDepth) return
  found.add(folder)
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries)
    if (entry.isDirectory() && !isLeftOut(entry.name))
      await foldersBelow(path.join(folder, entry.name), depth + 1, found)
}
