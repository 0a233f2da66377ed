// The sandbox in memory as a tool-runner runs it: in a process that may do nothing on this machine.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, expect, test } from 'vitest'
import { builtinSource, noGuard, PathLocks, runCall, type VirtualEntry } from '../src/index.ts'
import { resolveToolset } from '../src/index.ts'

const root = mkdtempSync(`${tmpdir()}/reins-virtual-`)
const source = builtinSource({
  ...{ workspaceRoot: root, ownWorkspaces: undefined, guard: noGuard, locks: new PathLocks() },
  sandbox: {
    kind: 'none',
    detail: '',
    networkAllowed: false,
    filtered: false,
    spawn: () => ({ kind: 'refused', message: 'no' }),
  },
})
afterAll(async () => {
  await source.close()
  rmSync(root, { recursive: true })
})
const definitions = { slow: 600, quick: 1 } as const

async function run(
  command: string,
  {
    files,
    signal = new AbortController().signal,
    within = 'slow',
  }: {
    readonly files?: readonly VirtualEntry[] | undefined
    readonly signal?: AbortSignal
    readonly within?: keyof typeof definitions
  } = {},
) {
  const definition = { name: 'a', tools: [{ virtual_sandbox: { timeout: definitions[within] } }] } as never
  const toolset = await resolveToolset([source], definition)
  if (toolset.kind !== 'resolved') throw new Error(JSON.stringify(toolset))
  return runCall(toolset.tools, { name: 'shell', arguments: { command }, definition }, {
    ...{
      signal,
      session: 's',
      idempotencyKey: 'k',
      progress: () => {},
      keep: async () => ({ ref: undefined, dropped: 0 }),
    },
    ...(files ? { files: async () => files } : {}),
    secrets: async () => ({}),
    config: async () => ({}),
  } as never)
}

test('a command leaves files to the next one, and none on the disk', async () => {
  const first = await run('echo hello > a; mkdir b')
  const second = await run('cat a; ls', { files: first.files })
  expect(JSON.parse(second.output)).toMatchObject({ stdout: 'hello\na\nb\n' })
})

test('a command that does not end is ended at its time, with the process that it ran in', async () => {
  const late = await run('sleep 600', { within: 'quick' })
  expect([late.code, late.files]).toEqual(['timeout', undefined])
  const stop = new AbortController()
  const running = run('sleep 600', { signal: stop.signal })
  stop.abort()
  expect((await running).code).toBe('cancelled')
  expect(JSON.parse((await run('echo again')).output)).toMatchObject({ stdout: 'again\n' })
})
