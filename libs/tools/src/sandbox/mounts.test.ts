import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fake-context.ts'
import { isWithin, planMounts } from './mounts.ts'

const plan = (workspace: string, masked: readonly string[] = [], network = false) => {
  const result = planMounts({ workspace, masked, network, readable: [] })
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

  it('refuses a workspace that is the system, or is masked', () => {
    for (const workspace of ['/', '/usr', '/etc', '/tmp', '/proc/self', '/dev/shm'])
      expect(plan(workspace)).toMatch(/cannot use/)
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'inner'))
    expect(plan(join(folder, 'inner'), [folder])).toMatch(/no tool may see/)
  })
})
