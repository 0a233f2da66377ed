// What commands take together, on this machine: in a group of the kernel where one can be made, and what their folders in memory hold.
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { noGuard } from '../src/workspace/guard.ts'
import { detectSandbox } from '../src/sandbox/detect.ts'
import { findGroups, type Group } from '../src/sandbox/limits/groups.ts'
import { watchLimits } from '../src/sandbox/limits/watch.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'

const workspace = realpathSync(mkdtempSync(path.join(tmpdir(), 'reins-limits-')))
afterAll(() => rmSync(workspace, { recursive: true, force: true }))

async function run(sandbox: Sandbox, text: string, scratchBytes?: number) {
  const result = sandbox.spawn({
    ...{ argv: ['/bin/sh', '-c', text], workspace, guard: noGuard, network: false, env: {} },
    ...(scratchBytes === undefined ? {} : { scratchBytes }),
  })
  if (result.kind === 'refused') throw new Error(result.message)
  const { process } = result
  let told = ''
  for (const stream of [process.stdout, process.stderr])
    stream.on('data', (chunk: Buffer) => {
      told += chunk.toString()
    })
  const exit = await process.exit
  return { told, exit }
}

const groups = findGroups()
/** Groups of commands of this process, wherever groups of the kernel are shown. */
const left = (): readonly string[] =>
  ['/sys/fs/cgroup', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/cpu'].flatMap((folder) => {
    try {
      return readdirSync(folder).filter((name) => name.startsWith(`reins-command-${process.pid}-`))
    } catch {
      return []
    }
  })

test('a group that can be made, and lets nobody in, takes no sandbox away: Reins itself keeps the limits then', async ({
  skip,
}) => {
  const without = await detectSandbox({ groups: null })
  if (without.kind === 'none') skip(`not on this machine: ${without.detail}`)
  const closed: Group = { entrances: [], closeEntrances: () => {}, outOfMemory: () => false, end: () => {} }
  const make = (): Group => {
    const entrance = openSync('/dev/full', 'w')
    return { ...closed, entrances: [entrance], closeEntrances: () => closeSync(entrance) }
  }
  const sandbox = await detectSandbox({ groups: { detail: 'a closed group', memory: true, make } })
  expect([sandbox.kind, sandbox.limits]).toEqual([without.kind, without.limits])
  expect((await run(sandbox, 'echo runs')).told).toBe('runs\n')
})

describe.each(['bubblewrap', 'namespaces', 'bare'] as const)('a command (%s)', async (kind) => {
  const few = groups && { ...groups, make: () => groups.make({ processes: 40 }) }
  const options = kind === 'bare' ? { try: [], allowUnsandboxed: true } : { try: [kind] }
  const sandbox = await detectSandbox({ ...options, ...(few ? { groups: few } : {}) })
  const there = kind === 'bare' || sandbox.kind === kind

  it('that forks without end has so many processes at most, whoever runs it, and leaves neither one nor its group', async ({
    skip,
  }) => {
    if (!there) skip(`not on this machine: ${sandbox.detail}`)
    if (!groups) skip('no group of the kernel can be made on this machine')
    // Each in a session of its own, so that no group of processes would hold it.
    const bomb = 'for i in $(seq 200); do setsid sleep 4321 & done; ls /proc | grep -c "^[0-9]"; echo over'
    const { told } = await run(sandbox, bomb)
    expect(told).toMatch(/fork|Resource temporarily unavailable|Cannot/i)
    await expect.poll(left).toEqual([])
    if (kind === 'bare') {
      const alive = () => readdirSync('/proc').filter((pid) => isSleep(pid))
      await expect.poll(alive).toEqual([])
    }
  })

  it('fills no more than its share of memory with files, in whichever folder', async ({ skip }) => {
    if (!there || kind === 'bare') skip(`no folders in memory: ${sandbox.detail}`)
    const size = 8 * 1024 ** 2
    const text =
      'for d in /tmp /var/tmp /dev/shm; do head -c 20000000 /dev/zero > $d/x$(echo $d | tr / _) 2>/dev/null; done; cat /tmp/x* /dev/shm/x* | wc -c'
    const { told } = await run(sandbox, text, size)
    expect(Number(told.trim())).toBeGreaterThan(size / 2)
    expect(Number(told.trim())).toBeLessThanOrEqual(size)
  })
})

const cmdlineOf = (pid: string): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()

const isSleep = (pid: string): boolean => {
  try {
    return /^\d+$/.test(pid) && cmdlineOf(pid) === 'sleep 4321'
  } catch {
    return false
  }
}

test('who looks sees a limit of processes passed, also without one on memory', async () => {
  const passed = await new Promise((resolve) => {
    const watch = watchLimits({ memory: async () => ({ bytes: 10, processes: 5000 }) }, undefined, resolve, 1)
    void watch
  })
  expect(passed).toBe('processes')
})
