// A workspace with traps in it, and around it what no tool may read or change. Whoever makes it removes it.
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { canary } from '../corpus.ts'

export class TrappedWorkspace {
  readonly #folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'reins-hostile-')))
  readonly #before: string

  constructor() {
    mkdirSync(this.outside)
    mkdirSync(this.masked, { recursive: true })
    mkdirSync(`${this.path}-neighbour`)
    mkdirSync(path.join(this.path, 'deep', 'er'), { recursive: true })
    for (const file of [
      path.join(this.outside, 'secret.txt'),
      path.join(this.masked, 'admin.token'),
      path.join(`${this.path}-neighbour`, 'secret.txt'),
    ])
      writeFileSync(file, `${canary}\n`)
    writeFileSync(path.join(this.path, 'a.txt'), 'inside\n')
    writeFileSync(path.join(this.path, 'deep', 'er', 'b.txt'), 'deeper\n')
    const links: readonly (readonly [string, string])[] = [
      ['file-out', '../outside/secret.txt'],
      ['folder-out', '../outside'],
      ['absolute-out', path.join(this.outside, 'secret.txt')],
      ['chain-1', 'chain-2'],
      ['chain-2', 'folder-out'],
      ['loop-1', 'loop-2'],
      ['loop-2', 'loop-1'],
      ['self', '.'],
      ['parent', '..'],
      ['root', '/'],
      ['process', '/proc/self'],
      ['device', '/dev/full'],
      ['new-out', '../outside/new.txt'],
      ['masked', '.reins'],
      ['deep/up', '../../outside'],
      ['long', `${'deep/../'.repeat(300)}../outside/secret.txt`],
    ]
    for (const [from, to] of links) symlinkSync(to, path.join(this.path, from))
    execFileSync('mkfifo', [path.join(this.path, 'pipe')])
    this.#before = this.#around()
  }

  get path(): string {
    return path.join(this.#folder, 'work')
  }
  get outside(): string {
    return path.join(this.#folder, 'outside')
  }
  /** The data folder, which lies in the workspace. */
  get masked(): string {
    return path.join(this.path, '.reins')
  }

  /** As a case has it: `{outside}` and `{workspace}` stand for those folders. */
  filled<Value>(value: Value): Value {
    const text = JSON.stringify(value).replaceAll('{outside}', this.outside).replaceAll('{workspace}', this.path)
    return JSON.parse(text)
  }

  /** What is there that was not, or is not as it was, around the workspace; empty: nothing. */
  get changes(): string {
    const now = this.#around()
    return now === this.#before ? '' : `before:\n${this.#before}\nnow:\n${now}`
  }

  #around(): string {
    const list = (folder: string): readonly string[] =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const at = path.join(folder, entry.name)
        if (at === this.path) return list(this.masked)
        if (entry.isDirectory()) return [at, ...list(at)]
        if (entry.isSymbolicLink()) return [`${at} -> ${readlinkSync(at)}`]
        const { mode, nlink, size } = statSync(at)
        return [`${at} ${mode} ${nlink} ${size} ${readFileSync(at, 'utf8')}`]
      })
    return list(this.#folder).join('\n')
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
