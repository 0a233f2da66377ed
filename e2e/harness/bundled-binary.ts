// The product's binary as a bundle: tests start hundreds of services, and to read a thousand modules takes a process longer than all else
// that it does at its start.
//   BB1. It is the sources as they are: names stay, nothing is left out, and `import.meta.url` is what it is in each source, so that
//        child processes and installed packages are found from where the source is. The workers of file tools are in the bundle too: each
//        tool-runner starts one.
//   BB2. It lies under a name that is made of all sources and of this file (path, size, time of change), is made aside and renamed: whoever finds it has
//        the whole of the sources of this moment.
//   BB3. Where it cannot be made or kept, the sources run themselves.
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Relative to the root. */
const source = path.join('deploy', 'local', 'src', 'main.ts')
const cache = path.join(root, 'node_modules', '.cache', 'reins-e2e')
const keptMs = 24 * 3_600_000

/** Started by each tool-runner, by the name that it has in `workerPool`. */
const fileWorker = path.join('libs', 'tools', 'src', 'worker', 'file-worker.ts')
const workerPool = path.join('libs', 'tools', 'src', 'worker', 'worker-pool.ts')
const workerInPool = "new URL('./file-worker.ts', import.meta.url)"

/** What Node runs in place of the binary's sources. */
export const sourceBinary = path.join(root, source)

let made: Promise<string> | undefined

export function bundledBinary(): Promise<string> {
  made ??= bundle().catch((error: unknown) => {
    process.stderr.write(`the bundle of the binary cannot be made; its sources run: ${String(error)}\n`)
    return sourceBinary // BB3
  })
  return made
}

async function bundle(): Promise<string> {
  const folder = path.join(cache, keyOfSources())
  const main = path.join(folder, 'main.mjs')
  if (!readFileSync(path.join(root, workerPool), 'utf8').includes(workerInPool))
    throw new Error(`${workerPool} does not say ${workerInPool} any more`)
  if (existsSync(main)) return main
  mkdirSync(cache, { recursive: true })
  const draft = path.join(cache, randomUUID())
  await build({
    absWorkingDir: root,
    entryPoints: { main: source, 'file-worker': fileWorker },
    outdir: draft,
    ...{ bundle: true, splitting: true, platform: 'node', format: 'esm', target: 'node24', keepNames: true },
    outExtension: { '.js': '.mjs' },
    external: ['pg-native'],
    // Packages in CommonJS ask for modules of Node by `require`.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    logLevel: 'silent',
    plugins: [keepsPlaces(folder), keepsLatePackages],
  })
  try {
    renameSync(draft, folder)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(main)) throw error // Else another test was faster.
  }
  for (const name of readdirSync(cache))
    if (name !== path.basename(folder) && Date.now() - statSync(path.join(cache, name)).mtimeMs > keptMs)
      rmSync(path.join(cache, name), { recursive: true, force: true })
  return main
}

/** BB1. */
const keepsPlaces = (bundle: string): Plugin => ({
  name: 'keeps places',
  setup(builder) {
    builder.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
      if (file.includes(`${path.sep}node_modules${path.sep}`)) return undefined
      const text = readFileSync(file, 'utf8')
      if (!text.includes('import.meta.')) return undefined
      const worker = pathToFileURL(path.join(bundle, 'file-worker.mjs')).href
      const contents = text
        .replaceAll(workerInPool, `new URL(${JSON.stringify(worker)})`)
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href))
        .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)))
        .replaceAll('import.meta.filename', JSON.stringify(file))
      return { contents, loader: 'ts' }
    })
  },
})

/** A package that the sources load when they need it stays where it is: of one in CommonJS a bundle would not know the names. */
const keepsLatePackages: Plugin = {
  name: 'keeps late packages',
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, async ({ path: name, kind, importer, resolveDir, pluginData }) => {
      if (kind !== 'dynamic-import' || pluginData === seen || isBuiltin(name) || name.startsWith('@reins/'))
        return undefined
      const found = await builder.resolve(name, { kind, importer, resolveDir, pluginData: seen })
      return { path: pathToFileURL(found.path).href, external: true }
    })
  },
}
const seen = {}

/** BB2. */
function keyOfSources(): string {
  const hash = createHash('sha256').update(process.version)
  const add = (file: string): void => {
    const { size, mtimeMs } = statSync(file)
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === 'node_modules') continue
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) walk(file)
      else if (/\.(ts|json)$/.test(entry.name) && !entry.name.endsWith('.test.ts')) add(file)
    }
  }
  add(fileURLToPath(import.meta.url))
  add(path.join(root, 'package-lock.json'))
  for (const folder of ['libs', 'services', 'deploy']) walk(path.join(root, folder))
  return hash.digest('hex').slice(0, 24)
}
