import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { call, fakeContext, temporaryFolder } from '../../test/fake-context.ts'
import { ToolFailure } from '../calls/outcome.ts'
import { noGuard } from './guard.ts'
import { detectOpener, type OpenerKind } from './node.ts'
import { Workspace } from './workspace.ts'

function read(folder: string, path: string, opener: OpenerKind, masked: readonly string[] = []): string {
  try {
    using workspace = new Workspace(folder, { ...noGuard, masked }, opener)
    using found = workspace.locate(path)
    const fd = workspace.openFile(found)
    try {
      return readFileSync(fd, 'utf8')
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof ToolFailure) return error.code
    throw error
  }
}

const openers: readonly OpenerKind[] = detectOpener() === 'handles' ? ['handles', 'paths'] : ['paths']

describe.each(openers)('a workspace by %s', (opener) => {
  function tree() {
    const folder = temporaryFolder({
      'ws/a/b.txt': 'inside',
      'secret.txt': 'outside',
      'ws/.data/token': 'masked',
      'ws-2/x': 'neighbour',
    })
    return { folder, ws: join(folder, 'ws') }
  }

  it.each([
    ['too deep', `new/${'d/'.repeat(200)}x`],
    ['too long in the middle', `new/${'n'.repeat(300)}/x`],
    ['too long at the end', `new/${'ü'.repeat(200)}`],
  ])('a path that is %s is refused before a folder of it is made', (_, path) => {
    const { ws } = tree()
    using workspace = new Workspace(ws, noGuard, opener)
    expect(() => workspace.locate(path, { change: true, create: true })).toThrow(ToolFailure)
    expect(existsSync(join(ws, 'new'))).toBe(false)
  })

  it.each([
    ['a relative path', 'a/b.txt', 'inside'],
    ['dots that stay inside', './a/../a//b.txt', 'inside'],
    ['a parent', '../secret.txt', 'refused'],
    ['a parent behind a folder', 'a/../../secret.txt', 'refused'],
    ['a parent and back in', '../ws/a/b.txt', 'refused'],
    ['an absolute path outside', '/etc/passwd', 'refused'],
    ['a NUL', 'a\0b', 'invalid-arguments'],
    ['nothing there', 'nope', 'not-found'],
    ['nothing there, deep', 'nope/x', 'not-found'],
    ['a file as a folder', 'a/b.txt/c', 'failed'],
    ['a folder as a file', 'a', 'failed'],
    ['too deep a path', 'a/'.repeat(500), 'not-found'],
  ])('%s', (_, path, expected) => {
    expect(read(tree().ws, path, opener)).toBe(expected)
  })

  it('takes absolute paths inside, and not those of a neighbour whose name begins alike', () => {
    const { folder, ws } = tree()
    expect(read(ws, join(ws, 'a/b.txt'), opener)).toBe('inside')
    expect(read(ws, `${ws}/../secret.txt`, opener)).toBe('refused')
    expect(read(ws, join(folder, 'ws-2/x'), opener)).toBe('refused')
  })

  it('follows links that stay inside, and none that lead out', () => {
    const { folder, ws } = tree()
    symlinkSync('a', join(ws, 'in'))
    symlinkSync(join(ws, 'a/b.txt'), join(ws, 'in-absolute'))
    symlinkSync('../in/b.txt', join(ws, 'a/chain'))
    symlinkSync('../secret.txt', join(ws, 'out'))
    symlinkSync(folder, join(ws, 'out-folder'))
    symlinkSync('loop', join(ws, 'loop'))
    expect(
      ['in/b.txt', 'in-absolute', 'a/chain', 'in/chain', 'out', 'out-folder/secret.txt', 'loop'].map((path) =>
        read(ws, path, opener),
      ),
    ).toEqual(['inside', 'inside', 'inside', 'inside', 'refused', 'refused', 'failed'])
  })

  it.runIf(process.platform === 'linux')('hides what the kernel shows as files, under any name', () => {
    const { ws } = tree()
    symlinkSync('/proc/self/environ', join(ws, 'environ'))
    for (const path of [
      'proc/self/environ',
      '/proc/self/root/proc/self/environ',
      'sys/kernel/notes',
      join(ws, 'environ'),
    ])
      expect([path, read('/', path, opener)]).toEqual([path, 'refused'])
    for (const folder of ['/proc', '/proc/self/task', '/sys']) expect(read(folder, 'x', opener)).toBe('refused')
    using root = new Workspace('/', noGuard, opener)
    using found = root.locate('.')
    if (found.kind === 'missing') throw new Error('/ is missing')
    expect([...root.entries(found.node, '')].map(({ name }) => name)).not.toContain('proc')
  })

  it('refuses a workspace behind a link that an agent could have made, and says what to do', () => {
    const { folder, ws } = tree()
    symlinkSync('ws', join(folder, 'link'))
    symlinkSync(folder, join(folder, 'ws/up'))
    for (const path of [join(folder, 'link'), join(folder, 'link/a'), join(ws, 'up/ws/a')]) {
      expect([path, read(path, 'b.txt', opener)]).toEqual([path, 'refused'])
      expect(() => new Workspace(path, noGuard, opener)).toThrow(
        /goes through a symbolic link.* Name the folder itself/,
      )
    }
    // In the root of the machine no agent makes links: many systems have some there.
    const link = readdirSync('/', { withFileTypes: true }).find(
      (entry) => entry.isSymbolicLink() && existsSync(`/${entry.name}`),
    )
    if (link) new Workspace(`/${link.name}`, noGuard, opener)[Symbol.dispose]()
  })

  it('hides a masked folder and its pieces wherever they are moved, linked or found', () => {
    const { folder, ws } = tree()
    const data = join(ws, '.data')
    const masked = [data]
    mkdirSync(join(data, 'deep/er'), { recursive: true })
    writeFileSync(join(data, 'deep/er/key'), 'masked')
    expect(read(ws, 'a/b.txt', opener, masked)).toBe('inside')
    linkSync(join(data, 'token'), join(ws, 'a/second-name'))
    expect(read(ws, 'a/second-name', opener, masked)).toBe('refused')
    writeFileSync(join(data, 'deep/er/later'), 'masked')
    linkSync(join(data, 'deep/er/later'), join(ws, 'a/later'))
    expect(read(ws, 'a/later', opener, masked)).toBe('refused')
    renameSync(join(data, 'deep/er'), join(ws, 'a/er'))
    expect([read(ws, 'a/er/key', opener, masked), read(join(ws, 'a/er'), 'key', opener, masked)]).toEqual([
      'refused',
      'refused',
    ])
    if (opener === 'paths') return
    renameSync(data, join(ws, 'a/moved'))
    expect(read(ws, 'a/moved/token', opener, masked)).toBe('refused')
    renameSync(join(ws, 'a'), join(folder, 'elsewhere'))
    expect(read(folder, 'elsewhere/moved/token', opener, masked)).toBe('refused')
    expect(read(folder, 'elsewhere/b.txt', opener, masked)).toBe('inside')
  })

  it('a file that has a second name is read where it is no piece of what is masked', () => {
    const { ws } = tree()
    linkSync(join(ws, 'a/b.txt'), join(ws, 'a/c.txt'))
    expect(read(ws, 'a/c.txt', opener, [join(ws, '.data')])).toBe('inside')
  })

  it('refuses a masked folder by name, by link, and as a workspace', () => {
    const { folder, ws } = tree()
    const masked = [join(ws, '.data')]
    symlinkSync('.data', join(ws, 'alias'))
    symlinkSync(ws, join(folder, 'link'))
    expect(read(ws, '.data/token', opener, masked)).toBe('refused')
    expect(read(ws, 'alias/token', opener, masked)).toBe('refused')
    expect(read(ws, 'a/../.data/token', opener, masked)).toBe('refused')
    expect(read(ws, '.data/token', opener, [join(folder, 'link/.data')])).toBe('refused')
    expect(read(join(ws, '.data'), 'token', opener, masked)).toBe('refused')
    mkdirSync(join(ws, '.data/inner'))
    expect(read(join(ws, '.data/inner'), '../token', opener, masked)).toBe('refused')
  })

  it('hides from lists what is masked, dangling, or leads out', () => {
    const { ws } = tree()
    symlinkSync('../secret.txt', join(ws, 'out'))
    symlinkSync('nowhere', join(ws, 'dangling'))
    symlinkSync('.data/token', join(ws, 'masked-file'))
    symlinkSync('a/b.txt', join(ws, 'in'))
    using workspace = new Workspace(ws, { ...noGuard, masked: [join(ws, '.data')] }, opener)
    using root = workspace.locate('')
    if (root.kind !== 'folder') throw new Error('no folder')
    expect([...workspace.entries(root.node, '')].map(({ name, kind, link }) => ({ name, kind, link }))).toEqual([
      { name: 'a', kind: 'folder', link: false },
      { name: 'in', kind: 'file', link: true },
    ])
  })

  it.skipIf(process.platform === 'win32')('does not open a pipe or a device', () => {
    const { ws } = tree()
    execFileSync('mkfifo', [join(ws, 'pipe')])
    expect(read(ws, 'pipe', opener)).toBe('failed')
    expect(read('/dev', 'zero', opener)).toBe('failed')
  })

  it('holds no descriptor when it is done', () => {
    if (!existsSync('/proc/self/fd')) return
    const { ws } = tree()
    const before = readdirSync('/proc/self/fd').length
    for (let round = 0; round < 50; round += 1)
      for (const path of ['a/b.txt', '../x', 'nope/y', 'a']) read(ws, path, opener)
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })
})

/** Swaps `name` in `folder` between what it is and a link to `target`, until it has done so often enough or is told to end. */
function startSwapping(
  folder: string,
  name: string,
  target: string,
): { readonly done: Promise<void>; readonly running: () => boolean } {
  const code = `
    const { renameSync, symlinkSync, rmSync } = require('node:fs')
    const { folder, name, target, rounds } = require('node:worker_threads').workerData
    const at = folder + '/' + name, aside = folder + '/.aside-' + name
    for (let round = 0; round < rounds; round += 1) {
      renameSync(at, aside); symlinkSync(target, at)
      rmSync(at, { recursive: true, force: true }); renameSync(aside, at)
    }`
  let running = true
  const worker = new Worker(code, { eval: true, workerData: { folder, name, target, rounds: 4_000 } })
  const done = new Promise<void>((resolve) => {
    worker.on('error', () => {})
    worker.on('exit', () => {
      running = false
      resolve()
    })
  })
  return { done, running: () => running }
}

describe.skipIf(detectOpener() !== 'handles')('while another process swaps names for links that lead out', () => {
  it('a read never gives what lies outside, through a folder or a file', async () => {
    const folder = temporaryFolder({ 'ws/d/f': 'inside', 'ws/g': 'inside', 'out/f': 'OUTSIDE' })
    const ws = join(folder, 'ws')
    const { context } = fakeContext(ws)
    for (const [name, target, path] of [
      ['d', '../out', 'd/f'],
      ['g', '../out/f', 'g'],
    ] as const) {
      const swapping = startSwapping(ws, name, target)
      const seen = new Map<unknown, number>()
      while (swapping.running()) {
        const answer = await call('read_file', { path }, context)
        const what = answer.content ?? answer.code
        seen.set(what, (seen.get(what) ?? 0) + 1)
        const found = await call('grep', { pattern: 'OUTSIDE' }, context)
        expect(found.matches ?? []).toEqual([])
        await new Promise(setImmediate)
      }
      await swapping.done
      expect(
        [...seen.keys()].filter((what) => !['inside', 'refused', 'not-found', 'failed'].includes(String(what))),
      ).toEqual([])
      expect(seen.get('inside')).toBeGreaterThan(0)
    }
  })

  it('a write never lands outside', async () => {
    const folder = temporaryFolder({ 'ws/d/f': 'inside', 'out/f': 'OUTSIDE' })
    const ws = join(folder, 'ws')
    const { context } = fakeContext(ws)
    const swapping = startSwapping(ws, 'd', '../out')
    let written = 0
    while (swapping.running()) {
      const answer = await call('write_file', { path: 'd/new/f', content: 'x', create_dirs: true }, context)
      if (answer.status === 'ok') written += 1
      await call('edit_file', { path: 'd/f', old_string: 'OUTSIDE', new_string: 'changed' }, context)
      await new Promise(setImmediate)
    }
    await swapping.done
    expect(written).toBeGreaterThan(0)
    expect(readdirSync(join(folder, 'out'))).toEqual(['f'])
    expect(readFileSync(join(folder, 'out/f'), 'utf8')).toBe('OUTSIDE')
  })
})
