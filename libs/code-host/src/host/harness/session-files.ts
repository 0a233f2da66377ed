// `session.fs` and `harness.fs`: the files where the agent's tool `shell` works, by commands of it. So each of these calls is recorded, is
// not made again in a replay, and is asked for as a command is.
//   SF1. What is read comes as base64 whatever it is: nothing of it is lost on its way through a text. A part is never taken for the whole.
import { quoted, shellAnswer, wasCut } from './shell-calls.ts'

type Run = (command: string) => Promise<unknown>

/** Of what one command takes. */
const mostWritten = 80_000

export interface FileStat {
  readonly isFile: boolean
  readonly isDirectory: boolean
  readonly isSymbolicLink: boolean
  /** bytes */
  readonly size: number
  readonly mtime: Date
}

/** `refuse`: throws where what is to be written may not be recorded. */
export function sessionFiles(run: Run, refuse?: (what: string, texts: readonly unknown[]) => void): object {
  /** What it says; throws with what went wrong. */
  const done = async (what: string, command: string): Promise<string> => {
    const answer = await run(command)
    const { stdout, stderr, exitCode } = shellAnswer(answer)
    if (wasCut(answer)) throw failed(what, 'it is larger than what an answer of the agent holds (max_output_chars)')
    if (exitCode !== 0) throw failed(what, stderr.trim() || `it ended with ${exitCode}`)
    return stdout
  }
  const read = async (path: unknown): Promise<Buffer> => {
    const at = nameOf('readFile', path)
    return Buffer.from(await done(`readFile ${at}`, `base64 < ${quoted(at)}`), 'base64')
  }
  const stat = async (path: unknown): Promise<FileStat> => {
    const at = nameOf('stat', path)
    const word = quoted(at)
    const said = await done(
      `stat ${at}`,
      [
        `if [ -L ${word} ]; then l=1; else l=0; fi`,
        `if [ -d ${word} ]; then k="d $l 0"; elif [ -e ${word} ]; then k="f $l $(wc -c < ${word})"; else echo "no such file or folder" >&2; exit 1; fi`,
        `echo "$k $(${changedAt(quoted(dashed(at)))})"`,
      ].join('; '),
    )
    const [kind, link, size, seconds] = said.trim().split(/\s+/)
    return Object.freeze({
      ...{ isFile: kind === 'f', isDirectory: kind === 'd', isSymbolicLink: link === '1', size: Number(size) },
      mtime: new Date(Math.round(Number(seconds) * 1_000)),
    })
  }
  return Object.freeze({
    readFile: async (path: unknown) => (await read(path)).toString('utf8'),
    readFileBuffer: async (path: unknown) => new Uint8Array(await read(path)),
    writeFile: async (path: unknown, content: unknown) => {
      const at = nameOf('writeFile', path)
      if (typeof content !== 'string' && !(content instanceof Uint8Array))
        throw new TypeError('fs.writeFile() takes a path and a text or bytes')
      refuse?.(`The file ${at}`, [content])
      const bytes = Buffer.from(content as string)
      if (bytes.length > mostWritten)
        throw new RangeError(`fs.writeFile() writes ${mostWritten} bytes at most; ${at} would have ${bytes.length}`)
      await done(
        `writeFile ${at}`,
        `mkdir -p -- "$(dirname -- ${quoted(at)})" && printf %s '${bytes.toString('base64')}' | base64 -d > ${quoted(at)}`,
      )
    },
    stat,
    readdir: async (path: unknown = '.') => {
      const at = nameOf('readdir', path)
      const said = await done(`readdir ${at}`, `cd -- ${quoted(at)} && ls -A1`)
      return said.split('\n').filter((name) => name !== '')
    },
    exists: async (path: unknown) => {
      const { exitCode } = shellAnswer(await run(`[ -e ${quoted(nameOf('exists', path))} ]`))
      return exitCode === 0
    },
    mkdir: async (path: unknown, options?: { readonly recursive?: boolean }) => {
      const at = nameOf('mkdir', path)
      await done(`mkdir ${at}`, `mkdir ${options?.recursive ? '-p ' : ''}${quoted(dashed(at))}`)
    },
    rm: async (path: unknown, options?: { readonly recursive?: boolean; readonly force?: boolean }) => {
      const at = nameOf('rm', path)
      const flags = `${options?.recursive ? '-r ' : ''}${options?.force ? '-f ' : ''}`
      await done(`rm ${at}`, `rm ${flags}${quoted(dashed(at))}`)
    },
  })
}

/** In seconds: what knows it is another command on each kind of machine, and in the sandbox in memory. */
const changedAt = (word: string): string =>
  ['find -H', 'find'].map((find) => `${find} ${word} -maxdepth 0 -printf '%T@' 2>/dev/null`).join(' || ') +
  ` || stat -L -c %Y -- ${word} 2>/dev/null || stat -L -f %m -- ${word}`

function nameOf(what: string, path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path
  throw new TypeError(`fs.${what}() takes a path, which is a text that is not empty`)
}

/** A path, whatever it begins with. */
const dashed = (path: string): string => (path.startsWith('-') ? `./${path}` : path)

const failed = (what: string, why: string): Error =>
  Object.assign(new Error(`fs.${what} failed: ${why}`), { name: 'FileError', code: 'file-failed' })
