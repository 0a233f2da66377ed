import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fake-context.ts'
import { type Guard, noGuard } from '../workspace/guard.ts'
import { isWithin, type Mount, planMounts } from './mounts.ts'

const plan = (workspace: string, masked: readonly string[] = [], guard: Partial<Guard> = {}) => {
  const result = planMounts({ workspace, guard: { ...noGuard, ...guard, masked }, network: false, readable: [] })
  return result.kind === 'plan' ? result.mounts : result.message
}

describe('the plan of what a command sees', () => {
  it('has one writable folder and nothing of any home, of /var, of /run', () => {
    const workspace = temporaryFolder()
    const mounts = plan(workspace)
    if (typeof mounts === 'string') throw new Error(mounts)
    expect(mounts.filter((mount) => mount.kind === 'writable')).toEqual([{ kind: 'writable', path: workspace }])
    const shown = mounts
      .filter((mount) => mount.kind === 'read-only' || mount.kind === 'setting')
      .map((mount) => mount.path)
    for (const folder of [
      '/home',
      '/root',
      '/var',
      '/run',
      '/srv',
      '/mnt',
      '/etc/shadow',
      '/etc/ssh',
      '/etc/ssl/private',
      '/proc',
      '/sys',
      '/dev',
    ]) {
      expect(shown.filter((path) => isWithin(path, folder) || isWithin(folder, path))).toEqual([])
    }
  })

  it('hides masked folders last, and pins each folder on the way to them', () => {
    const workspace = temporaryFolder({ 'a/b/.data/token': '' })
    symlinkSync('a/b/.data', join(workspace, 'alias'))
    const mounts = plan(workspace, [join(workspace, 'alias'), join(workspace, 'not-there'), '/srv/elsewhere'])
    expect(mounts.slice(-4)).toEqual([
      { kind: 'writable', path: workspace },
      { kind: 'writable', path: join(workspace, 'a') },
      { kind: 'writable', path: join(workspace, 'a/b') },
      { kind: 'hidden', path: join(workspace, 'a/b/.data') },
    ])
  })

  it('keeps what must stay as it is read-only, inside of the workspace and as the workspace', () => {
    const home = temporaryFolder({ 'src/reins/.reins/token': '', 'src/reins/workspace/a/f': '', 'src/reins/x/y': '' })
    const program = join(home, 'src/reins')
    const guard = { readOnly: [program, '/not/there'], writable: [join(program, 'workspace')] }
    const of = (workspace: string) => {
      const mounts = plan(workspace, [join(program, '.reins')], guard)
      if (typeof mounts === 'string') throw new Error(mounts)
      return mounts.slice(mounts.findIndex((mount) => mount.path === '/var/tmp') + 1)
    }
    const inside: readonly Mount[] = [
      { kind: 'writable', path: join(program, 'workspace') },
      { kind: 'hidden', path: join(program, '.reins') },
    ]
    expect(of(home)).toEqual([
      { kind: 'writable', path: home },
      { kind: 'writable', path: join(home, 'src') },
      { kind: 'read-only', path: program },
      ...inside,
    ])
    expect(of(program)).toEqual([{ kind: 'read-only', path: program }, ...inside])
    expect(of(join(program, 'x'))).toEqual([{ kind: 'read-only', path: join(program, 'x') }])
    expect(of(join(program, 'workspace/a'))).toEqual([{ kind: 'writable', path: join(program, 'workspace/a') }])
  })

  it('refuses a workspace that is the system, or is masked', () => {
    for (const workspace of ['/', '/usr', '/etc', '/tmp', '/proc/self', '/dev/shm'])
      expect(plan(workspace)).toMatch(/cannot use/)
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'inner'))
    expect(plan(join(folder, 'inner'), [folder])).toMatch(/no tool may see/)
  })
})
