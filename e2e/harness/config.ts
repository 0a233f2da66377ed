// What the harness takes from the environment: where programs are found. Services that it starts get nothing else of it.
import os from 'node:os'

export const searchPath = process.env.PATH ?? ''
export const home = process.env.HOME ?? os.homedir()
/** Set: what the services log is shown. */
export const showLogs = process.env.REINS_E2E_LOGS !== undefined
