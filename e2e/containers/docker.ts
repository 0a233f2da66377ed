// Docker as these tests need it: whether it is there, its command line, and ports of this machine for its containers.
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import path from 'node:path'

export const root = path.join(import.meta.dirname, '../..')

export interface DockerResult {
  readonly ok: boolean
  readonly stdout: string
  /** What it said, for people. */
  readonly output: string
}

/** Never rejects; ends it after `withinMs`. */
export function docker(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly withinMs?: number } = {},
): Promise<DockerResult> {
  const { env = {}, withinMs = 120_000 } = options
  const settings = {
    cwd: root,
    env: { ...process.env, ...env },
    timeout: withinMs,
    maxBuffer: 64 * 1024 * 1024,
  }
  return new Promise((resolve) => {
    execFile('docker', [...args], settings, (error, stdout, stderr) => {
      const output = `docker ${args.join(' ')}\n${stdout}${stderr}${error ? `\n${error.message}` : ''}`
      resolve({ ok: error === null, stdout, output })
    })
  })
}

/** As `docker`; rejects with what it said when it fails. */
export async function dockerOk(...[args, options]: Parameters<typeof docker>): Promise<string> {
  const { ok, stdout, output } = await docker(args, options)
  if (!ok) throw new Error(output)
  return stdout
}

/** Why tests that need Docker cannot run here; undefined when they can. */
export function noDocker(): string | undefined {
  for (const args of [['info'], ['compose', 'version']]) {
    const { error, status, stderr } = spawnSync('docker', args, { encoding: 'utf8', timeout: 20_000 })
    if (error) return `docker cannot be run: ${error.message}`
    if (status !== 0) return `docker ${args.join(' ')} failed: ${stderr.trim().split('\n').at(-1)}`
  }
  return undefined
}

/** Why an image is not here and cannot be had; undefined when it is here. */
export async function noImage(image: string): Promise<string | undefined> {
  if ((await docker(['image', 'inspect', image])).ok) return undefined
  const { ok, output } = await docker(['pull', '--quiet', image], { withinMs: 240_000 })
  return ok ? undefined : `${image} cannot be pulled: ${output.trim().split('\n').at(-1)}`
}

/** Free now; a container that is killed and started again keeps it only if it is asked for by number. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
