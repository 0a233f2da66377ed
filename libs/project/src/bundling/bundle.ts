// A TypeScript file and all that it imports as one ESM module, in memory. What it needs of Reins comes from here, not from beside the file.
//   B1. The same contents give the same bytes, in whatever folder the command is typed and wherever Reins is installed: no path of this
//       machine is in them.
//   B2. What is left to import at run time are Node's own modules. Anything else is said here, with file and line, and nothing is sent.
//   B3. The bundler is loaded where there is something to bundle, and its process ends with it.
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { codeFileFault, maxBundleBytes } from '@reins/contracts'
import type { BuildOptions, BuildResult, Message, Metafile } from 'esbuild'
import { noAddOns, noDataFolder, ownNamespace, ownPackages } from './own-packages.ts'
import { mapOf } from './source-map.ts'
import { textImports } from '../imports/text-imports.ts'

export type Bundled =
  | { readonly kind: 'bundled'; readonly text: string }
  /** Each with file and line where it has them: `lib/add.ts:3:14: Expected ";"`. */
  | { readonly kind: 'failed'; readonly problems: readonly string[] }

/** What a bundle begins with. */
export interface BundleSource {
  /** For messages. */
  readonly name: string
  /** Absolute; paths in the bundle are relative to it. */
  readonly folder: string
  /** How people name the folder, from where they are. */
  readonly shownFolder: string
  /** A file in the folder, or the text of a module that lies there. */
  readonly entry: { readonly file: string } | { readonly contents: string }
}

/** The bundler, which stays loaded from one bundle to the next. Whoever opens it closes it. */
export interface Bundler {
  bundle(source: BundleSource): Promise<Bundled>
  close(): Promise<void>
}

/** `file`: as it was named, from the current folder. */
export async function bundleCode(file: string): Promise<Bundled> {
  const fault = codeFileFault(file)
  if (fault !== undefined) return failed(`${file} ${fault}`)
  const there = await stat(file).catch(codeOfError)
  if (typeof there === 'string')
    return failed(there === 'ENOENT' ? `${file}: there is no such file` : `${file}: cannot be read (${there})`)
  if (there.isDirectory()) return failed(`${file}: is a folder; name a file`)
  const bundler = await openBundler()
  if (!bundler) return failed(noBundler)
  const place = path.resolve(file)
  try {
    return await bundler.bundle({
      name: file,
      folder: path.dirname(place),
      shownFolder: path.dirname(file),
      entry: { file: place },
    })
  } finally {
    await bundler.close() // B3
  }
}

export const noBundler = 'The bundler (esbuild) is not installed for this machine. Install Reins again: npm ci'

/** undefined: there is none on this machine. */
export async function openBundler(): Promise<Bundler | undefined> {
  const esbuild = await import('esbuild').catch(() => undefined) // B3
  if (!esbuild) return undefined
  const own = ownPackages(esbuild.build)
  return {
    close: () => esbuild.stop(),
    bundle: async (source) => {
      const { folder, entry, shownFolder } = source
      const options = (banner: string) =>
        ({
          ...('file' in entry
            ? { entryPoints: [entry.file] }
            : {
                stdin: { contents: entry.contents, resolveDir: folder, sourcefile: entryName, loader: 'ts' as const },
              }),
          absWorkingDir: folder, // B1
          outfile: path.join(folder, 'bundle.mjs'),
          ...{ bundle: true, write: false, metafile: true, format: 'esm', platform: 'node', target: 'node24' },
          ...{ charset: 'utf8', legalComments: 'none', logLevel: 'silent', treeShaking: true },
          ...{ sourcemap: 'external', sourcesContent: false },
          banner: { js: banner },
          plugins: [own, noAddOns, noDataFolder(folder), textImports],
        }) as const satisfies BuildOptions
      try {
        const built = await esbuild.build(options(''))
        const banner = bannerFor(codeOf(built))
        return finished(source.name, banner === '' ? built : await esbuild.build(options(banner)))
      } catch (error) {
        const errors = error instanceof Error && 'errors' in error ? (error.errors as Message[]) : undefined
        if (!errors) throw error
        return { kind: 'failed', problems: errors.map((one) => messageText(one, shownFolder)) }
      }
    },
  }
}

/** Of a module that is given as text. */
const entryName = 'reins-entry.ts'

const codeOfError = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)
const failed = (problem: string): Bundled => ({ kind: 'failed', problems: [problem] })

type Built = BuildResult<{ write: false; metafile: true }>

const outputOf = ({ outputFiles }: Built, ending: string): string =>
  outputFiles.find((one) => one.path.endsWith(ending))?.text ?? ''
const codeOf = (built: Built): string => outputOf(built, '.mjs')

/** What packages in CommonJS expect around them, where any of them uses it. */
function bannerFor(code: string): string {
  const lines = [
    ...(/\b__require\b/.test(code)
      ? [
          'import { createRequire as reinsRequire } from "node:module"; const require = reinsRequire("/bundle/tools.mjs");',
        ]
      : []),
    ...(/\b__(dir|file)name\b/.test(code) ? ['const __dirname = "/bundle", __filename = "/bundle/tools.mjs";'] : []),
  ]
  return lines.join('\n')
}

function finished(file: string, built: Built): Bundled {
  const foreign = Object.values(built.metafile.outputs)
    .flatMap(({ imports }) => imports)
    .filter((one) => one.external && /^[a-z]+:\/\//.test(one.path))
  if (foreign.length > 0)
    // B2
    return failed(
      `${file} imports ${foreign[0]?.path}, which is not on this machine: install the package and import it by name`,
    )
  const code = codeOf(built)
  const bytes = Buffer.byteLength(code)
  if (bytes > maxBundleBytes)
    return failed(
      `${file} has ${bytes} bytes with all that it imports; at most ${maxBundleBytes} are allowed. Most come from ${largest(built.metafile)}`,
    )
  const map = mapOf(
    outputOf(built, '.map'),
    (source) => !source.startsWith(`${ownNamespace}:`) && !source.includes('node_modules/') && source !== entryName,
  )
  const mapped = `${code}//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}\n`
  return { kind: 'bundled', text: Buffer.byteLength(mapped) > maxBundleBytes ? code : mapped }
}

/** The packages that take most of a bundle. */
function largest({ outputs }: Metafile): string {
  const sizes = new Map<string, number>()
  for (const { inputs } of Object.values(outputs))
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? input
      sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput)
    }
  const most = [...sizes].sort(([, a], [, b]) => b - a).slice(0, 3)
  return most.map(([name, size]) => `${name} (${size})`).join(', ')
}

function messageText({ text, location }: Message, folder: string): string {
  if (!location) return text
  const { file, line, column, lineText } = location
  return `${path.join(folder, file)}:${line}:${column + 1}: ${text}\n    ${lineText.trim().slice(0, 200)}`
}
