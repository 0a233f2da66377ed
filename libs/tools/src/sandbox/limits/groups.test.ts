import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findGroups, type GroupsSource } from './groups.ts'

/** A hierarchy in a folder: each group that is made has the files that the system would give it. */
function machine({
  version,
  processes = ['77'],
  own = '/service',
}: {
  version: 1 | 2
  processes?: string[]
  own?: string
}) {
  const at = mkdtempSync(path.join(tmpdir(), 'reins-groups-'))
  onTestFinished(() => rmSync(at, { recursive: true, force: true }))
  const filesOf = {
    2: {
      'pids.max': 'max',
      'memory.max': 'max',
      'memory.oom.group': '0',
      'memory.events': 'oom 0\noom_kill 0\n',
      'cpu.weight': '100',
    },
    1: { 'pids.max': 'max', 'cpu.shares': '1024' },
  }[version]
  const makeFolder = (folder: string): void => {
    mkdirSync(folder)
    for (const [name, text] of Object.entries({ ...filesOf, 'cgroup.procs': '' }))
      writeFileSync(path.join(folder, name), text)
  }
  const base = version === 2 ? [path.join(at, own)] : ['pids', 'cpu'].map((one) => path.join(at, one))
  for (const folder of base) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'cgroup.procs'), processes.join('\n'))
    writeFileSync(path.join(folder, 'cgroup.controllers'), 'cpuset cpu io memory pids\n')
    writeFileSync(path.join(folder, 'cgroup.subtree_control'), 'pids memory cpu')
  }
  const source: GroupsSource = {
    own: version === 2 ? `0::${own}\n` : `3:memory:/x\n2:pids:/\n1:cpu,cpuacct:/\n0::/\n`,
    mounts:
      version === 2
        ? `30 20 0:26 / ${at} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n`
        : `31 20 0:27 / ${at}/pids rw - cgroup cgroup rw,pids\n32 20 0:28 / ${at}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n`,
    pid: 77,
    below: () => [78],
    isAlive: (pid) => pid === 77,
    makeFolder,
  }
  return { at, base, source, textOf: (...parts: string[]) => readFileSync(path.join(at, ...parts), 'utf8') }
}

test('of version 2 a group has bounds on processes and memory, and less weight than the service', () => {
  const { source, textOf, at } = machine({ version: 2 })
  const groups = findGroups(source)
  expect([groups?.detail, groups?.memory]).toEqual([
    'cgroup v2 bounds the processes, the memory and the CPU of each command',
    true,
  ])
  const group = groups?.make({ processes: 40, memoryBytes: 5_000_000 })
  const [name = ''] = readdirSync(path.join(at, 'service')).filter((one) => one.startsWith('reins-command-77-1'))
  const said = ['pids.max', 'memory.max', 'memory.oom.group', 'cpu.weight'].map((file) => textOf('service', name, file))
  // A plain file keeps the end of what was longer.
  expect(said).toEqual(['40x', '5000000', '1', '500'])
  expect(group?.entrances).toHaveLength(1)
  expect(group?.outOfMemory()).toBe(false)
  writeFileSync(path.join(at, 'service', name, 'memory.events'), 'oom 2\noom_kill 1\n')
  expect(group?.outOfMemory()).toBe(true)
  group?.closeEntrances()
})

test('of version 2 the service goes into a group of its own before it hands its controllers on, if nobody else is in its group', () => {
  const alone = machine({ version: 2, processes: ['77', '78'] })
  writeFileSync(path.join(alone.base[0]!, 'cgroup.subtree_control'), '')
  findGroups(alone.source)
  // The last that was written: a folder keeps no list, as the system would.
  expect(alone.textOf('service', 'reins-service', 'cgroup.procs')).toBe('78')
  expect(alone.textOf('service', 'cgroup.subtree_control')).toContain('cpu')
  const shared = machine({ version: 2, processes: ['77', '5'] })
  writeFileSync(path.join(shared.base[0]!, 'cgroup.subtree_control'), '')
  expect(findGroups(shared.source)).toBeUndefined()
  expect(readdirSync(shared.base[0]!)).not.toContain('reins-service')
})

test('of version 1 processes and CPU are bounded, each in its hierarchy', () => {
  const { source, textOf } = machine({ version: 1 })
  const groups = findGroups(source)
  expect([groups?.detail, groups?.memory]).toEqual([
    'cgroup v1 bounds the processes and the CPU of each command',
    false,
  ])
  const group = groups?.make({ processes: 4096 })
  expect([textOf('pids', 'reins-command-77-1', 'pids.max'), textOf('cpu', 'reins-command-77-1', 'cpu.shares')]).toEqual(
    ['4096', '5124'],
  )
  expect(group?.entrances).toHaveLength(2)
  group?.closeEntrances()
})

test('a group of a process that died is removed at the start, and one of another PID namespace harms nobody here', () => {
  const { source, base } = machine({ version: 1 })
  for (const folder of base) mkdirSync(path.join(folder, 'reins-command-5-1'))
  writeFileSync(path.join(base[0]!, 'reins-command-5-1', 'cgroup.procs'), '0\n')
  findGroups(source)
  // It cannot be removed while it holds something; this process lives.
  expect(readdirSync(base[0]!)).toContain('reins-command-5-1')
  expect(readdirSync(base[1]!)).not.toContain('reins-command-5-1')
})

test('where no group can be made there is none: no hierarchy, one for reading only, one outside of what is mounted', () => {
  const { source } = machine({ version: 2 })
  const nothing = { ...source, mounts: '' }
  const readOnly = {
    ...source,
    makeFolder: () => {
      throw Object.assign(new Error('read-only'), { code: 'EROFS' })
    },
  }
  const outside = { ...source, mounts: source.mounts.replace(' / ', ' /other ') }
  for (const one of [nothing, readOnly, outside]) expect(findGroups(one)).toBeUndefined()
})
