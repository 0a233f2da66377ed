// The context of a real process: its streams, its clock, its signals.
import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@reins/client'
import { bundleCode } from '@reins/project'
import { type CliEnvironment, processEnvironment } from './config.ts'
import type { CliContext } from './context.ts'
import { editInFile } from './edit-in-file.ts'
import { openInBrowser } from './open-in-browser.ts'
import { projectTools } from './projects/project-tools.ts'
import { credentialFiles } from './sign-in/credentials-file.ts'
import { listenForAnswer } from './sign-in/loopback.ts'
import type { SignIn } from './sign-in/ports.ts'
import { openProvider } from './sign-in/provider.ts'
import { bundleSkills } from './skills/skill-folder.ts'

export interface ProcessContextOptions {
  /** Default: `createClient` of @reins/client. */
  readonly connect?: CliContext['connect']
  readonly now: () => number
  readonly readAdminToken: () => Promise<string | undefined>
  readonly env?: CliEnvironment
  readonly verify?: CliContext['verify']
  readonly startServer?: CliContext['startServer']
}

export function processContext(options: ProcessContextOptions): CliContext {
  const env = options.env ?? processEnvironment()
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env,
    readAdminToken: options.readAdminToken,
    now: options.now,
    sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
    makeKey: () => randomUUID(),
    readFile: (path) => readFile(path, 'utf8'),
    readBytes: (path) => readFile(path),
    listFolder: async (path) =>
      (await readdir(path, { withFileTypes: true })).map((one) => ({ name: one.name, folder: one.isDirectory() })),
    bundle: bundleCode,
    bundleSkills,
    projects: projectTools(process.execPath),
    editText: (text, suffix) => editInFile(env.editor ?? 'vi', text, suffix),
    openPage: openInBrowser,
    ...(env.stateDir === undefined ? {} : { signIn: signInWith(path.join(env.stateDir, 'credentials'), options.now) }),
    onInterrupt: (listener) => {
      process.on('SIGINT', listener)
      return () => void process.off('SIGINT', listener)
    },
    onTerminate: (listener) => {
      process.on('SIGTERM', listener)
      return () => void process.off('SIGTERM', listener)
    },
    connect: options.connect ?? createClient,
    ...(options.verify === undefined ? {} : { verify: options.verify }),
    ...(options.startServer === undefined ? {} : { startServer: options.startServer }),
  }
}

const signInWith = (folder: string, now: () => number): SignIn => ({
  credentials: credentialFiles(folder),
  provider: (provider) => openProvider(provider, now),
  listen: listenForAnswer,
})
