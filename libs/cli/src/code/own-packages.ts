// Which packages a file for an agent finds without an installation: @reins/agent, always as it is here, and TypeBox where its folder has
// none. Each is made one module first, so that nothing in a bundle says where Reins is installed.
import { createRequire } from 'node:module'
import type { BuildOptions, Plugin } from 'esbuild'

export const ownNamespace = 'reins'
const marked = Symbol('asked by this plugin')

type Build = (options: BuildOptions & { write: false }) => Promise<{ outputFiles: readonly { text: string }[] }>

/** `build`: esbuild's. */
export function ownPackages(build: Build): Plugin {
  const agent = createRequire(import.meta.url).resolve('@reins/agent')
  const beside = createRequire(agent)
  const made = new Map<string, Promise<string>>()
  const moduleOf = (name: string): Promise<string> => {
    const entry = name === '@reins/agent' ? agent : beside.resolve(name)
    const known = made.get(name) ?? oneModule(build, entry)
    made.set(name, known)
    return known
  }
  const ours = (name: string) => ({ path: name, namespace: ownNamespace, sideEffects: false })
  return {
    name: 'reins-own-packages',
    setup(plugin) {
      plugin.onResolve({ filter: /^@reins\// }, ({ path: name }) =>
        name === '@reins/agent'
          ? ours(name)
          : {
              errors: [{ text: `${name} is a part of Reins that files for agents do not import: import @reins/agent` }],
            },
      )
      plugin.onResolve({ filter: /^typebox(\/|$)/ }, async ({ path: name, kind, resolveDir, pluginData }) => {
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

/** Small, since every bundle holds it; and without comments, in which esbuild would name the files. */
async function oneModule(build: Build, entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
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
