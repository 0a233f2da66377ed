import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { call, fakeContext, temporaryFolder } from '../../test/fake-context.ts'
import { runTool } from '../calls/run.ts'

const project = {
  'readme.md': 'Reins\n',
  'src/a.ts': 'const answer = 42\n',
  'src/deep/b.ts': 'export {}\nAnswer\n',
  'src/deep/c.js': 'answer()\n',
  'node_modules/x/index.ts': 'answer\n',
  '.git/config': 'answer\n',
}

describe('find_files', () => {
  const find = async (args: Record<string, unknown>) =>
    (await call('find_files', args, fakeContext(temporaryFolder(project)).context)).files

  it.each([
    ['*', ['.git/', 'node_modules/', 'readme.md', 'src/']],
    ['*.ts', []],
    ['src/*.ts', ['src/a.ts']],
    ['**/*.ts', ['src/a.ts', 'src/deep/b.ts']],
    ['**/*.{ts,js}', ['src/a.ts', 'src/deep/b.ts', 'src/deep/c.js']],
    ['src/**', ['src/a.ts', 'src/deep/', 'src/deep/b.ts', 'src/deep/c.js']],
    ['src/[!x]*/?.ts', ['src/deep/b.ts']],
    ['node_modules/**/*.ts', ['node_modules/x/index.ts']],
    ['./readme.md', ['readme.md']],
    ['src/', ['src/']],
    ['./src/*/', ['src/deep/']],
    ['**/', ['.git/', 'node_modules/', 'src/', 'src/deep/']],
    ['readme.md/', []],
  ])('%s', async (pattern, files) => {
    expect(await find({ pattern })).toEqual(files)
  })

  it('searches from a folder and shows paths from the workspace', async () => {
    expect(await find({ pattern: '**/*.ts', path: 'src/deep' })).toEqual(['src/deep/b.ts'])
  })

  it('refuses to look outside', async () => {
    const { context } = fakeContext(temporaryFolder(project))
    for (const pattern of ['/etc/*', '../*', 'a/../../*'])
      expect(await call('find_files', { pattern }, context)).toMatchObject({ code: 'invalid-arguments' })
    expect(await call('find_files', { pattern: '*', path: '..' }, context)).toMatchObject({ code: 'refused' })
    expect(await call('find_files', { pattern: '[z-a]' }, context)).toMatchObject({ code: 'invalid-arguments' })
  })

  it('says where it found nothing for a glob of another form', async () => {
    const { context } = fakeContext(temporaryFolder(project))
    for (const [pattern, says] of [
      ['@(a|b).ts', '@(a|b)'],
      ['[[:alpha:]]*.ts', '[[:alpha:]]'],
      ['f{1..3}.ts', '{1..3}'],
    ] as const)
      expect(await call('find_files', { pattern }, context)).toMatchObject({
        ...{ files: [], total: 0 },
        note: expect.stringContaining(says),
      })
    expect(await call('find_files', { pattern: '*.nothing' }, context)).not.toHaveProperty('note')
  })

  it('finds folders whose names are brackets, in whole paths and in parts', async () => {
    const { context } = fakeContext(
      temporaryFolder({
        'app/[id]/page.tsx': 'x',
        'app/[[...slug]]/page.tsx': 'x',
        'app/i/page.tsx': 'x',
        '[z-a]': 'x',
      }),
    )
    const found = async (pattern: string) => (await call('find_files', { pattern }, context)).files
    expect(await found('app/[id]/page.tsx')).toEqual(['app/[id]/page.tsx', 'app/i/page.tsx'])
    expect(await found(String.raw`app/\[id\]/*`)).toEqual(['app/[id]/page.tsx'])
    expect(await found('app/[[...slug]]/page.tsx')).toEqual(['app/[[...slug]]/page.tsx'])
    expect(await found('[z-a]')).toEqual(['[z-a]'])
    const { matches } = await call('grep', { pattern: 'x', include: 'app/[id]/*.tsx' }, context)
    expect(matches).toMatchObject([{ file: 'app/[id]/page.tsx' }, { file: 'app/i/page.tsx' }])
  })

  it('shows and counts names that are no UTF-8, and every tool finds them again under what is shown', async () => {
    const folder = temporaryFolder({ 'ü.txt': '' })
    const name = Buffer.concat([Buffer.from(`${folder}/a-`), Buffer.of(0xff, 0xc3), Buffer.from('ü.txt')])
    writeFileSync(name, 'needle\n')
    const { context } = fakeContext(folder)
    const shown = String.raw`a-\xff\xc3ü.txt`
    expect(await call('find_files', { pattern: '*.txt' }, context)).toMatchObject({ files: [shown, 'ü.txt'], total: 2 })
    expect(await call('list_directory', {}, context)).toMatchObject({ entries: [{ name: shown }, {}], total: 2 })
    expect(await call('directory_tree', {}, context)).toMatchObject({ tree: expect.stringContaining(shown), files: 2 })
    expect(await call('grep', { pattern: 'needle' }, context)).toMatchObject({ matches: [{ file: shown }] })
    expect(await call('read_file', { path: shown }, context)).toMatchObject({ content: 'needle\n' })
    expect(await call('edit_file', { path: shown, old_string: 'needle', new_string: 'hay' }, context)).toMatchObject({
      status: 'ok',
    })
    expect(readFileSync(name, 'utf8')).toBe('hay\n')
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it('says how many there are when not all fit', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 400 }, (_, at) => [`file-with-a-long-name-${String(at).padStart(4, '0')}`, '']),
    )
    const { context } = fakeContext(temporaryFolder(files), { settings: { maxOutputChars: 4_000 } })
    const outcome = await runTool('find_files', { pattern: '**' }, context)
    expect(outcome.output.length).toBeLessThanOrEqual(4_000)
    expect(JSON.parse(outcome.output)).toMatchObject({ total: 400, truncated: true })
  })

  it('looks at the length of a pattern first', async () => {
    const { context } = fakeContext(temporaryFolder(project))
    for (const pattern of ['['.repeat(300_000), '/'.repeat(300_000), './'.repeat(300_000), '{'.repeat(300_000)])
      expect(await call('find_files', { pattern }, context)).toMatchObject({ code: 'invalid-arguments' })
    expect(await call('grep', { pattern: 'a', include: '['.repeat(300_000) }, context)).toMatchObject({
      code: 'invalid-arguments',
      error: expect.stringContaining('"include"'),
    })
  })

  it('is not stopped by a hostile glob, links in a circle, or a very deep tree', async () => {
    const folder = temporaryFolder({ [`${'a'.repeat(200)}.txt`]: '' })
    mkdirSync(join(folder, 'circle'))
    symlinkSync('..', join(folder, 'circle/up'))
    // Deeper than one path can name.
    execFileSync(
      '/bin/sh',
      ['-c', 'mkdir deep; cd deep; i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done'],
      { cwd: folder },
    )
    const { context } = fakeContext(folder)
    expect(await call('find_files', { pattern: `${'*a'.repeat(60)}b` }, context)).toMatchObject({ total: 0 })
    expect(await call('find_files', { pattern: '**/up' }, context)).toMatchObject({
      files: ['circle/up/'],
      folders_not_read: 1,
    })
  })
})

describe('grep', () => {
  it('finds lines, and leaves out .git and node_modules', async () => {
    const { context } = fakeContext(temporaryFolder(project))
    expect(await call('grep', { pattern: '(?i)answer' }, context)).toEqual({
      status: 'ok',
      matches: [
        { file: 'src/a.ts', line: 1, content: 'const answer = 42' },
        { file: 'src/deep/b.ts', line: 2, content: 'Answer' },
        { file: 'src/deep/c.js', line: 1, content: 'answer()' },
      ],
      files_searched: 4,
    })
    expect(await call('grep', { pattern: 'answer', path: 'node_modules' }, context)).toMatchObject({
      matches: [{ file: 'node_modules/x/index.ts' }],
    })
  })

  it('takes a file as path, and globs of names and paths', async () => {
    const { context } = fakeContext(temporaryFolder(project))
    const files = async (args: Record<string, unknown>) => {
      const { matches } = await call('grep', { pattern: 'answer', ...args }, context)
      return Array.isArray(matches) ? matches.map((match) => match.file) : matches
    }
    expect(await files({ path: 'src/a.ts' })).toEqual(['src/a.ts'])
    expect(await files({ include: '*.js' })).toEqual(['src/deep/c.js'])
    expect(await files({ include: 'src/*.ts' })).toEqual(['src/a.ts'])
    expect(await files({ path: 'src', include: 'deep/*' })).toEqual(['src/deep/c.js'])
    expect(await call('grep', { pattern: 'a', path: 'nope' }, context)).toMatchObject({ code: 'not-found' })
  })

  it('says why it finds nothing over the end of a line, or in files of another form of glob', async () => {
    const { context } = fakeContext(temporaryFolder({ 'f.ts': 'one\ntwo\n' }))
    expect(await call('grep', { pattern: 'one\\ntwo' }, context)).toMatchObject({
      ...{ matches: [], note: expect.stringContaining('one by one') },
    })
    expect(await call('grep', { pattern: 'one', include: '@(f|g).ts' }, context)).toMatchObject({
      ...{ matches: [], note: expect.stringContaining('@(a|b)') },
    })
    for (const pattern of ['on\\\\new', 'three'])
      expect(await call('grep', { pattern }, context)).not.toHaveProperty('note')
  })

  it('is not stopped by repeats that multiply, and searches as much of a line as a large pattern allows', async () => {
    const { context } = fakeContext(temporaryFolder({ f: `${'ab'.repeat(32_000)}\n` }))
    for (const pattern of ['[^x]{1000}'.repeat(90), '(([a-z]{9}){9}){9}'.repeat(50)])
      expect(await call('grep', { pattern }, context)).toMatchObject({
        code: 'invalid-arguments',
        error: expect.stringContaining('too large'),
      })
    expect(await call('grep', { pattern: '[^x]{1000}[^y]{1000}x' }, context)).toMatchObject({
      status: 'ok',
      matches: [],
      note: expect.stringMatching(/1 lines were searched in their first \d{4} characters only/),
    })
  })

  it('names what is wrong with a pattern', async () => {
    const { context } = fakeContext(temporaryFolder(project))
    for (const pattern of ['(', '(?=x)', '(a{1000}){1000}', 'x'.repeat(2_000)]) {
      expect(await call('grep', { pattern }, context)).toMatchObject({
        code: 'invalid-arguments',
        error: expect.stringContaining('"pattern"'),
      })
    }
  })

  it.each(['(a+)+$', '(a|a)*b', '(.*)*x', '(a?){300}a{300}b', '((a*)*)*c'])('is not stopped by %s', async (pattern) => {
    const { context } = fakeContext(temporaryFolder({ f: `${'a'.repeat(30_000)}!\n` }))
    expect(await call('grep', { pattern }, context)).toMatchObject({ status: 'ok', matches: [] })
  })

  it('skips binary files, pipes, and links that lead out; follows files inside', async () => {
    const folder = temporaryFolder({
      'ws/bin': Buffer.from('needle\0'),
      'ws/text': 'needle\n',
      secret: 'needle\n',
      'ws/bad': Buffer.of(0x6e, 0xff, 0x6e),
    })
    const ws = join(folder, 'ws')
    execFileSync('mkfifo', [join(ws, 'pipe')])
    symlinkSync('../secret', join(ws, 'out'))
    symlinkSync('text', join(ws, 'zz-link'))
    expect(await call('grep', { pattern: 'needle' }, fakeContext(ws).context)).toEqual({
      status: 'ok',
      matches: [
        { file: 'text', line: 1, content: 'needle' },
        { file: 'zz-link', line: 1, content: 'needle' },
      ],
      files_searched: 3,
      binary_files_skipped: 1,
    })
    expect(await call('grep', { pattern: 'needle', path: 'bin' }, fakeContext(ws).context)).toMatchObject({
      status: 'error',
    })
    expect(await call('grep', { pattern: 'needle', path: 'pipe' }, fakeContext(ws).context)).toMatchObject({
      status: 'error',
    })
  })

  it('shows the part of a long line where the match is, and stays within its limits', async () => {
    const { context } = fakeContext(temporaryFolder({ f: `${'x'.repeat(5_000)}needle${'y'.repeat(5_000)}\n` }))
    const { matches } = await call('grep', { pattern: 'needle' }, context)
    expect(matches).toEqual([{ file: 'f', line: 1, content: expect.stringMatching(/^…x+needley+…$/) }])
    const many = fakeContext(temporaryFolder({ f: 'a\n'.repeat(3_000) }))
    expect(await call('grep', { pattern: 'a' }, many.context)).toMatchObject({
      truncated: true,
      matches: { length: 1_000 },
    })
    const small = await runTool(
      'grep',
      { pattern: 'a' },
      fakeContext(many.context.workspace, { settings: { maxOutputChars: 4_000 } }).context,
    )
    expect(small.output.length).toBeLessThanOrEqual(4_000)
  })

  it('ends when it is aborted, and when its time is over', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'f'), `${'ab '.repeat(2_000)}\n`.repeat(3_000))
    const controller = new AbortController()
    const running = runTool(
      'grep',
      { pattern: '(a|b| )*a$' },
      fakeContext(folder, { signal: controller.signal }).context,
    )
    controller.abort()
    expect(await running).toMatchObject({ status: 'error', code: 'cancelled' })
    expect(
      await runTool('grep', { pattern: '(a|b| )*a$' }, fakeContext(folder, { settings: { timeoutMs: 1 } }).context),
    ).toMatchObject({ code: 'timeout' })
  })
})
