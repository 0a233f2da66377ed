// Where parts of this Reins lie that a project outside of it needs.
import { createRequire } from 'node:module'
import path from 'node:path'

/** The folder of the package @reins/agent. */
export const agentPackageFolder = (): string =>
  path.dirname(createRequire(import.meta.url).resolve('@reins/agent/package.json'))

/** What Node imports before the tests of a project. */
export const nodeRegister = (): string => new URL('./imports/node-register.ts', import.meta.url).href
