// What of the machine tools may not see, and what they may not change.
//   G1. By identity (device, inode), not by name: whatever path leads there.
//   G2. Of two folders that hold a place, the inner one says what holds: a workspace may lie in a folder that is kept as it is.
import { type BigIntStats, realpathSync, statSync } from 'node:fs'
import { sameNode } from './node.ts'

/** Absolute paths. What does not exist is nothing to keep. */
export interface Guard {
  /** Folders that no tool may see, nor anything of them, wherever it is found (masks.ts): the data folder. */
  readonly masked: readonly string[]
  /** Folders that no tool of this agent may see, by their own identity alone: where other agents work. Absent: none. */
  readonly closed?: readonly string[]
  /** Files and folders that no tool may change: the program itself, its Node, its cache. */
  readonly readOnly: readonly string[]
  /** Folders that may be changed though they lie in one of those. */
  readonly writable: readonly string[]
}

export const noGuard: Guard = { masked: [], readOnly: [], writable: [] }

export interface Place {
  readonly path: string
  readonly stat: BigIntStats
}

/** Those that exist, by their real paths. */
export const placesOf = (paths: readonly string[]): readonly Place[] =>
  paths.flatMap((path) => {
    try {
      return [{ path: realpathSync(path), stat: statSync(path, { bigint: true }) }]
    } catch {
      return []
    }
  })

export const isPlace = (places: readonly Place[], stat: BigIntStats): boolean =>
  places.some((place) => sameNode(place.stat, stat))
