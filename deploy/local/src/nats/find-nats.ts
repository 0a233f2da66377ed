// Where the nats-server comes from: a chain of sources, the first that has one new enough.
//   F1. Named by the operator > on PATH > cache > official release archive > Debian's archive > an error with the ways out.
//   F2. Nothing is run before it is verified: the release archive against the SHA-256 below, Debian's package by apt.
//       What lies on PATH or in the cache is not run where everybody may write to it, and in the cache only while it is the file that was
//       installed there: its SHA-256 stands beside it. Version and SHA-256 are shown (`reins doctor`).
//   F3. Two starts at once fetch once: the second waits for the first. A dead fetcher's lock is nobody's (owner-lock).
//   F4. What lands in the cache appears whole, by rename.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { atLeast, parseVersion } from '../commands/version.ts'
import { type OwnerLock, takeOwnership } from '../data/owner-lock.ts'

export const MIN_NATS_VERSION = '2.12.0'

export interface FindNatsOptions {
  /** Made where it is missing; for example `~/.cache/reins`. */
  readonly cacheDir: string
  /** The value of PATH. */
  readonly searchPath: string
  /** REINS_NATS_SERVER: this one and no other. */
  readonly explicit?: string
  readonly log: (line: string) => void
  /** Default: the published release for this platform, where its checksum is known. */
  readonly archive?: ReleaseArchive | 'none'
  /** Default: scripts/fetch-nats.sh. */
  readonly debianScript?: string | 'none'
  /** How long to wait for a fetch, one's own or another process's. Default 180 s. */
  readonly withinMs?: number
}

export interface FoundNats {
  readonly path: string
  readonly version: string
  /** Of the file, in hexadecimal. */
  readonly sha256: string
  readonly how: 'REINS_NATS_SERVER' | 'PATH' | 'cache' | 'release archive' | 'Debian package'
}

export interface ReleaseArchive {
  readonly url: string
  readonly sha256: string
}

const RELEASE = '2.12.7'
// The checksums that the publishers of nats-server state for this release. A platform without one goes to the next source.
const RELEASE_SHA256: Readonly<Record<string, string>> = {
  'linux-amd64': '570d2d627db111e679cc1e6bc57ba78f373ed1769acd8dc9c21c8f62d15b3c52',
  'linux-arm64': '3b9a79986778285c0e5acaba0b1218b72f6159db68fe5b8916a7d846240f9f22',
}
const CONNECT_MS = 5000
const run = promisify(execFile)

/** Finds or fetches a nats-server >= 2.12. Rejects with an error that says what was tried and what to do. */
export async function findNatsServer(options: FindNatsOptions): Promise<FoundNats> {
  if (options.explicit !== undefined) return explicitServer(options.explicit)
  const tried: string[] = []
  for (const folder of options.searchPath.split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue // '' and '.' would run what lies in the current folder
    const found = await usable(path.join(folder, 'nats-server'), 'PATH', tried)
    if (found !== undefined) return found
  }
  const cached = path.join(options.cacheDir, 'nats-server')
  const found = await usable(cached, 'cache', tried)
  if (found !== undefined) return found
  // Whoever only looks (doctor) leaves no trace.
  if (options.archive === 'none' && options.debianScript === 'none') throw new NatsNotFound(tried)
  return fetchOnce(options, cached, tried)
}

async function explicitServer(file: string): Promise<FoundNats> {
  const tried: string[] = []
  const found = await usable(path.resolve(file), 'REINS_NATS_SERVER', tried)
  if (found !== undefined) return found
  throw new Error(
    `REINS_NATS_SERVER=${file} is not a nats-server >= ${MIN_NATS_VERSION}: ${tried[0] ?? 'there is no such file, or Reins may not execute it'}. ` +
      'Give the path of a nats-server, or unset REINS_NATS_SERVER and Reins looks for one itself.',
  )
}

async function fetchOnce(options: FindNatsOptions, cached: string, tried: string[]): Promise<FoundNats> {
  const deadline = AbortSignal.timeout(options.withinMs ?? 180_000)
  const lock = await lockCache(options, deadline)
  try {
    // Whoever had the lock before may have fetched it.
    const found = await usable(cached, 'cache', [])
    if (found !== undefined) return found
    return (await fromRelease(options, cached, deadline, tried)) ?? (await fromDebian(options, cached, deadline, tried))
  } finally {
    lock.release()
  }
}

async function lockCache(options: FindNatsOptions, deadline: AbortSignal): Promise<OwnerLock> {
  try {
    mkdirSync(options.cacheDir, { recursive: true, mode: 0o700 })
    accessSync(options.cacheDir, constants.W_OK)
  } catch (error) {
    throw new NatsNotFound([`Reins cannot write to its cache ${options.cacheDir}: ${messageOf(error)}`])
  }
  for (let waited = false; ; waited = true) {
    const taken = takeOwnership(options.cacheDir, 'fetch')
    if (taken.kind === 'held') return taken.lock
    if (!waited) options.log(`Waiting for process ${taken.by.pid}, which is downloading nats-server.`)
    if (deadline.aborted) {
      throw new NatsNotFound([
        `process ${taken.by.pid} has been fetching it since ${taken.by.since} and does not finish: stop it (kill ${taken.by.pid})`,
      ])
    }
    await delay(50)
  }
}

async function fromRelease(
  options: FindNatsOptions,
  cached: string,
  deadline: AbortSignal,
  tried: string[],
): Promise<FoundNats | undefined> {
  const archive = options.archive ?? releaseArchive()
  if (archive === undefined || archive === 'none') {
    tried.push(`release archive: no known checksum for ${process.platform}-${process.arch}`)
    return undefined
  }
  options.log(`Downloading nats-server: ${archive.url}`)
  try {
    const bytes = await download(archive.url, deadline)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if (sha256 !== archive.sha256)
      throw new Error(`its SHA-256 is ${sha256}, not ${archive.sha256}; nothing was installed`)
    install(fileInTar(gunzipSync(bytes), 'nats-server'), cached)
    return recorded(await usable(cached, 'release archive', tried))
  } catch (error) {
    tried.push(`release archive ${archive.url}: ${messageOf(error)}`)
    return undefined
  }
}

async function fromDebian(
  options: FindNatsOptions,
  cached: string,
  deadline: AbortSignal,
  tried: string[],
): Promise<FoundNats> {
  const script = options.debianScript ?? fileURLToPath(new URL('../../../../scripts/fetch-nats.sh', import.meta.url))
  if (script === 'none') throw new NatsNotFound(tried)
  options.log("Downloading nats-server from Debian's archive with apt.")
  try {
    await run('bash', [script, options.cacheDir, MIN_NATS_VERSION], { signal: deadline, killSignal: 'SIGTERM' })
  } catch (error) {
    const said =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-3).join('; ') : ''
    tried.push(`Debian's archive: ${said === '' ? messageOf(error) : said}`)
    throw new NatsNotFound(tried)
  }
  const found = recorded(await usable(cached, 'Debian package', tried))
  if (found === undefined) throw new NatsNotFound(tried)
  return found
}

function releaseArchive(): ReleaseArchive | undefined {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const sha256 = RELEASE_SHA256[platform]
  if (sha256 === undefined) return undefined
  const file = `nats-server-v${RELEASE}-${platform}.tar.gz`
  return { url: `https://github.com/nats-io/nats-server/releases/download/v${RELEASE}/${file}`, sha256 }
}

/** The answer has to begin within CONNECT_MS, so a machine without a way out goes on to the next source soon. */
async function download(url: string, deadline: AbortSignal): Promise<Buffer> {
  const connect = new AbortController()
  const timer = setTimeout(() => connect.abort(new Error(`no answer within ${CONNECT_MS} ms`)), CONNECT_MS)
  try {
    const response = await fetch(url, { signal: AbortSignal.any([connect.signal, deadline]) })
    clearTimeout(timer)
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    return Buffer.from(await response.arrayBuffer())
  } catch (error) {
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error
  } finally {
    clearTimeout(timer)
  }
}

/** The content of the first regular file of that name in a tar archive, whatever folder it is in. */
function fileInTar(tar: Buffer, name: string): Buffer {
  for (let at = 0; at + 512 <= tar.length; ) {
    const entry = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '')
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8)
    const kind = tar.toString('latin1', at + 156, at + 157)
    if (Number.isNaN(size)) break
    if (path.posix.basename(entry) === name && (kind === '0' || kind === '\0'))
      return tar.subarray(at + 512, at + 512 + size)
    at += 512 + Math.ceil(size / 512) * 512
  }
  throw new Error(`there is no ${name} in the archive`)
}

function install(bytes: Buffer, target: string): void {
  const draft = `${target}.${process.pid}`
  try {
    writeFileSync(draft, bytes, { mode: 0o755, flush: true })
    chmodSync(draft, 0o755)
    renameSync(draft, target)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** The server at this path, where there is one that runs and is new enough; else why not, unless there is simply none. */
async function usable(file: string, how: FoundNats['how'], tried: string[]): Promise<FoundNats | undefined> {
  try {
    accessSync(file, constants.X_OK)
  } catch {
    return undefined
  }
  try {
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
    const installed = how === 'cache' ? recordOf(file) : undefined
    const problem = whyNot(file, sha256, how, installed)
    if (problem !== undefined) return void tried.push(problem)
    const version = installed?.version ?? (await versionOf(file))
    if (version === undefined) tried.push(`${file} does not say a version`)
    else if (!atLeast(version, MIN_NATS_VERSION)) tried.push(`${file} is ${version}`)
    else {
      const found = { path: file, version, sha256, how }
      // By a Reins that did not write down the version.
      if (installed !== undefined && installed.version === undefined) recorded(found)
      return found
    }
  } catch (error) {
    tried.push(`${file} does not run: ${messageOf(error)}`)
  }
  return undefined
}

/** F2. Why a file that is there is not run. */
function whyNot(
  file: string,
  sha256: string,
  how: FoundNats['how'],
  installed: InstalledNats | undefined,
): string | undefined {
  if (how !== 'PATH' && how !== 'cache') return undefined
  const [itself, folder] = [statSync(file), statSync(path.dirname(file))]
  const everybody = 0o002
  const sticky = 0o1000
  if ((itself.mode & everybody) !== 0 || (folder.mode & (everybody | sticky)) === everybody)
    return `${file} is not run, because everybody on this machine may write to it or to its folder`
  return installed === undefined || installed.sha256 === sha256
    ? undefined
    : `${file} is not run, because it is not what was installed there (its SHA-256 is ${sha256}, not ${installed.sha256})`
}

async function versionOf(file: string): Promise<string | undefined> {
  const { stdout } = await run(file, ['--version'], { timeout: 10_000 })
  return parseVersion(stdout)
}

const recordFile = (file: string): string => `${file}.sha256`

interface InstalledNats {
  readonly sha256: string
  /** Absent where an older Reins has installed it. */
  readonly version?: string
}

function recordOf(file: string): InstalledNats | undefined {
  try {
    const text = readFileSync(recordFile(file), 'utf8')
    const sha256 = /^[0-9a-f]{64}/.exec(text)?.[0]
    const version = /^# version (\d+\.\d+\.\d+)$/m.exec(text)?.[1]
    return sha256 === undefined ? undefined : { sha256, ...(version === undefined ? {} : { version }) }
  } catch {
    return undefined // put there by an older Reins, or by hand
  }
}

/** With its version, so that a start need not run it to know that; what cannot be written is no reason not to start. */
function recorded(found: FoundNats | undefined): FoundNats | undefined {
  if (!found) return found
  const text = `${found.sha256}  ${path.basename(found.path)}\n# version ${found.version}\n`
  try {
    writeFileSync(recordFile(found.path), text, { mode: 0o644 })
  } catch (error) {
    // Where it was just installed, the next start could not tell it from what somebody else put there.
    if (found.how !== 'cache') throw error
  }
  return found
}

/** The one error of the whole chain: what was tried, and the ways out. */
export class NatsNotFound extends Error {
  readonly tried: readonly string[]
  constructor(tried: readonly string[]) {
    super(
      [
        `Reins found no nats-server >= ${MIN_NATS_VERSION}, and could not download one:`,
        ...tried.map((line) => `  - ${line}`),
        'Do one of these:',
        `  - install nats-server >= ${MIN_NATS_VERSION} so that it is on PATH (https://nats.io/download; macOS: brew install nats-server)`,
        '  - set REINS_NATS_SERVER=/path/to/nats-server',
        '  - set NATS_URL=nats://host:4222 to use a server with JetStream that runs already',
      ].join('\n'),
    )
    this.name = 'NatsNotFound'
    this.tried = tried
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
