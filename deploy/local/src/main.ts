// The binary `reins`: its program (commands/program.ts) with what this process has: its streams, its clock, its data folder.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type CliEnvironment, processContext, processEnvironment, runProgram } from '@reins/cli'
import { systemClock } from '@reins/service'
import { reinsProgram } from './commands/program.ts'
import { verifierWith } from './commands/verify.ts'
import { dataDirOwner } from './data/data-dir.ts'
import { version } from './product-version.ts'

/** By Ctrl-C, as shells count it: nobody waits for a reader then. */
const interrupted = 130

/** Throws where it was deleted under the shell that stands in it. */
function currentFolderIsThere(): boolean {
  try {
    return process.cwd() !== ''
  } catch {
    return false
  }
}
if (!currentFolderIsThere()) {
  process.stderr.write('reins: The current folder does not exist any more. Change to another folder, and try again.\n')
  process.exit(1)
}

const environment = processEnvironment()
const dataDir = path.resolve(environment.dataDir ?? '.reins')

/** Without REINS_URL, client commands talk to the product that runs on the data folder, whatever port it has. */
function withRunningProduct(env: CliEnvironment): CliEnvironment {
  const url = env.url ?? dataDirOwner(dataDir)?.note
  return url === undefined ? env : { ...env, url }
}

/** The admin token of the data folder. */
async function readAdminToken(): Promise<string | undefined> {
  try {
    return readFileSync(path.join(dataDir, 'admin.token'), 'utf8').trim()
  } catch {
    return undefined
  }
}

const env = withRunningProduct(environment)
const context = processContext({
  ...{ now: systemClock.now, readAdminToken, verify: verifierWith(dataDir), env },
  startServer: async (options) => (await import('./commands/server-actions.ts')).startHere(options),
})
const code = await runProgram(reinsProgram(context, version), process.argv.slice(2), context)
// A pipe is read at its reader's pace: what is not taken yet would be cut off by the end of the process.
const taken = (stream: NodeJS.WriteStream): Promise<void> => new Promise((resolve) => stream.write('', () => resolve()))
if (code !== interrupted) await Promise.all([process.stdout, process.stderr].map(taken))
// A request that hangs must not keep a command that has its exit code.
process.exit(code === 0 ? (process.exitCode ?? 0) : code)
