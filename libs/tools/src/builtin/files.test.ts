import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { call, fakeContext, temporaryFolder } from '../../test/fake-context.ts'
import { runTool } from '../calls/run.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const utf16le = (text: string) => Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, 'utf16le')])
const utf16be = (text: string) => Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from(text, 'utf16le').swap16()])
const bom = (text: string) => Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(text)])

describe('read_file', () => {
  it('gives content and number of lines', async () => {
    const { context } = fakeContext(temporaryFolder({ 'a.txt': 'one\ntwo\n' }))
    expect(await call('read_file', { path: 'a.txt' }, context)).toEqual({
      status: 'ok',
      path: 'a.txt',
      content: 'one\ntwo\n',
      lines: 2,
    })
  })

  it('gives the lines asked for', async () => {
    const { context } = fakeContext(temporaryFolder({ a: 'l0\nl1\nl2\nl3' }))
    expect(await call('read_file', { path: 'a', offset: 1, limit: 2 }, context)).toMatchObject({
      content: 'l1\nl2\n',
      lines: 4,
    })
    expect(await call('read_file', { path: 'a', offset: 3 }, context)).toMatchObject({ content: 'l3', lines: 4 })
    expect(await call('read_file', { path: 'a', offset: 4 }, context)).toMatchObject({ code: 'invalid-arguments' })
  })

  it('reads an empty file', async () => {
    const { context } = fakeContext(temporaryFolder({ a: '' }))
    expect(await call('read_file', { path: 'a' }, context)).toEqual({ status: 'ok', path: 'a', content: '', lines: 0 })
  })

  it.each([
    ['UTF-8 with a mark', bom('grün\n'), 'grün\n', { encoding: 'utf-8-bom' }],
    ['UTF-16 LE', utf16le('grün\n'), 'grün\n', { encoding: 'utf-16le' }],
    ['UTF-16 BE', utf16be('grün\n'), 'grün\n', { encoding: 'utf-16be' }],
    ['latin1', latin1('grün\n'), 'grün\n', { encoding: 'latin1' }],
    ['UTF-8 with a bad byte', Buffer.concat([Buffer.from('grün '), Buffer.of(0xff)]), 'grün \ufffd', {}],
    ['CR LF', Buffer.from('a\r\nb\r\n'), 'a\nb\n', { line_endings: 'crlf' }],
  ])('shows %s as text', async (_, bytes, content, more) => {
    const { context } = fakeContext(temporaryFolder({ a: bytes }))
    expect(await call('read_file', { path: 'a' }, context)).toMatchObject({ status: 'ok', content, ...more })
  })

  it('refuses a binary file', async () => {
    const { context } = fakeContext(temporaryFolder({ a: Buffer.of(0x7f, 0x45, 0, 1, 2) }))
    expect(await call('read_file', { path: 'a' }, context)).toMatchObject({
      status: 'error',
      error: expect.stringContaining('is a binary file: a'),
    })
  })

  it('stays within max_output_chars and says where to go on', async () => {
    const lines = Array.from({ length: 5_000 }, (_, at) => `line "${at}"\t${'\u0001'.repeat(5)}`)
    const { context } = fakeContext(temporaryFolder({ a: lines.join('\n') }), { settings: { maxOutputChars: 5_000 } })
    const outcome = await runTool('read_file', { path: 'a' }, context)
    expect(outcome.output.length).toBeLessThanOrEqual(5_000)
    expect(outcome.truncated).toBe(true)
    const answer = JSON.parse(outcome.output)
    expect(answer).toMatchObject({ lines: 5_000, truncated: true })
    expect(await call('read_file', { path: 'a', offset: answer.next_offset, limit: 1 }, context)).toMatchObject({
      content: `${lines[answer.next_offset]}\n`,
    })
  })

  it('shows the head of a line that is too long for an answer', async () => {
    const { context } = fakeContext(temporaryFolder({ a: `${'x'.repeat(50_000)}\nnext\n` }), {
      settings: { maxOutputChars: 5_000 },
    })
    const answer = await call('read_file', { path: 'a' }, context)
    expect(answer).toMatchObject({
      truncated: true,
      next_offset: 1,
      lines: 2,
      note: expect.stringContaining('50000 characters'),
    })
    expect(String(answer.content)).toMatch(/^x{4000,5000}$/)
  })

  it('reads the head of a file of many gigabytes without loading it', async () => {
    const folder = temporaryFolder({ huge: `first\n${'x'.repeat(300_000)}` })
    truncateSync(join(folder, 'huge'), 50 * 1024 ** 3)
    const { context } = fakeContext(folder)
    expect(await call('read_file', { path: 'huge', limit: 1 }, context)).toMatchObject({
      status: 'ok',
      content: 'first\n',
      bytes: 50 * 1024 ** 3,
    })
  })
})

describe('write_file', () => {
  it('makes a file and its folders, and says what was there', async () => {
    const folder = temporaryFolder()
    const { context } = fakeContext(folder)
    expect(await call('write_file', { path: 'a/b/c.txt', content: 'grün' }, context)).toEqual({
      status: 'ok',
      path: 'a/b/c.txt',
      bytes_written: 5,
      created: true,
    })
    expect(await call('write_file', { path: 'a/b/c.txt', content: 'x' }, context)).toMatchObject({ created: false })
    expect(readFileSync(join(folder, 'a/b/c.txt'), 'utf8')).toBe('x')
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['c.txt'])
    expect(await call('write_file', { path: 'z/y', content: '', create_dirs: false }, context)).toMatchObject({
      code: 'not-found',
    })
    expect(await call('write_file', { path: 'a/b', content: '' }, context)).toMatchObject({
      error: 'is a directory: a/b',
    })
  })

  it('keeps mode, encoding mark and line endings of the old file', async () => {
    const folder = temporaryFolder({
      run: '#!/bin/sh\n',
      win: 'a\r\nb\r\n',
      wide: utf16le('a\n'),
      marked: bom('a\n'),
      bytes: latin1('é\n'),
    })
    chmodSync(join(folder, 'run'), 0o751)
    const { context } = fakeContext(folder)
    for (const path of ['run', 'win', 'wide', 'marked', 'bytes'])
      await call('write_file', { path, content: 'ü\nn\n' }, context)
    expect(statSync(join(folder, 'run')).mode & 0o777).toBe(0o751)
    chmodSync(join(folder, 'run'), 0o6755)
    await call('write_file', { path: 'run', content: 'another program' }, context)
    expect(statSync(join(folder, 'run')).mode & 0o7777).toBe(0o755)
    const bytes = (path: string) => readFileSync(join(folder, path))
    expect(bytes('win')).toEqual(Buffer.from('ü\r\nn\r\n'))
    expect(bytes('wide')).toEqual(utf16le('ü\nn\n'))
    expect(bytes('marked')).toEqual(bom('ü\nn\n'))
    expect(bytes('bytes')).toEqual(latin1('ü\nn\n'))
    await call('write_file', { path: 'bytes', content: '€' }, context)
    expect(bytes('bytes')).toEqual(Buffer.from('€'))
  })

  it('replaces the file that a link inside leads to, and keeps the link', async () => {
    const folder = temporaryFolder({ 'a/real': 'old' })
    symlinkSync('a/real', join(folder, 'link'))
    const { context } = fakeContext(folder)
    expect(await call('write_file', { path: 'link', content: 'new' }, context)).toMatchObject({ path: 'a/real' })
    expect(readFileSync(join(folder, 'link'), 'utf8')).toBe('new')
  })

  it('is all or nothing for a reader, whatever the writers', async () => {
    const folder = temporaryFolder({ f: 'a'.repeat(100_000) })
    const { context } = fakeContext(folder)
    const writers = ['b', 'c', 'd', 'e'].map((letter) =>
      call('write_file', { path: 'f', content: letter.repeat(100_000) }, context),
    )
    const reads = await Promise.all(Array.from({ length: 8 }, () => call('read_file', { path: 'f' }, context)))
    await Promise.all(writers)
    for (const { content } of reads) expect(new Set(String(content)).size).toBe(1)
    expect(readdirSync(folder)).toEqual(['f'])
  })
})

describe('edit_file', () => {
  const edit = async (before: string | Uint8Array, args: Record<string, unknown>) => {
    const folder = temporaryFolder({ f: before })
    const answer = await call('edit_file', { path: 'f', ...args }, fakeContext(folder).context)
    return { answer, after: readFileSync(join(folder, 'f')) }
  }

  it('replaces the one place', async () => {
    const { answer, after } = await edit('a b c', { old_string: 'b', new_string: 'x$&y' })
    expect(answer).toEqual({ status: 'ok', path: 'f', replacements: 1 })
    expect(after.toString()).toBe('a x$&y c')
  })

  it.each([
    ['empty', { old_string: '', new_string: 'x' }, /empty/],
    ['not there', { old_string: 'zz', new_string: 'x' }, /not found in f/],
    ['there twice', { old_string: 'a', new_string: 'x' }, /3 times.*replace_all/],
    ['the same', { old_string: 'a', new_string: 'a' }, /the same/],
  ])('says so when old_string is %s', async (_, args, error) => {
    const { answer, after } = await edit('a a a', args)
    expect(answer).toMatchObject({ status: 'error', error: expect.stringMatching(error) })
    expect(after.toString()).toBe('a a a')
  })

  it('replaces all places when asked', async () => {
    const { answer, after } = await edit('aaa a', { old_string: 'a', new_string: 'aa', replace_all: true })
    expect(answer).toMatchObject({ replacements: 4 })
    expect(after.toString()).toBe('aaaaaa aa')
  })

  it.each([
    ['CR LF, given as \\n', Buffer.from('a\r\nb\r\nc\r\n'), 'a\nb', 'x\ny\nz', Buffer.from('x\r\ny\r\nz\r\nc\r\n')],
    ['CR LF, a new line in a single one', Buffer.from('a\r\nb\r\n'), 'b', 'b\nc', Buffer.from('a\r\nb\r\nc\r\n')],
    ['LF, given as \\r\\n', Buffer.from('a\nb\nc\n'), 'a\r\nb', 'x\r\ny', Buffer.from('x\ny\nc\n')],
    ['UTF-16 with LF, given as \\r\\n', utf16le('a\nb\n'), 'a\r\nb', 'x\r\n', utf16le('x\n\n')],
    ['mixed endings, given as \\r\\n', Buffer.from('a\r\nb\nc\n'), 'b\r\nc', 'x\r\ny', Buffer.from('a\r\nx\ny\n')],
    ['mixed endings', Buffer.from('a\r\nb\nc\n'), 'b\nc', 'x', Buffer.from('a\r\nx\n')],
    ['mixed endings between the lines', Buffer.from('a\r\nb\nc\n'), 'a\nb\nc', 'x\ny', Buffer.from('x\r\ny\n')],
    [
      'mixed endings between the lines, LF first',
      Buffer.from('ü\nb\r\nc\n'),
      'ü\nb\n',
      '(x)\n',
      Buffer.from('(x)\nc\n'),
    ],
    ['mixed endings, the CR LF part', Buffer.from('a\r\nb\nc\n'), 'a\nb', 'x\ny', Buffer.from('x\r\ny\nc\n')],
    ['UTF-8 with a mark', bom('grün'), 'grün', 'blau', bom('blau')],
    ['UTF-16 LE', utf16le('grün rot\n'), 'grün', 'größer', utf16le('größer rot\n')],
    ['UTF-16 BE', utf16be('grün rot\n'), 'rot', 'blau', utf16be('grün blau\n')],
    ['latin1', latin1('grün é rot'), 'grün', 'größe', latin1('größe é rot')],
    [
      'bytes that are no text',
      Buffer.concat([Buffer.from('ü x '), Buffer.of(0xff, 0xc3)]),
      'x',
      'ß',
      Buffer.concat([Buffer.from('ü ß '), Buffer.of(0xff, 0xc3)]),
    ],
  ])('keeps the rest as it was: %s', async (_, before, old_string, new_string, expected) => {
    const { answer, after } = await edit(before, { old_string, new_string })
    expect(answer).toMatchObject({ status: 'ok', replacements: 1 })
    expect(after).toEqual(expected)
  })

  it('says that nothing changes where the texts differ in their line endings alone, and the file has its own', async () => {
    const { answer } = await edit('a\nb', { old_string: 'a\r\nb', new_string: 'a\nb' })
    expect(answer).toMatchObject({ code: 'invalid-arguments', error: expect.stringContaining('the same') })
  })

  it('edits a large file, and refuses what would be too many places, or too large before or after', async () => {
    const places = Buffer.alloc(100_000, 'a')
    const edited = await edit(places, { old_string: 'a', new_string: 'bc', replace_all: true })
    expect(edited.answer).toMatchObject({ replacements: 100_000 })
    expect(edited.after).toEqual(Buffer.from('bc'.repeat(100_000)))
    const all = { old_string: 'a', replace_all: true }
    for (const [before, change, error] of [
      [Buffer.alloc(100_001, 'a'), { ...all, new_string: 'b' }, /more than 100000 times/],
      [Buffer.alloc(60_000_000, 'a'), { ...all, new_string: 'b' }, /too large to edit \(60000000 bytes/],
      [Buffer.alloc(1_000, 'a'), { ...all, new_string: 'b'.repeat(100_000) }, /would have 100000000 bytes/],
    ] as const) {
      const { answer, after } = await edit(before, change)
      expect(answer).toMatchObject({ status: 'error', error: expect.stringMatching(error) })
      expect(after.length).toBe(before.length)
    }
  })

  it('does not match across two UTF-16 characters', async () => {
    // 0x6100 0x6200 holds the bytes of 0x0062 between them.
    const { answer } = await edit(utf16be('\u6100\u6200'), { old_string: '\u0062', new_string: 'x' })
    expect(answer).toMatchObject({ error: expect.stringContaining('not found') })
  })

  it('refuses what a single-byte file cannot hold, and binary files', async () => {
    expect((await edit(latin1('é'), { old_string: 'é', new_string: '€' })).answer).toMatchObject({
      error: expect.stringContaining('cannot hold'),
    })
    expect((await edit(Buffer.of(0, 1, 2), { old_string: 'a', new_string: 'b' })).answer).toMatchObject({
      error: expect.stringContaining('binary'),
    })
  })

  it('loses no edit when many come at once, under any name of the file', async () => {
    const folder = temporaryFolder({ 'd/f': Array.from({ length: 20 }, (_, at) => `<${at}>`).join('\n') })
    symlinkSync('d', join(folder, 'alias'))
    const { context } = fakeContext(folder)
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        call(
          'edit_file',
          { path: at % 2 === 0 ? 'd/f' : 'alias/f', old_string: `<${at}>`, new_string: `[${at}]` },
          context,
        ),
      ),
    )
    expect(readFileSync(join(folder, 'd/f'), 'utf8')).toBe(Array.from({ length: 20 }, (_, at) => `[${at}]`).join('\n'))
    await new Promise(setImmediate)
    expect(context.locks.size).toBe(0)
  })
})

describe.each([
  ['write_file', { path: 'alias/f', content: 'new' }],
  ['edit_file', { path: 'alias/f', old_string: 'old', new_string: 'new' }],
])('%s', (name, args) => {
  it('waits for the writer that holds the file, under whatever name', async () => {
    const folder = temporaryFolder({ 'd/f': 'old' })
    symlinkSync('d', join(folder, 'alias'))
    const { context } = fakeContext(folder)
    const gate = Promise.withResolvers<void>()
    const holder = context.locks.hold(join(folder, 'd/f'), context.signal, () => gate.promise)
    const waiting = call(name, args, context)
    await new Promise(setImmediate)
    expect(readFileSync(join(folder, 'd/f'), 'utf8')).toBe('old')
    gate.resolve()
    await holder
    expect(await waiting).toMatchObject({ status: 'ok', path: 'd/f' })
    expect(readFileSync(join(folder, 'd/f'), 'utf8')).toBe('new')
  })

  it('gives up waiting when its time is over', async () => {
    const folder = temporaryFolder({ 'd/f': 'old' })
    symlinkSync('d', join(folder, 'alias'))
    const { context } = fakeContext(folder, { settings: { timeoutMs: 1 } })
    const gate = Promise.withResolvers<void>()
    const holder = context.locks.hold(join(folder, 'd/f'), context.signal, () => gate.promise)
    expect(await call(name, args, context)).toMatchObject({ status: 'error', code: 'timeout' })
    gate.resolve()
    await holder
  })
})

describe('file_info', () => {
  it('tells type, size, time and permissions', async () => {
    const folder = temporaryFolder({ 'a.txt': 'abc' })
    chmodSync(join(folder, 'a.txt'), 0o640)
    const { context } = fakeContext(folder)
    expect(await call('file_info', { path: 'a.txt' }, context)).toEqual({
      status: 'ok',
      path: 'a.txt',
      type: 'file',
      size: 3,
      modified: statSync(join(folder, 'a.txt'), { bigint: true }).mtime.toISOString(),
      permissions: '-rw-r-----',
    })
    expect(await call('file_info', { path: '.' }, context)).toMatchObject({
      type: 'directory',
      permissions: expect.stringMatching(/^drwx/),
    })
    expect(await call('file_info', { path: 'b' }, context)).toMatchObject({ code: 'not-found' })
  })
})
