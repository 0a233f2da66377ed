// Where the product lies as a bundle, if it does. Plain JavaScript with old syntax only: with-node.mjs runs on an old Node.
//   BP1. A bundle lies under a name that is made of all sources and of what is installed (path, size, time of change). So whoever finds one
//        has the sources of this moment, and after a change the sources themselves run.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')

/** Of the binary, relative to the root. */
export const source = path.join('deploy', 'local', 'src', 'main.ts')

/** Holds the bundles, each in a folder of its own. */
export const bundlesIn = (root) => path.join(root, 'node_modules', '.cache', 'reins')

/** The folder of the bundle of the sources as they are, whether it is there or not. Throws where they cannot be read. */
export function placeOfBundle(root = here) {
  const hash = createHash('sha256')
  const add = (file) => {
    const { size, mtimeMs } = statSync(file)
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === 'node_modules' || entry.name === 'test') continue
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) walk(file)
      else if (/\.(ts|json)$/.test(entry.name) && !entry.name.endsWith('.test.ts')) add(file)
    }
  }
  for (const file of ['package-lock.json', 'scripts/bundle.ts', 'scripts/bundle-place.mjs']) add(path.join(root, file))
  const installed = path.join(root, 'node_modules', '.package-lock.json')
  if (existsSync(installed)) add(installed)
  for (const folder of ['libs', 'services', 'deploy']) walk(path.join(root, folder))
  return path.join(bundlesIn(root), hash.digest('hex').slice(0, 24))
}

/** The bundle's program; undefined where there is none of the sources as they are. */
export function bundledProgram(root = here) {
  try {
    const program = path.join(placeOfBundle(root), 'main.mjs')
    return existsSync(program) ? program : undefined
  } catch {
    return undefined
  }
}

/**
 * What runs in place of `args`: the bundle of the product's binary where there is one of the sources as they are (bundle.ts). `make`: there is
 * none, and this is a start after which one is worth making. `binary`: it is the product's binary, or its bundle. REINS_FROM_SOURCES=1
 * runs the sources and makes no bundle.
 */
export function programOf(args, env, root = here) {
  const isBinary = args[0] !== undefined && path.resolve(args[0]) === path.join(root, source)
  if (env.REINS_FROM_SOURCES || !isBinary) return { args, make: false, binary: isBinary }
  const program = bundledProgram(root)
  return program
    ? { args: [program, ...args.slice(1)], make: false, binary: true }
    : { args, make: args[1] === 'up' || args[1] === 'dev', binary: true }
}
