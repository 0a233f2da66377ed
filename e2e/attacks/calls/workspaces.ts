// Two agents, of which one works in a folder that holds the other's and the data folder: what the outer one can do to see more through the
// inner one, and what comes of it when pieces of the data folder lie in a workspace. Attacks are commands of the outer agent in its own
// sandbox, where they can be; what only a person can do (mounts, second names, moving the data folder) is done from outside.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { AgentDefinition } from '@reins/contracts'
import {
  builtinSource,
  detectSandbox,
  type Neighbours,
  noGuard,
  noValues,
  PathLocks,
  resolveToolset,
  runCall,
  type Sandbox,
  type SandboxKind,
} from '@reins/tools'
import type { Tally } from '../tally.ts'

export const canary = 'canary-of-the-data-folder'

type Call = (tool: string, args: unknown, signal?: AbortSignal) => Promise<string>

/** Swaps two names at once where the system can (renameat2 with RENAME_EXCHANGE), else one after the other. */
const swapping = (one: string, other: string): string => {
  const perl = `$n = \`uname -m\` =~ /x86_64/ ? 316 : 276; while (1) { syscall($n, -100, $ARGV[0], -100, $ARGV[1], 2) == 0 or exit 1 }`
  const slowly = 'while :; do mv "$1" "$1.x"; mv "$2" "$1"; mv "$1.x" "$2"; done'
  return `perl -e '${perl}' '${one}' '${other}' || sh -c '${slowly}' sh '${one}' '${other}'`
}

export class Nested {
  readonly #folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'reins-nested-')))
  readonly outer = path.join(this.#folder, 'outer')
  readonly inner = path.join(this.outer, 'group', 'inner')
  readonly data = path.join(this.outer, '.reins')
  readonly outside = path.join(this.#folder, 'outside')
  readonly sandbox: Sandbox
  readonly #tally: Tally
  readonly #close: () => Promise<void>
  readonly asOuter: Call
  readonly asInner: Call

  private constructor(sandbox: Sandbox, tally: Tally, make: (of: Nested) => ReturnType<typeof tools>) {
    this.sandbox = sandbox
    this.#tally = tally
    for (const folder of [this.inner, path.join(this.data, 'store', 'deep'), this.outside])
      mkdirSync(folder, { recursive: true })
    for (const file of ['admin.token', 'store/deep/key', 'inner/admin.token', 'inner/key']) {
      mkdirSync(path.dirname(path.join(this.data, file)), { recursive: true })
      writeFileSync(path.join(this.data, file), `${canary}\n`)
    }
    writeFileSync(path.join(this.outside, 'admin.token'), `${canary}\n`)
    writeFileSync(path.join(this.inner, 'mine.txt'), 'mine\n')
    mkdirSync(path.join(this.inner, 'sub'))
    const { call, close } = make(this)
    this.#close = close
    this.asOuter = (tool, args, signal) => call('outer', tool, args, signal)
    this.asInner = (tool, args, signal) => call('inner', tool, args, signal)
  }

  /** undefined: this machine has no such sandbox. The caller closes it. */
  static async open(kind: Exclude<SandboxKind, 'none'>, tally: Tally): Promise<Nested | undefined> {
    const sandbox = await detectSandbox({ try: [kind] })
    return sandbox.kind === kind ? new Nested(sandbox, tally, tools) : undefined
  }

  async close(): Promise<void> {
    await this.#close()
    this.#remove(this.#folder)
  }

  /** Nothing is removed through a mount that was left. */
  #remove(folder: string): void {
    if (readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${this.#folder}/`))
      throw new Error(`something is still mounted in ${this.#folder}; unmount it, and remove the folder`)
    rmSync(folder, { recursive: true, force: true })
  }

  /** Looks into the workspace of the inner agent in every way, `times` times, and counts what shows the canary. How many calls ran. */
  async look(what: string, times: number, names: readonly string[] = ['admin.token', 'key']): Promise<number> {
    let ran = 0
    const shell = names.map((name) => `cat ${name}`).join('; ')
    for (let at = 0; at < times; at++) {
      const shown = await this.asInner('shell', { command: `${shell}; cat */admin.token */key; ls -a` })
      ran += this.#note('shell', what, shown) ? 1 : 0
      for (const name of names) {
        this.#note('read_file', what, await this.asInner('read_file', { path: name }))
        this.#note('read_file', `${what}, by ..`, await this.asInner('read_file', { path: `sub/../${name}` }))
      }
      if (at % 10 === 0) this.#note('grep', what, await this.asInner('grep', { pattern: 'canary' }))
    }
    return ran
  }

  /** As `look`, while a command of the outer agent runs. */
  async during(attack: string, what: string, times: number): Promise<number> {
    const stop = new AbortController()
    const attacking = this.asOuter('shell', { command: attack }, stop.signal)
    try {
      return await this.look(what, times)
    } finally {
      stop.abort()
      await attacking
    }
  }

  #note(tool: string, what: string, shown: string): boolean {
    const by = `${tool} in ${this.sandbox.kind === 'bubblewrap' ? 'bubblewrap' : 'namespaces'}`
    this.#tally.note(by, what, shown.includes(canary) ? 'got through' : 'refused')
    return shown.includes('exit_code')
  }

  /** The workspace of the inner agent is a plain folder again. */
  restore(): void {
    const group = path.dirname(this.inner)
    if (!existsSync(this.data)) throw new Error('the data folder is gone')
    for (const name of readdirSync(this.outer)) if (name !== '.reins') this.#remove(path.join(this.outer, name))
    mkdirSync(path.join(group, 'inner', 'sub'), { recursive: true })
    writeFileSync(path.join(this.inner, 'mine.txt'), 'mine\n')
  }
}

function tools(of: Nested) {
  const neighbours: Neighbours = {
    version: 1,
    list: [
      { agent: 'outer', kin: ['outer'], workspaces: [of.outer] },
      { agent: 'inner', kin: ['inner'], workspaces: [of.inner] },
    ],
    refresh: async () => {},
  }
  // The operator has allowed it: else the outer agent could run no command at all.
  const source = builtinSource({
    workspaceRoot: of.outer,
    guard: { ...noGuard, masked: [of.data] },
    ...{ sandbox: of.sandbox, locks: new PathLocks(), neighbours, allowNested: true },
  })
  const definitionOf = (name: string): AgentDefinition => ({
    ...{ name, model: 'm/m', system_prompt: 'x' },
    tools: [{ system_tools: { workspace: name === 'outer' ? of.outer : of.inner, timeout: 120 } }],
  })
  const definitions = { outer: definitionOf('outer'), inner: definitionOf('inner') }
  return {
    close: () => source.close(),
    call: async (agent: 'outer' | 'inner', tool: string, args: unknown, signal = new AbortController().signal) => {
      const definition = definitions[agent]
      const toolset = await resolveToolset([source], definition)
      if (toolset.kind !== 'resolved') throw new Error('the built-in tools do not resolve')
      const context = {
        ...noValues,
        ...{ signal, session: 's', idempotencyKey: 'k', progress: () => {} },
        keep: async () => ({ ref: 'kept', dropped: 0 }),
      }
      const { status, output } = await runCall(toolset.tools, { name: tool, arguments: args, definition }, context)
      return `${status}: ${output}`
    },
  }
}

/** All of them, in one sandbox. `times`: of each race. */
export async function tryWorkspaces(at: Nested, times: number): Promise<void> {
  const { inner, data, outer, outside } = at
  const group = path.dirname(inner)
  const link = (target: string): string => `ln -sfn '${target}' '${inner}.link'`
  // Races.
  for (const [what, target] of [
    ['a swap with a link to the data folder, in a loop', data],
    ['a swap with a link to a folder outside, in a loop', outside],
    ['a swap with a link to the folder of the process, in a loop', '/proc/self/root'],
  ] as const) {
    await at.during(`${link(target)}; ${swapping(inner, `${inner}.link`)}`, what, times)
    at.restore()
  }
  await at.during(
    `ln -sfn '${data}' '${outer}/other'; ${swapping(group, `${outer}/other`)}`,
    'a swap of the folder above with a link, in a loop',
    times,
  )
  at.restore()
  await at.during(
    `ln -sfn '${outside}' '${outer}/other'; while :; do mv '${inner}/sub' '${outer}/sub'; mv '${outer}/sub' '${inner}/sub'; done`,
    'a folder that is moved away and back, in a loop',
    Math.ceil(times / 4),
  )
  at.restore()
  // Without a race.
  for (const target of [
    data,
    outside,
    path.join(data, 'store'),
    '/',
    '/proc/self/root',
    '../../.reins',
    '/proc/1/cwd',
  ]) {
    await at.asOuter('shell', { command: `rm -rf '${inner}'; ln -s '${target}' '${inner}'` })
    await at.look(`a link in its place, to ${path.isAbsolute(target) ? path.basename(target) || '/' : target}`, 1)
    at.restore()
  }
  await at.asOuter('shell', { command: `rm -rf '${group}'; ln -s '${data}' '${group}'` })
  await at.look('a link in the place of the folder above', 1)
  at.restore()
  for (const [name, target] of [
    ['admin.token', path.join(data, 'admin.token')],
    ['sub', data],
  ] as const) {
    await at.asOuter('shell', { command: `cd '${inner}'; rm -rf ${name}; ln -s '${target}' ${name}` })
    await at.look(`a link in it, ${name}`, 1)
    at.restore()
  }
  await at.asOuter('shell', {
    command: `cd '${inner}'; for f in /proc/self/root /proc/1/root '${data}' ../../.reins; do mount --bind $f sub; unshare -rm mount --bind $f sub; done; ls -a sub`,
  })
  await at.look('mounts by a command', 1, ['sub/admin.token', `sub${data}/admin.token`])
  at.restore()
  // What only a person can do.
  linkSync(path.join(data, 'admin.token'), path.join(inner, 'admin.token'))
  linkSync(path.join(data, 'store/deep/key'), path.join(inner, 'sub/key'))
  await at.look('second names of files of the data folder', 1, ['admin.token', 'sub/key'])
  at.restore()
  writeFileSync(path.join(data, 'store/later'), `${canary}\n`)
  linkSync(path.join(data, 'store/later'), path.join(inner, 'key'))
  await at.look('a second name of a file that came later', 1)
  at.restore()
  renameSync(data, path.join(inner, 'moved'))
  await at.look('the data folder itself, moved into it', 1, ['moved/admin.token', 'moved/store/deep/key'])
  renameSync(path.join(inner, 'moved'), data)
  for (const piece of ['store', 'store/deep', 'admin.token']) {
    renameSync(path.join(data, piece), path.join(inner, 'moved'))
    await at.look(`a piece of the data folder, moved into it: ${piece}`, 1, ['moved', 'moved/deep/key', 'moved/key'])
    renameSync(path.join(inner, 'moved'), path.join(data, piece))
  }
  at.restore()
  for (const [what, from, file] of [
    ['the data folder', data, 'admin.token'],
    ['a piece of it', path.join(data, 'store'), 'deep/key'],
    ['a folder around it', outer, '.reins/admin.token'],
  ] as const) {
    const to = path.join(inner, 'sub')
    if (spawnSync('mount', ['--bind', from, to]).status !== 0) continue
    try {
      await at.look(`a mount of ${what}`, 1, [`sub/${file}`])
    } finally {
      execFileSync('umount', [to])
    }
  }
  at.restore()
  symlinkSync(data, path.join(inner, 'alias'))
  await at.look('a link that leads out', 1, ['alias/admin.token'])
  at.restore()
}
