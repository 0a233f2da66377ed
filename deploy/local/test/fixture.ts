// What the tests of this folder share: folders that go away, the nats-server that the product finds, a second process.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type FoundNats, findNatsServer } from '../src/nats/find-nats.ts'

export class Scratch implements Disposable {
  readonly path: string
  constructor() {
    this.path = mkdtempSync(path.join(tmpdir(), 'reins-local-'))
  }
  in(...names: string[]): string {
    return path.join(this.path, ...names)
  }
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export function natsServer(): Promise<FoundNats> {
  return findNatsServer({
    cacheDir: path.join(homedir(), '.cache', 'reins'),
    searchPath: process.env.PATH ?? '',
    log: () => {},
  })
}

/** What other-process.ts says, depending on its task. */
export interface Said {
  readonly pid: number
  readonly opened: boolean
}

/** Another process that does one thing (test/other-process.ts), says so in one line, and stays until it is killed. */
export async function otherProcess(task: string, ...args: string[]): Promise<{ child: ChildProcess; said: Said }> {
  const script = fileURLToPath(new URL('./other-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, task, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => {
      throw new Error(`${task} ended before it said anything`)
    }),
  ])
  const said: Said = JSON.parse(String(line))
  return { child, said }
}

export async function killNow(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
