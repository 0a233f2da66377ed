// `reins streams split` as a real process of its own, as the broker's user that may do it: killed at a step, or let run to its end.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { moverUser } from '@reins/contracts'
import { bundledBinary } from '../../scripts/bundle.ts'
import { compileCache, home, searchPath } from './config.ts'
import type { World } from './world.ts'

export interface Split {
  /** What it says on standard output, with `--json`. */
  readonly said: {
    readonly kind?: string
    readonly state?: string
    readonly frames?: number
    readonly closedMs?: number
  }
  readonly log: readonly string[]
}

/** `killedAt`: kill -9 as soon as it stands there, and then undefined. Rejects where it ends otherwise, or with another code than 0. */
export async function splitStreams(
  world: World,
  { killedAt, flags = [] }: { readonly killedAt?: string; readonly flags?: readonly string[] } = {},
): Promise<Split | undefined> {
  const words = ['streams', 'split', ...flags, '--json']
  const environment = {
    NATS_URL: world.servers.natsUrl(moverUser),
    ...(killedAt === undefined ? {} : { REINS_PAUSE_AT: `split.${killedAt}` }),
  }
  const { code, out, log } = await runReins(world, words, environment, (line) => line.startsWith('paused '))
  if (code === 'killed') return undefined
  if (killedAt !== undefined) throw new Error(`reins streams split never came to ${killedAt}\n${log.join('\n')}`)
  return { said: JSON.parse(out) as Split['said'], log }
}

/** Kills it with -9 at a line of its standard error that fits. Rejects where it ends with another code than 0. */
export async function runReins(
  world: World,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  kill: (line: string) => boolean = () => false,
): Promise<{ readonly code: 0 | 'killed'; readonly out: string; readonly log: readonly string[] }> {
  const { folder } = world.servers
  const child = spawn(process.execPath, [await bundledBinary(), ...words], {
    cwd: folder,
    env: { ...compileCache, PATH: searchPath, HOME: home, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: string[] = []
  let out = ''
  let killed = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line)
    if (!kill(line)) return
    killed = true
    child.kill('SIGKILL')
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (killed) return { code: 'killed', out, log }
  if (code !== 0) throw new Error(`reins ${words.join(' ')} ended with ${code}\n${log.join('\n')}`)
  return { code, out, log }
}
