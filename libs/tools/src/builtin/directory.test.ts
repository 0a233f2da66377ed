import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { call, fakeContext, temporaryFolder } from '../../test/fake-context.ts'
import { runTool } from '../calls/run.ts'

const files = { 'b.txt': 'xy', 'a/one.ts': '', 'a/deep/er/two.ts': '', 'node_modules/x/y': '', '.data/token': '' }

describe('list_directory', () => {
  it('lists name, type and size', async () => {
    const folder = temporaryFolder({ 'b.txt': 'xy' })
    mkdirSync(join(folder, 'a'))
    symlinkSync('b.txt', join(folder, 'c'))
    expect(await call('list_directory', {}, fakeContext(folder).context)).toEqual({
      status: 'ok',
      path: '.',
      entries: [
        { name: 'a', type: 'directory', size: expect.any(Number) },
        { name: 'b.txt', type: 'file', size: 2 },
        { name: 'c', type: 'file', size: 2, link: true },
      ],
      total: 3,
    })
  })

  it('does not show the data folder', async () => {
    const folder = temporaryFolder(files)
    const { entries } = await call(
      'list_directory',
      {},
      fakeContext(folder, { masked: [join(folder, '.data')] }).context,
    )
    expect(Array.isArray(entries) && entries.map((entry) => entry.name)).toEqual(['a', 'b.txt', 'node_modules'])
  })

  it('names what is no directory', async () => {
    const { context } = fakeContext(temporaryFolder(files))
    expect(await call('list_directory', { path: 'b.txt' }, context)).toMatchObject({
      error: 'is not a directory: b.txt',
    })
    expect(await call('list_directory', { path: 'zz' }, context)).toMatchObject({ code: 'not-found' })
  })
})

describe('directory_tree', () => {
  it('shows three levels and does not open node_modules', async () => {
    const folder = temporaryFolder(files)
    const { context } = fakeContext(folder, { masked: [join(folder, '.data')] })
    expect(await call('directory_tree', {}, context)).toEqual({
      status: 'ok',
      tree: './\n  a/\n    deep/\n      er/\n    one.ts\n  b.txt\n  node_modules/ (not opened)',
      directories: 4,
      files: 2,
    })
    expect(await call('directory_tree', { path: 'a', max_depth: 1 }, context)).toMatchObject({
      tree: 'a/\n  deep/\n  one.ts',
    })
    expect(await call('directory_tree', { max_depth: 0 }, context)).toMatchObject({ code: 'invalid-arguments' })
  })

  it('stays within max_output_chars', async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`name-of-a-file-${at}`, '']))
    const outcome = await runTool(
      'directory_tree',
      {},
      fakeContext(temporaryFolder(many), { settings: { maxOutputChars: 4_000 } }).context,
    )
    expect(outcome.output.length).toBeLessThanOrEqual(4_000)
    expect(outcome.truncated).toBe(true)
    expect(JSON.parse(outcome.output)).toMatchObject({ files: 500 })
  })
})
