// Which packages a file for an agent finds without an installation: @reins/agent with its doors, always as it is here, and TypeBox and
// Hono where its folder has none. Each is made one module first, so that nothing in a bundle says where Reins is installed.
import { createRequire } from 'node:module'
import path from 'node:path'
import type { BuildOptions, Plugin } from 'esbuild'

export const ownNamespace = 'reins'
const marked = Symbol('asked by this plugin')

type Build = (options: BuildOptions & { write: false }) => Promise<{ outputFiles: readonly { text: string }[] }>

/** `build`: esbuild's. */
export function ownPackages(build: Build): Plugin {
  const here = createRequire(import.meta.url)
  const beside = createRequire(here.resolve('@reins/agent'))
  const besideFolder = path.dirname(here.resolve('@reins/agent'))
  const made = new Map<string, Promise<string>>()
  const moduleOf = (name: string): Promise<string> => {
    const known =
      made.get(name) ??
      oneModule(
        build,
        name.startsWith('hono')
          ? reexport(name, besideFolder)
          : atPath(name.startsWith('@reins/') ? here.resolve(name) : beside.resolve(name)),
      )
    made.set(name, known)
    return known
  }
  const ours = (name: string) => ({ path: name, namespace: ownNamespace, sideEffects: false })
  return {
    name: 'reins-own-packages',
    setup(plugin) {
      plugin.onResolve({ filter: /^@reins\// }, ({ path: name }) =>
        doors.includes(name) ? ours(name) : { errors: [{ text: `${name} is ${notADoor(name)}` }] },
      )
      plugin.onResolve({ filter: /^(?:typebox|hono)(\/|$)/ }, async ({ path: name, kind, resolveDir, pluginData }) => {
        if (pluginData === marked) return undefined
        const theirs = await plugin.resolve(name, { kind, resolveDir, pluginData: marked })
        return theirs.errors.length === 0 ? theirs : ours(name)
      })
      plugin.onLoad({ filter: /.*/, namespace: ownNamespace }, async ({ path: name }) => ({
        contents: await moduleOf(name),
        loader: 'js',
      }))
    },
  }
}

const agentPackage = '@reins/agent'
const manifest = createRequire(import.meta.url)(`${agentPackage}/package.json`) as {
  readonly exports: Readonly<Record<string, string>>
}
/** As they are imported: `@reins/agent`, `@reins/agent/project`. */
const doors: readonly string[] = Object.keys(manifest.exports).map((door) => agentPackage + door.slice(1))

const notADoor = (name: string): string =>
  name.startsWith(`${agentPackage}/`)
    ? `not there: import ${doors.join(', ')}`
    : `a part of Reins that files for agents do not import: import ${agentPackage}`

type Entry = Pick<BuildOptions, 'entryPoints' | 'stdin'>
const atPath = (file: string): Entry => ({ entryPoints: [file] })
/** As it is imported, not as it is required: a package may have one file for each. */
const reexport = (name: string, resolveDir: string): Entry => ({
  stdin: { contents: `export * from ${JSON.stringify(name)}`, resolveDir },
})

/** Small, since every bundle holds it; and without comments, in which esbuild would name the files. */
async function oneModule(build: Build, entry: Entry): Promise<string> {
  const { outputFiles } = await build({
    ...entry,
    ...{ bundle: true, write: false, format: 'esm', platform: 'node', target: 'node24' },
    ...{ minify: true, legalComments: 'none', charset: 'utf8', logLevel: 'silent' },
  })
  return outputFiles[0]?.text ?? ''
}

/** What no bundle can hold. */
export const noAddOns: Plugin = {
  name: 'reins-no-add-ons',
  setup(plugin) {
    plugin.onResolve({ filter: /\.node$/ }, ({ path: name }) => ({
      errors: [{ text: `${name} is a native add-on, which cannot be bundled: use a package without one` }],
    }))
  },
}

/** The data folder of a Reins holds its tokens and keys: nothing of it gets into a bundle. `root`: of the project. */
export const noDataFolder = (root: string): Plugin => ({
  name: 'reins-no-data-folder',
  setup(plugin) {
    plugin.onLoad({ filter: /[\\/]\.reins[\\/]/ }, ({ path: file }) => {
      const inside = path.relative(root, file)
      if (!inside.split(path.sep).includes('.reins')) return undefined
      return { errors: [{ text: `${inside} lies in the data folder of Reins, which is never bundled: move the file` }] }
    })
  },
})
