import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeSandbox, detectSandbox, noGuard, type Sandbox } from '../src/index.ts'
import { shellCommand } from '../src/sandbox/sandbox.ts'
import { confinement, type Foreign, runIn } from './confinement.ts'
import { temporaryFolder } from './fake-context.ts'

const foreignProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
  env: { FOREIGN_SECRET: 'x' },
  stdio: 'ignore',
})
const server = createServer((socket) => socket.destroy())
let foreign: Foreign

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string' || foreignProcess.pid === undefined)
    throw new Error('no server, or no process')
  foreign = { port: address.port, pid: foreignProcess.pid }
})
afterAll(() => {
  server.close()
  foreignProcess.kill('SIGKILL')
})

const kinds = ['bubblewrap', 'namespaces'] as const
const found = new Map<string, Sandbox>()
for (const kind of kinds)
  found.set(kind, await detectSandbox({ try: [kind], programs: [dirname(process.execPath)], allowNetwork: true }))

/** Processes of this machine whose command line has `marker`. */
function processesWith(marker: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        pid !== String(process.pid) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker)
      )
    } catch {
      return false
    }
  })
}

describe.each(kinds)('the sandbox by %s', (kind) => {
  const sandbox = found.get(kind)
  if (sandbox?.kind !== kind) {
    it.skip(`not on this machine: ${sandbox?.detail}`)
    return
  }

  it('holds against each attempt to break out', async () => {
    const result = await confinement(kind, foreign)
    const unheld = Object.entries(result.attempts).filter(([, attempt]) => attempt !== 'held')
    // An old bubblewrap cannot forbid further user namespaces; what they could reach stays closed.
    const known = sandbox.detail.includes('older') ? ['make a user namespace'] : []
    expect(unheld.filter(([name]) => !known.includes(name))).toEqual([])
    expect(Object.keys(result.attempts).length).toBeGreaterThan(20)
    expect(result).toMatchObject({ outside: 'untouched', data: 'secret' })
    expect(foreignProcess.exitCode).toBeNull()
    expect(foreignProcess.signalCode).toBeNull()
  })

  it('holds also for a user without any privilege', ({ skip }) => {
    if (process.getuid?.() !== 0) skip('the tests do not run as root, so the test above was that one')
    const args = [
      new URL('./confinement.ts', import.meta.url).pathname,
      kind,
      String(foreign.port),
      String(foreign.pid),
    ]
    const run = spawnSync(process.execPath, args, { uid: 65_534, gid: 65_534, env: {}, cwd: '/', encoding: 'utf8' })
    // Such as where the checkout lies in a folder that its owner alone may enter: then the spawn itself fails.
    if (run.error) skip(`a user without privileges cannot run the program: ${run.error.message}`)
    if (run.status !== 0) skip(`a user without privileges cannot run the program: ${run.stderr.slice(0, 200)}`)
    const result: Awaited<ReturnType<typeof confinement>> = JSON.parse(run.stdout)
    if (result.kind !== kind) skip(`not for a user without privileges: ${result.detail}`)
    expect(Object.entries(result.attempts).filter(([, attempt]) => attempt !== 'held')).toEqual([])
    expect(result).toMatchObject({ outside: 'untouched', data: 'secret' })
  })

  it('reaches the network where it may', async () => {
    const command = `(exec 3<>/dev/tcp/127.0.0.1/${foreign.port}) && echo reached`
    expect(await runIn(sandbox, command, temporaryFolder(), [], true)).toMatchObject({ stdout: 'reached\n' })
  })

  it('runs Node, with its threads and children', async () => {
    const script =
      'const {execFileSync} = require("child_process"); new Worker; console.log(String(execFileSync("echo", ["child"])))'
    const command = `node -e '${script.replace('new Worker;', 'new (require("worker_threads").Worker)("", { eval: true });')}'`
    expect(await runIn(sandbox, command, temporaryFolder())).toMatchObject({ code: 0, stdout: 'child\n\n' })
  })

  it('gives the exit code, also of a signal', async () => {
    expect(await runIn(sandbox, 'exit 7', temporaryFolder())).toMatchObject({ code: 7 })
    expect(await runIn(sandbox, 'kill -9 $$', temporaryFolder())).toMatchObject({ code: 137 })
  })

  it('leaves nothing running: not in the background, not in a session of its own', async () => {
    const marker = `4${process.pid}1`
    const command = `setsid sleep ${marker} >/dev/null 2>&1 & sleep ${marker} & (sleep ${marker} &) ; echo started`
    expect(await runIn(sandbox, command, temporaryFolder())).toMatchObject({ code: 0, stdout: 'started\n' })
    await vi.waitFor(() => expect(processesWith(marker)).toEqual([]), { timeout: 60_000 })
  })

  it('ends the command when the process that started it is killed', async () => {
    const marker = `4${process.pid}2`
    const args = [
      new URL('./holder.ts', import.meta.url).pathname,
      kind,
      temporaryFolder(),
      `setsid sleep ${marker} & echo begun; sleep ${marker}`,
    ]
    const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    expect(processesWith(marker).length).toBeGreaterThan(1)
    holder.kill('SIGKILL')
    await vi.waitFor(() => expect(processesWith(marker)).toEqual([]), { timeout: 10_000 })
  })

  it('lets the command clean up when it is stopped, and kills what does not go', async () => {
    const stopAfterFirstOutput = async (command: string, graceMs: number) => {
      const spawned = sandbox.spawn({
        argv: shellCommand(command),
        workspace: temporaryFolder(),
        guard: noGuard,
        network: false,
        env: {},
      })
      if (spawned.kind === 'refused') throw new Error(spawned.message)
      let output = ''
      spawned.process.stderr.resume()
      spawned.process.stdout.on('data', (chunk: Buffer) => {
        if (output === '') spawned.process.stop(graceMs)
        output += chunk.toString()
      })
      await spawned.process.exit
      return output
    }
    const marker = `4${process.pid}3`
    const minute = 60_000
    expect(
      await stopAfterFirstOutput(`trap 'echo cleaned; exit' TERM; echo begun; sleep ${marker} & wait`, minute),
    ).toBe('begun\ncleaned\n')
    expect(
      await stopAfterFirstOutput(`trap '' TERM; setsid sleep ${marker} & echo begun; while :; do sleep 1; done`, 1),
    ).toBe('begun\n')
    await vi.waitFor(() => expect(processesWith(marker)).toEqual([]), { timeout: 60_000 })
  })

  it('runs a program with its arguments as they are, and speaks to it by its input and further descriptors', async () => {
    const spawned = sandbox.spawn({
      argv: [
        '/bin/sh',
        '-c',
        'cat; read -r line <&5; echo "$1 $line $NAME" >&6; test -e /proc/$$/fd/4 || echo none',
        'sh',
        '$(a) "b"\n',
      ],
      workspace: temporaryFolder(),
      guard: noGuard,
      network: false,
      env: { NAME: 'a name' },
      input: 'pipe',
      descriptors: [5, 6],
    })
    if (spawned.kind === 'refused') throw new Error(spawned.message)
    const { stdin, stdout, stderr, streams, exit } = spawned.process
    stderr.resume()
    const said = Promise.all([text(stdout), text(streams[1] ?? stdout)])
    stdin?.end('to its input\n')
    streams[0]?.write('to its descriptor\n')
    expect(await exit).toEqual({ kind: 'exited', code: 0 })
    expect(await said).toEqual(['to its input\nnone\n', '$(a) "b"\n to its descriptor a name\n'])
  })

  it('changes nothing of what must stay as it is, wherever the workspace is, but what lies in it and may be', async () => {
    const home = temporaryFolder({ 'reins/src/main.ts': 'kept', 'reins/workspace/a/f': '', 'reins/package.json': '{}' })
    const program = join(home, 'reins')
    const guard = { ...noGuard, readOnly: [program], writable: [join(program, 'workspace')] }
    for (const workspace of [home, program, join(program, 'src'), join(program, 'workspace/a')]) {
      const attempts = `for f in '${program}'/src/main.ts '${program}'/package.json '${program}'/new; do echo broken > "$f"; done; mv '${program}' '${home}/moved'; rm -rf '${program}/src'; echo changed > '${program}/workspace/a/f'`
      const spawned = sandbox.spawn({ argv: shellCommand(attempts), workspace, guard, network: false, env: {} })
      if (spawned.kind === 'refused') throw new Error(spawned.message)
      spawned.process.stdout.resume()
      spawned.process.stderr.resume()
      await spawned.process.exit
      expect(readFileSync(join(program, 'src/main.ts'), 'utf8')).toBe('kept')
      expect(readFileSync(join(program, 'package.json'), 'utf8')).toBe('{}')
      expect(readdirSync(program).sort()).toEqual(['package.json', 'src', 'workspace'])
    }
    expect(readFileSync(join(program, 'workspace/a/f'), 'utf8')).toBe('changed\n')
  })

  it('refuses a workspace that is the system', async () => {
    expect(await runIn(sandbox, 'true', '/usr')).toMatchObject({
      code: -1,
      stderr: expect.stringContaining('cannot use /usr'),
    })
  })

  it('says why a command could not begin', async () => {
    const folder = temporaryFolder()
    expect(await runIn(sandbox, 'echo x', `${folder}/gone`)).toMatchObject({
      code: -1,
      stdout: '',
      stderr: 'the workspace: does not exist',
    })
  })
})

describe('without a sandbox', () => {
  it('refuses commands and says what the operator can do', async () => {
    const sandbox = await detectSandbox({ try: [] })
    expect(sandbox.kind).toBe('none')
    const { stderr } = await runIn(sandbox, 'true', temporaryFolder())
    expect(stderr).toMatch(/bubblewrap.*--allow-unsandboxed-shell.*REINS_ALLOW_UNSANDBOXED_SHELL=1/)
    expect(describeSandbox(sandbox)).toMatchObject({ kind: 'none', missing: expect.stringContaining('bubblewrap') })
  })

  it('runs them with a clean environment where the operator allowed it, and ends what they started', async () => {
    const sandbox = await detectSandbox({ try: [], allowUnsandboxed: true })
    const folder = temporaryFolder()
    chmodSync(folder, 0o755)
    const { code, stdout } = await runIn(sandbox, 'env | cut -d= -f1 | sort | tr "\\n" " "; pwd; exit 3', folder)
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: expect.stringMatching(/^HOME LANG( OLDPWD)? PATH PWD SHLVL TERM TMPDIR _ \/.*\n$/),
    })
    expect(stdout).toContain(folder)
    const marker = `4${process.pid}4`
    await runIn(sandbox, `sleep ${marker} & echo x`, folder)
    await vi.waitFor(() => expect(processesWith(marker)).toEqual([]), { timeout: 60_000 })
  })
})

describe('what the doctor is told', () => {
  it('names the kind in force and, where there is one, the better one', async () => {
    for (const sandbox of found.values()) {
      expect(describeSandbox(sandbox)).toMatchObject({
        kind: sandbox.kind,
        detail: `${sandbox.detail}; ${sandbox.limits}`,
      })
      expect(describeSandbox(sandbox).missing === undefined).toBe(sandbox.kind === 'bubblewrap')
    }
  })
})
