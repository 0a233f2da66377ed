import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { adminToken, DataDirError, dataDirOwner, openDataDir } from '../src/data/data-dir.ts'
import { identify, isAlive } from '../src/data/process-identity.ts'
import { killNow, otherProcess, Scratch } from './fixture.ts'

const mode = (file: string) => (statSync(file).mode & 0o777).toString(8)

function refusal(open: () => unknown): DataDirError {
  try {
    open()
  } catch (error) {
    if (error instanceof DataDirError) return error
  }
  throw new Error('it was not refused')
}

describe('the data folder', () => {
  it.runIf(process.platform === 'linux')('is refused at once where no folder can be made', () => {
    const refused = refusal(() => openDataDir('/proc/reins/data'))
    expect([refused.code, refused.message]).toEqual(['unusable', expect.stringContaining('--data-dir')])
  })

  it.each(['.reins', '.reins/below'])('is refused in words where a file stands: %s', (folder) => {
    using scratch = new Scratch()
    writeFileSync(scratch.in('.reins'), '')
    expect(refusal(() => openDataDir(scratch.in(...folder.split('/')))).message).toContain(
      'there is a file in its place',
    )
  })

  it('is made with mode 700, with the format in it, under its real path', () => {
    using scratch = new Scratch()
    mkdirSync(scratch.in('real'), { recursive: true })
    symlinkSync(scratch.in('real'), scratch.in('link'))
    const dir = openDataDir(scratch.in('link', 'a b "c"', '.reins'))
    expect(dir.path).toBe(scratch.in('real', 'a b "c"', '.reins'))
    expect(mode(dir.path)).toBe('700')
    expect(readFileSync(`${dir.path}/version`, 'utf8')).toBe('1\n')
    dir.release()
  })

  it('has one owner, and names it to whoever comes second', async () => {
    using scratch = new Scratch()
    const { child, said } = await otherProcess('open', scratch.path)
    expect(said).toEqual({ opened: true })
    const refused = refusal(() => openDataDir(scratch.path))
    expect(refused.code).toBe('in-use')
    expect(refused.message).toContain(`process ${child.pid}, running since `)
    expect(refused.message).toContain('at http://127.0.0.1:7420')
    expect(dataDirOwner(scratch.path)?.pid).toBe(child.pid)
    await killNow(child)
    expect(dataDirOwner(scratch.path)).toBeUndefined()
    openDataDir(scratch.path).release()
  })

  it('is refused to the process that has it, and opens again after its release', () => {
    using scratch = new Scratch()
    const dir = openDataDir(scratch.path)
    expect(refusal(() => openDataDir(scratch.path)).owner?.pid).toBe(process.pid)
    dir.release()
    openDataDir(scratch.path).release()
  })

  it('goes to exactly one of several that start at once over a dead owner', async () => {
    using scratch = new Scratch()
    await killNow((await otherProcess('open', scratch.path)).child)
    const starts = await Promise.all(Array.from({ length: 4 }, () => otherProcess('open', scratch.path)))
    expect(starts.filter(({ said }) => said.opened)).toHaveLength(1)
    await Promise.all(starts.map(({ child }) => killNow(child)))
  })

  it('is free when the pid of its dead owner has been given to another process', () => {
    using scratch = new Scratch()
    openDataDir(scratch.path).release()
    const recycled = { pid: process.ppid, started: 'another boot/1', since: '2020-01-01T00:00:00.000Z', status: 'held' }
    writeFileSync(scratch.in('owner.7'), JSON.stringify(recycled))
    openDataDir(scratch.path).release()
  })

  it('refuses a newer format and a folder with other things in it', () => {
    using scratch = new Scratch()
    openDataDir(scratch.path).release()
    writeFileSync(scratch.in('version'), '2\n')
    expect(refusal(() => openDataDir(scratch.path)).code).toBe('newer-format')
    writeFileSync(scratch.in('version'), '1\n')
    openDataDir(scratch.path).release()

    using home = new Scratch()
    writeFileSync(home.in('thesis.tex'), '')
    const before = mode(home.path)
    expect(refusal(() => openDataDir(home.path)).code).toBe('foreign')
    expect(mode(home.path)).toBe(before)
  })

  it('root follows no link in the folder of another user, and says so', ({ skip }) => {
    if (process.getuid?.() !== 0) return skip('only root can be led so')
    using scratch = new Scratch()
    const folder = scratch.in('data')
    openDataDir(folder).release()
    const target = scratch.in('target')
    writeFileSync(target, 'kept', { mode: 0o644 })
    symlinkSync(target, `${folder}/admin.token`)
    expect(() => adminToken(folder)).toThrow(/admin.token is a symbolic link/)
    chownSync(folder, 65534, 65534)
    expect(() => openDataDir(folder)).toThrow(/is a symbolic link in the data folder of another user/)
    expect([statSync(target).mode & 0o777, readFileSync(target, 'utf8')]).toEqual([0o644, 'kept'])
    unlinkSync(`${folder}/admin.token`)
    openDataDir(folder).release()
  })

  it('keeps one admin token, for its owner only', () => {
    using scratch = new Scratch()
    const dir = openDataDir(scratch.path)
    const token = adminToken(dir.path)
    expect(token).toMatch(/^reins_admin_[\w-]{43}$/)
    expect(adminToken(dir.path)).toBe(token)
    expect(mode(scratch.in('admin.token'))).toBe('600')
    writeFileSync(scratch.in('admin.token'), 'hello')
    expect(() => adminToken(dir.path)).toThrow('Delete it')
    dir.release()
  })
})

describe('a process', () => {
  it('is itself by pid and start time, and dead once it is killed', async () => {
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const id = identify(child.pid ?? 0)
    expect(id).toBeDefined()
    if (id === undefined) return
    expect(isAlive(id)).toBe(true)
    expect(isAlive({ ...id, started: 'something else' })).toBe(false)
    await killNow(child)
    expect(isAlive(id)).toBe(false)
  })
})
