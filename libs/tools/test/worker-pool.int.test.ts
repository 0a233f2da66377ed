import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import {
  builtinSource,
  defaultSettings,
  noGuard,
  noValues,
  PathLocks,
  resolveToolset,
  runCall,
  WorkerPool,
  type WorkerPoolOptions,
} from '../src/index.ts'
import { noSandbox, temporaryFolder } from './fake-context.ts'

const never = new AbortController().signal

function poolOf(options: Partial<WorkerPoolOptions> = {}): WorkerPool {
  const pool = new WorkerPool({ locks: new PathLocks(), ...options })
  onTestFinished(() => pool.close())
  return pool
}
const callOf = (workspace: string, name: string, args: object, settings = {}) => ({
  name,
  arguments: args,
  workspace,
  settings: { ...defaultSettings, ...settings },
  idempotencyKey: 'k',
  guard: noGuard,
})
/** Matches nowhere, and no automaton of it is small: each character of a random text of a and b is looked at in hundreds of states. */
const slowPattern = 'a[ab]{900}[c-z]'
/** Minutes of work that never looks up, on any machine. */
const slow = (folder: string) => callOf(folder, 'grep', { pattern: slowPattern }, { timeoutMs: 86_400_000 })
function slowFolder(): string {
  const folder = temporaryFolder()
  let seed = 1
  const letter = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed < 1_073_741_824 ? 'a' : 'b'
  }
  const line = `${Array.from({ length: 20_000 }, letter).join('')}\n`
  for (let at = 0; at < 50; at += 1) writeFileSync(join(folder, `f${at}`), line.repeat(60))
  return folder
}

it('runs calls, several at once, one after the other where there are more than workers', async () => {
  const folder = temporaryFolder({ a: 'one' })
  const pool = poolOf({ most: 2 })
  const results = await Promise.all(
    Array.from({ length: 9 }, () => pool.run(callOf(folder, 'read_file', { path: 'a' }), never)),
  )
  for (const result of results) expect(result).toMatchObject({ kind: 'ended', outcome: { status: 'ok' } })
  expect(pool.size).toBeLessThanOrEqual(2)
})

it('starts another worker for a call that waits while all workers are busy for long', async () => {
  const folder = temporaryFolder({ f: 'x' })
  const locks = new PathLocks()
  const pool = poolOf({ locks, most: 2 })
  const gate = Promise.withResolvers<void>()
  const holder = locks.hold(join(folder, 'f'), never, () => gate.promise)
  const held = pool.run(callOf(folder, 'write_file', { path: 'f', content: 'y' }), never)
  expect(await pool.run(callOf(folder, 'file_info', { path: 'f' }), never)).toMatchObject({ kind: 'ended' })
  expect(pool.size).toBe(2)
  gate.resolve()
  await holder
  expect(await held).toMatchObject({ kind: 'ended' })
})

it('ends a call that does not stop when it is asked to, and goes on with the next', async () => {
  const folder = slowFolder()
  const pool = poolOf({ most: 1 })
  const stop = new AbortController()
  const running = pool.run(slow(folder), stop.signal)
  const waiting = pool.run(callOf(folder, 'file_info', { path: 'f1' }), never)
  stop.abort(new Error('its time is over'))
  await expect(running).rejects.toThrow('its time is over')
  expect(await waiting).toMatchObject({ kind: 'ended', outcome: { status: 'ok' } })
})

it('lets a call that waits for a worker give up', async () => {
  const folder = slowFolder()
  const pool = poolOf({ most: 1 })
  const [stop, giveUp] = [new AbortController(), new AbortController()]
  const running = pool.run(slow(folder), stop.signal).catch(() => 'stopped')
  const waiting = pool.run(callOf(folder, 'file_info', { path: 'f1' }), giveUp.signal)
  giveUp.abort(new Error('not any more'))
  await expect(waiting).rejects.toThrow('not any more')
  stop.abort()
  expect(await running).toBe('stopped')
})

it('outlives a worker that needs too much memory, and says so', async () => {
  const folder = temporaryFolder({ a: 'x' })
  const pool = poolOf({ memoryMb: 64 })
  const content = '\u00e9x'.repeat(60_000_000)
  expect(await pool.run(callOf(folder, 'write_file', { path: 'b', content }), never)).toEqual({
    kind: 'died',
    outOfMemory: true,
  })
  expect(await pool.run(callOf(folder, 'file_info', { path: 'a' }), never)).toMatchObject({ kind: 'ended' })
})

it('holds the locks of paths for all workers, and lets go of what a dead one held', async () => {
  const folder = temporaryFolder({ f: Array.from({ length: 20 }, (_, at) => `<${at}>`).join('\n') })
  const locks = new PathLocks()
  const pool = poolOf({ locks, most: 4 })
  await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      pool.run(callOf(folder, 'edit_file', { path: 'f', old_string: `<${at}>`, new_string: `[${at}]` }), never),
    ),
  )
  expect(readFileSync(join(folder, 'f'), 'utf8')).toBe(Array.from({ length: 20 }, (_, at) => `[${at}]`).join('\n'))
  const gate = Promise.withResolvers<void>()
  const holder = locks.hold(join(folder, 'f'), never, () => gate.promise)
  const stop = new AbortController()
  const waiting = pool.run(callOf(folder, 'write_file', { path: 'f', content: 'x' }), stop.signal)
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
  gate.resolve()
  await holder
  expect(await pool.run(callOf(folder, 'write_file', { path: 'f', content: 'y' }), never)).toMatchObject({
    kind: 'ended',
  })
  // The call's answer may be here a moment before its lock is free.
  await expect.poll(() => locks.size, { timeout: 30_000 }).toBe(0)
})

/** Calls of an agent with these tools, as a runner makes them. */
async function agentIn(workspaceRoot: string, tools: (string | Record<string, object>)[], options = {}) {
  const source = builtinSource({
    workspaceRoot,
    guard: noGuard,
    sandbox: noSandbox,
    locks: new PathLocks(),
    ...options,
  })
  onTestFinished(() => source.close())
  const definition = { name: 'coder', model: 'm/m', system_prompt: 'x', tools }
  const toolset = await resolveToolset([source], definition)
  if (toolset.kind !== 'resolved') throw new Error('the tools do not resolve')
  return async (name: string, args: object) => {
    const call = { name, arguments: args, definition }
    const context = {
      signal: never,
      session: 's',
      idempotencyKey: 'k',
      progress: () => {},
      keep: async () => ({ ref: 'ref', dropped: 0 }),
      ...noValues,
    }
    const { code, output } = await runCall(toolset.tools, call, context)
    return { ...(code === undefined ? {} : { code }), ...JSON.parse(output) }
  }
}

it('no call stops the process that serves everybody, and each ends at its time-out', async () => {
  const folder = slowFolder()
  const call = await agentIn(folder, [{ search: { workspace: '.', timeout: 0.3 } }])
  let ticks = 0
  const ticking = setInterval(() => (ticks += 1), 5)
  expect(await call('grep', { pattern: slowPattern })).toMatchObject({ code: 'timeout' })
  clearInterval(ticking)
  expect(ticks).toBeGreaterThan(5)
})

it('an agent that names no workspace has a folder of its own, made when it is needed', async () => {
  const own = join(temporaryFolder(), 'workspace')
  const call = await agentIn('/nowhere', ['files'], { ownWorkspaces: own })
  expect(await call('write_file', { path: 'a.txt', content: 'x' })).toMatchObject({ status: 'ok' })
  expect(readFileSync(join(own, 'coder/a.txt'), 'utf8')).toBe('x')
})

it('file tools read, and do not change, what Reins runs from, under any name', async () => {
  const home = temporaryFolder({ 'reins/src/main.ts': 'kept', 'reins/workspace/a/f': 'x' })
  const program = join(home, 'reins')
  symlinkSync('reins', join(home, 'alias'))
  const guard = { ...noGuard, readOnly: [program], writable: [join(program, 'workspace')] }
  const call = await agentIn(home, ['files'], { guard })
  expect(await call('read_file', { path: 'reins/src/main.ts' })).toMatchObject({ content: 'kept' })
  for (const path of [
    'reins/src/main.ts',
    'alias/src/main.ts',
    'reins/new.ts',
    'reins/deep/er/new.ts',
    'reins/workspace/../x',
  ])
    expect(await call('write_file', { path, content: 'x' })).toMatchObject({ code: 'refused' })
  expect(await call('edit_file', { path: 'alias/src/main.ts', old_string: 'kept', new_string: 'x' })).toMatchObject({
    code: 'refused',
  })
  expect(await call('write_file', { path: 'alias/workspace/a/f', content: 'y' })).toMatchObject({ status: 'ok' })
  expect(await call('write_file', { path: 'elsewhere', content: 'y' })).toMatchObject({ status: 'ok' })
  mkdirSync(join(home, 'reins/src/deep'))
  const inside = await agentIn(join(home, 'reins/src/deep'), ['files'], { guard })
  expect(await inside('write_file', { path: 'a', content: 'x' })).toMatchObject({ code: 'refused' })
})

it('is closed also where nothing else keeps the process alive', () => {
  const script = `
    import { noGuard, defaultSettings, PathLocks, WorkerPool } from '@reins/tools'
    const pool = new WorkerPool({ locks: new PathLocks() })
    const call = { name: 'read_file', arguments: { path: 'a' }, workspace: process.argv[1] }
    await pool.run({ ...call, settings: defaultSettings, idempotencyKey: 'k', guard: noGuard }, new AbortController().signal)
    await pool.close()
    process.stdout.write('closed')`
  const argv = ['--input-type=module', '-e', script, temporaryFolder({ a: 'one' })]
  const run = spawnSync(process.execPath, argv, { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' })
  expect([run.status, run.stdout]).toEqual([0, 'closed'])
}, 120_000)
