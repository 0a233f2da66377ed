// The product's binary as a bundle: to read a thousand modules takes a process longer than all else that it does at its start. with-node.mjs
// runs the bundle where there is one, and has it made a while after a start from the sources; tests, which start hundreds of services, make
// it first.
//   BB1. It is the sources as they are: names are not shortened, nothing is left out, and `import.meta.url` is what it is in each source, so
//        that child processes and installed packages are found from where the source is. The workers of file tools are in the bundle too:
//        each tool-runner starts one. Of two things of one name, one has a number behind it: to give each function its own name again
//        whenever it is made (`keepNames`) takes a twenty-fifth of all that a turn costs the processor, and 14 KB of a session that waits
//        for its model.
//   BB2. It is made aside and renamed to the place that belongs to the sources of this moment (bundle-place.mjs): whoever finds it has the
//        whole of them.
//   BB3. Where it cannot be made or kept, the sources run themselves.
//   BB4. The last few stay: a product that runs reads parts of its bundle late.
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { bundlesIn, placeOfBundle, source } from './bundle-place.mjs'

const root = path.join(import.meta.dirname, '..')
const cache = bundlesIn(root)
const mostKept = 5
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
  const folder = placeOfBundle(root)
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
    ...{ bundle: true, splitting: true, platform: 'node', format: 'esm', target: 'node24' },
    outExtension: { '.js': '.mjs' },
    external: ['pg-native'],
    // Packages in CommonJS ask for modules of Node by `require`.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    logLevel: 'silent',
    plugins: [keepsPlaces(folder), keepsLatePackages],
  })
  if (placeOfBundle(root) !== folder) {
    rmSync(draft, { recursive: true, force: true })
    throw new Error('sources have changed while it was made')
  }
  try {
    renameSync(draft, folder)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(main)) throw error // Else another test was faster.
  }
  removeOlder(folder)
  return main
}

/** BB4. Also what was left half made. */
function removeOlder(newest: string): void {
  const others = readdirSync(cache)
    .map((name) => ({ folder: path.join(cache, name), madeAt: statSync(path.join(cache, name)).mtimeMs }))
    .filter(({ folder, madeAt }) => folder !== newest && Date.now() - madeAt > keptMs)
    .sort((a, b) => b.madeAt - a.madeAt)
  for (const { folder } of others.slice(mostKept)) rmSync(folder, { recursive: true, force: true })
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

if (process.argv[1] === import.meta.filename) await bundledBinary()
