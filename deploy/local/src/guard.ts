// What agents on this machine may not see, and what they may not change: what Reins itself runs from would run outside of any sandbox.
import { realpathSync } from 'node:fs'
import path from 'node:path'
import type { Guard } from '@reins/tools'
import { type LocalConfig, ownWorkspaces } from './config.ts'

/** Of this checkout or installation: its code, and the packages that it runs. */
const programFolder = path.join(import.meta.dirname, '..', '..', '..')

export const guardOf = (config: LocalConfig, masked: readonly string[]): Guard => ({
  masked,
  readOnly: [programFolder, path.dirname(process.execPath), config.cacheDir],
  // After `npm start` the data folder, and the workspaces beside it, lie in the program's own folder.
  writable: [ownWorkspaces(config.dataDir)],
})

/** A folder that the operator named, as it is when Reins starts: no link on the way to it is followed later. */
export function withoutLinks(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return folder
  }
}

/** As `withoutLinks`, for the folder of agents' own folders: it is never a link itself, since an agent that works around it could make it one. */
export const agentFolders = (folder: string): string =>
  path.join(withoutLinks(path.dirname(folder)), path.basename(folder))
