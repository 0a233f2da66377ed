// A call of a tool of the sandbox in memory, from the files that it begins with to those that it leaves. Runs in a worker, which can be
// ended at any moment: the interpreter shares its thread.
//   RV1. What a call leaves is given whole, and only where it is another than before.
//   RV2. Nothing of this machine is seen: no files, no environment, no network, no other programs.
import path from 'node:path'
import { virtualFolder } from '@reins/contracts'
import { Bash, type IFileSystem, InMemoryFs } from 'just-bash'
import { failed, fitting, fittingText, succeeded, ToolFailure, type ToolOutcome } from '../calls/outcome.ts'
import { parseArguments } from '../tool.ts'
import { compileGlob, noteOf } from '../text/glob.ts'
import { compilePattern } from '../text/pattern.ts'
import type { ToolSettings } from '../calls/context.ts'
import type { VirtualEntry } from './files.ts'
import { virtualTools } from './virtual-tools.ts'

export interface VirtualCall {
  readonly name: string
  readonly arguments: unknown
  readonly settings: ToolSettings
  readonly files: readonly VirtualEntry[]
  readonly idempotencyKey: string
  readonly signal: AbortSignal
}

/** That it holds while it runs; what is kept has a limit of its own. */
const heldBytes = 32 * 1024 * 1024
/** Of the interpreter; a file there is no file of the session. */
const own = ['/bin', '/usr/bin', '/dev', '/proc']
const maxFound = 1_000
const maxMatches = 1_000
const maxLineChars = 500

const longerMs = 60_000

type Args = Readonly<Record<string, unknown>>

/** Rejects with ToolFailure. */
export async function runVirtual(call: VirtualCall): Promise<ToolOutcome> {
  const tool = virtualTools.find(({ name }) => name === call.name)
  if (!tool) throw new ToolFailure('not-found', `the sandbox in memory has no tool "${call.name.slice(0, 100)}"`)
  const args = parseArguments(tool.parameters, call.arguments) as Args
  const folder = path.posix.resolve(virtualFolder, call.settings.workspace ?? '.')
  const fs = await filled(call.files, folder)
  const outcome = await run(call, args, fs, folder)
  const files = await entriesOf(fs)
  return outcome.code === 'cancelled' || sameFiles(call.files, files) ? outcome : { ...outcome, files }
}

async function run(call: VirtualCall, args: Args, fs: IFileSystem, folder: string): Promise<ToolOutcome> {
  const { settings } = call
  const given = String(args.path ?? '.')
  const at = path.posix.resolve(folder, given)
  const shown = path.posix.relative(folder, at) || '.'
  switch (call.name) {
    case 'shell':
      return runShell(call, String(args.command), fs, folder)
    case 'read_file':
      return readFile(await textAt(fs, at, shown), shown, args, settings)
    case 'write_file': {
      const created = !(await fs.exists(at))
      if (!created && (await fs.stat(at)).isDirectory) throw new ToolFailure('failed', `is a directory: ${shown}`)
      if (args.create_dirs === false && !(await fs.exists(path.posix.dirname(at))))
        throw new ToolFailure('not-found', `no such directory: ${path.posix.dirname(shown)}`)
      await fs.mkdir(path.posix.dirname(at), { recursive: true })
      await fs.writeFile(at, String(args.content))
      return succeeded({ path: shown, bytes_written: Buffer.byteLength(String(args.content)), created })
    }
    case 'edit_file':
      return editFile(fs, at, shown, args)
    case 'find_files':
      return findFiles(fs, folder, at, String(args.pattern), settings)
    default:
      return grep(fs, folder, at, args, settings)
  }
}

async function runShell(
  { settings, idempotencyKey, signal }: VirtualCall,
  command: string,
  fs: IFileSystem,
  folder: string,
): Promise<ToolOutcome> {
  for (const source of settings.blocklist) {
    const rule = compilePattern(source)
    if (rule.kind === 'malformed' || rule.pattern.test(command))
      throw new ToolFailure('refused', 'command blocked by security policy')
  }
  const bash = new Bash({
    fs,
    cwd: folder,
    env: { HOME: virtualFolder, REINS_IDEMPOTENCY_KEY: idempotencyKey },
    // Whoever waits for the call ends it at its time; the interpreter's own end would pass for one of the command.
    executionLimits: { maxExecutionTimeMs: settings.timeoutMs + longerMs },
  })
  const { stdout, stderr, exitCode } = await bash.exec(command, { signal, rawScript: true })
  signal.throwIfAborted()
  return fittingText(settings.maxOutputChars, (chars) => {
    const forStderr = Math.min(stderr.length, Math.max(Math.floor(chars / 2), chars - stdout.length))
    const [out, err] = [cut(stdout, chars - forStderr), cut(stderr, forStderr)]
    const truncated = out !== stdout || err !== stderr
    return succeeded({
      ...{ exit_code: exitCode, stdout: out, stderr: err },
      ...(truncated ? { truncated, total_chars: stdout.length + stderr.length } : {}),
    })
  })
}

/** Its head and its tail. */
function cut(text: string, chars: number): string {
  if (text.length <= chars) return text
  const half = Math.max(0, Math.floor((chars - 60) / 2))
  return `${text.slice(0, half)}\n[… ${text.length - 2 * half} characters left out …]\n${half === 0 ? '' : text.slice(-half)}`
}

async function bytesAt(fs: IFileSystem, at: string, shown: string): Promise<Buffer> {
  if (!(await fs.exists(at))) throw new ToolFailure('not-found', `no such file: ${shown}`)
  if ((await fs.stat(at)).isDirectory) throw new ToolFailure('failed', `is a directory: ${shown}`)
  return Buffer.from(await fs.readFileBuffer(at))
}

async function textAt(fs: IFileSystem, at: string, shown: string): Promise<string> {
  const text = textOf(await bytesAt(fs, at, shown))
  if (text === undefined) throw new ToolFailure('failed', `is a binary file: ${shown}. Use the shell to look into it`)
  return text
}

/** undefined: it is binary. */
function textOf(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Each with its end. */
const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

function readFile(
  text: string,
  shown: string,
  { offset = 0, limit = 0 }: { readonly offset?: number; readonly limit?: number },
  { maxOutputChars }: ToolSettings,
): ToolOutcome {
  const lines = linesOf(text)
  if (offset > 0 && offset >= lines.length)
    throw new ToolFailure(
      'invalid-arguments',
      `"offset" ${offset} is behind the end: ${shown} has ${lines.length} lines`,
    )
  const asked = lines.slice(offset, limit === 0 ? undefined : offset + limit)
  let room = maxOutputChars - JSON.stringify(shown).length - 400
  let taken = 0
  for (const line of asked) {
    room -= JSON.stringify(line).length - 2
    if (room < 0) break
    taken += 1
  }
  const truncated = taken < asked.length
  const [first = ''] = asked
  const content = taken === 0 ? first.slice(0, Math.floor(maxOutputChars / 8)) : asked.slice(0, taken).join('')
  return succeeded({
    ...{ path: shown, content, lines: lines.length },
    ...(truncated ? { truncated, next_offset: offset + Math.max(1, taken) } : {}),
  })
}

async function editFile(fs: IFileSystem, at: string, shown: string, args: Args): Promise<ToolOutcome> {
  const [old, replacement] = [String(args.old_string), String(args.new_string)]
  if (old === '')
    throw new ToolFailure(
      'invalid-arguments',
      '"old_string" is empty: give the text to replace, or use write_file for a new file',
    )
  if (old === replacement)
    throw new ToolFailure('invalid-arguments', '"old_string" and "new_string" are the same: nothing to change')
  const parts = (await textAt(fs, at, shown)).split(old)
  const places = parts.length - 1
  if (places === 0)
    throw new ToolFailure(
      'failed',
      `old_string is not in ${shown}: read the file, and give the text exactly as it stands`,
    )
  if (places > 1 && args.replace_all !== true)
    throw new ToolFailure(
      'failed',
      `old_string is in ${shown} ${places} times: give more of its surroundings so that it is there once, or set replace_all to true`,
    )
  await fs.writeFile(at, parts.join(replacement))
  return succeeded({ path: shown, replacements: places })
}

/** Below a folder, or the file itself: absolute paths, in their order. */
async function below(
  fs: IFileSystem,
  at: string,
): Promise<readonly { readonly path: string; readonly folder: boolean }[]> {
  const all = fs
    .getAllPaths()
    .filter((one) => !isOwn(one) && (one === at || one.startsWith(at === '/' ? '/' : `${at}/`)))
  const found = await Promise.all(
    all.map(async (one) => {
      const { isDirectory, isSymbolicLink } = await fs.lstat(one)
      return { path: one, folder: isDirectory, link: isSymbolicLink }
    }),
  )
  return found.filter(({ link }) => !link).sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function findFiles(
  fs: IFileSystem,
  folder: string,
  at: string,
  pattern: string,
  { maxOutputChars }: ToolSettings,
): Promise<ToolOutcome> {
  if (pattern.startsWith('/') || pattern.split('/').includes('..'))
    throw new ToolFailure('invalid-arguments', '"pattern" must be relative and without ..: give the folder in "path"')
  if (!(await fs.exists(at)))
    throw new ToolFailure('not-found', `no such directory: ${path.posix.relative(folder, at)}`)
  const foldersOnly = pattern.endsWith('/')
  const glob = compileGlob(pattern.replace(/^(\.\/)+/, '').replace(/([^/])\/+$/, '$1'), '"pattern"')
  const found = (await below(fs, at)).filter(
    (one) => one.path !== at && (!foldersOnly || one.folder) && glob.matches(path.posix.relative(at, one.path)),
  )
  if (found.length === 0 && glob.malformed !== undefined) throw new ToolFailure('invalid-arguments', glob.malformed)
  const note = found.length === 0 ? noteOf(pattern) : undefined
  const kept = found.slice(0, maxFound).map((one) => `${path.posix.relative(folder, one.path)}${one.folder ? '/' : ''}`)
  return fitting(kept, maxOutputChars, (files) => ({
    ...{ files, total: found.length },
    ...(files.length < found.length ? { truncated: true } : {}),
    ...(note === undefined ? {} : { note }),
  }))
}

async function grep(
  fs: IFileSystem,
  folder: string,
  at: string,
  { pattern, include = '' }: Args,
  { maxOutputChars }: ToolSettings,
): Promise<ToolOutcome> {
  const compiled = compilePattern(String(pattern))
  if (compiled.kind === 'malformed')
    throw new ToolFailure('invalid-arguments', `"pattern" is malformed: ${compiled.message}`)
  const glob = include === '' ? undefined : compileGlob(String(include), '"include"')
  if (glob?.malformed !== undefined) throw new ToolFailure('invalid-arguments', glob.malformed)
  const byName = !String(include).includes('/')
  if (!(await fs.exists(at))) throw new ToolFailure('not-found', `does not exist: ${path.posix.relative(folder, at)}`)
  const matches: { path: string; line: number; text: string }[] = []
  let searched = 0
  let binary = 0
  for (const one of await below(fs, at)) {
    const name = byName ? path.posix.basename(one.path) : path.posix.relative(at, one.path)
    if (one.folder || (glob && !glob.matches(name))) continue
    const text = textOf(Buffer.from(await fs.readFileBuffer(one.path)))
    if (text === undefined) {
      binary += 1
      continue
    }
    searched += 1
    for (const [index, line] of linesOf(text).entries()) {
      if (matches.length >= maxMatches) break
      const bare = line.replace(/\r?\n$/, '').slice(0, compiled.pattern.textWithin)
      if (compiled.pattern.test(bare))
        matches.push({
          path: path.posix.relative(folder, one.path),
          line: index + 1,
          text: bare.slice(0, maxLineChars),
        })
    }
  }
  return fitting(matches, maxOutputChars, (shown) => ({
    ...{ matches: shown, files_searched: searched },
    ...(binary > 0 ? { binary_files_skipped: binary } : {}),
    ...(shown.length < matches.length || matches.length >= maxMatches
      ? { truncated: true, next: 'narrow the pattern, the path or include' }
      : {}),
  }))
}

async function filled(files: readonly VirtualEntry[], folder: string): Promise<InMemoryFs> {
  const fs = new InMemoryFs({}, { maxTotalBytes: heldBytes })
  for (const at of new Set([virtualFolder, folder, '/tmp'])) await fs.mkdir(at, { recursive: true })
  for (const { path: at, kind, mode, content = '', mtime = 0 } of files) {
    if (kind === 'folder') await fs.mkdir(at, { recursive: true })
    else if (kind === 'link') await fs.symlink(content, at)
    else await fs.writeFile(at, Buffer.from(content, 'base64'))
    if (kind !== 'link') await fs.chmod(at, mode)
    if (kind === 'file') await fs.utimes(at, new Date(mtime), new Date(mtime))
  }
  return fs
}

const isOwn = (at: string): boolean => own.some((one) => at === one || at.startsWith(`${one}/`))

async function entriesOf(fs: IFileSystem): Promise<readonly VirtualEntry[]> {
  const entries: VirtualEntry[] = []
  for (const at of fs.getAllPaths()) {
    if (at === '/' || at === '/usr' || isOwn(at)) continue
    const { isFile, isSymbolicLink, mode, mtime } = await fs.lstat(at)
    if (isSymbolicLink) entries.push({ path: at, kind: 'link', mode, content: await fs.readlink(at) })
    else if (isFile) {
      const content = Buffer.from(await fs.readFileBuffer(at)).toString('base64')
      const when = mtime.getTime()
      entries.push({ path: at, kind: 'file', mode, content, ...(when === 0 ? {} : { mtime: when }) })
    } else entries.push({ path: at, kind: 'folder', mode })
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Folders that are always there are not worth a change (RV1). */
function sameFiles(before: readonly VirtualEntry[], after: readonly VirtualEntry[]): boolean {
  if (before.length === 0 && after.every(({ kind }) => kind === 'folder')) return after.length <= 3
  return JSON.stringify(before) === JSON.stringify(after)
}

/** As an outcome. */
export const virtualFailure = (error: unknown): ToolOutcome =>
  failed(
    error instanceof ToolFailure
      ? error
      : new ToolFailure('failed', error instanceof Error ? error.message.slice(0, 500) : 'failed unexpectedly'),
  )
