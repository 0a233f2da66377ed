// The page as files: built by Vite once, and again only when its sources change.
//   PB1. A build stands in dist/<digest of its sources>, and comes there whole, by a rename: who reads it never sees half of one, and two
//        processes that build at the same time do not disturb each other.
//   PB2. Where the sources changed, or nothing was built yet, whoever needs the page builds it.
//   PB3. An image without Vite brings a build along, and uses it: also one of sources that are a little older.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { glob, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { ReinsError } from '@reins/contracts'

const home = path.join(import.meta.dirname, '..')
const dist = path.join(home, 'dist')
const buildWithinMs = 180_000
/** What the bundle is made of, beside packages from elsewhere: those stand in package.json. */
const sources = [
  'web/{package.json,page/**/*}',
  'web/src/page-vite.ts',
  '{transcript,client,contracts,agent}/{package.json,src/**/*.ts}',
]

export interface PageFile {
  readonly bytes: Uint8Array
  readonly type: string
  /** Its name changes with its content. */
  readonly immutable: boolean
}
export interface Page {
  readonly digest: string
  /** By path: `/index.html`, `/assets/…`. */
  readonly files: ReadonlyMap<string, PageFile>
}

/** The page as its sources are now; `onBuild` is told when it has to be built first. Rejects with a ReinsError. */
export async function pageOf(onBuild: () => void = () => undefined): Promise<Page> {
  const digest = await digestOfSources()
  const folder = path.join(dist, digest)
  if (existsSync(path.join(folder, 'index.html'))) return { digest, files: await readFiles(folder) }
  const older = isViteThere() ? undefined : await anyBuild() // PB3
  if (older !== undefined) return { digest: older, files: await readFiles(path.join(dist, older)) }
  onBuild()
  await build(folder)
  return { digest, files: await readFiles(folder) }
}

function isViteThere(): boolean {
  try {
    import.meta.resolve('vite')
    return true
  } catch {
    return false
  }
}

async function anyBuild(): Promise<string | undefined> {
  const names = existsSync(dist) ? await readdir(dist) : []
  return names.find((name) => existsSync(path.join(dist, name, 'index.html')))
}

async function digestOfSources(): Promise<string> {
  const libs = path.join(home, '..')
  const found: string[] = []
  for await (const file of glob(sources, { cwd: libs })) found.push(file.split(path.sep).join('/'))
  const hash = createHash('sha256')
  for (const file of found.filter((one) => /\.\w+$/.test(one) && !/\.test\.tsx?$/.test(one)).sort()) {
    const bytes = await readFile(path.join(libs, file))
    hash.update(`${file}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex').slice(0, 16)
}

/** PB1. */
async function build(folder: string): Promise<void> {
  const half = path.join(dist, `half-${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    await mkdir(dist, { recursive: true })
    await runVite(half)
    await rename(half, folder).catch((error: unknown) => {
      if (!existsSync(path.join(folder, 'index.html'))) throw error // else another process was faster
    })
  } catch (error) {
    throw new ReinsError('internal', `The chat page could not be built: ${firstLine(error)}`, {
      next: 'Run npm ci in the folder of Reins, and look whether its disk is full.',
    })
  } finally {
    await rm(half, { recursive: true, force: true })
  }
  for (const old of await readdir(dist))
    if (old !== path.basename(folder) && !old.startsWith('half-'))
      await rm(path.join(dist, old), { recursive: true, force: true })
}

function runVite(folder: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const vite = spawn(process.execPath, [path.join(import.meta.dirname, 'page-vite.ts'), folder], {
    env: { NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: buildWithinMs,
  })
  let said = ''
  vite.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  vite.on('error', reject)
  vite.on('close', (code) => {
    if (code === 0) resolve()
    else reject(new Error(/Cannot find package 'vite'/.test(said) ? 'Vite is not installed.' : said.trim()))
  })
  return promise
}

const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n')[0] ?? ''

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

async function readFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>()
  for await (const file of glob('**/*.*', { cwd: folder })) {
    const name = `/${file.split(path.sep).join('/')}`
    const type = types[path.extname(name)] ?? 'application/octet-stream'
    files.set(name, { bytes: await readFile(path.join(folder, file)), type, immutable: name.startsWith('/assets/') })
  }
  return files
}
