// What the harness takes from the environment: where programs are found, and where Node keeps what it has compiled. Services that it
// starts get nothing else of it.
import os from 'node:os'

export const searchPath = process.env.PATH ?? ''
/** For each Node that is started: tests start hundreds. */
export const compileCache: Readonly<Record<string, string>> =
  process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }
export const home = process.env.HOME ?? os.homedir()
/** Set: what the services log is shown. */
export const showLogs = process.env.REINS_E2E_LOGS !== undefined
