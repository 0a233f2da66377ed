// What agents on this machine may not see, and what they may not change: what Reins itself runs from would run outside of any sandbox.
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
