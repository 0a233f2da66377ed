import { describe, expect, it } from 'vitest'
import type { ToolOutcome } from '../calls/outcome.ts'
import { defaultSettings, resolveTools } from '../resolve.ts'
import { packFiles, unpackFiles, type VirtualEntry } from './files.ts'
import { runVirtual } from './run-virtual.ts'

const call = (
  name: string,
  args: Readonly<Record<string, unknown>>,
  files: readonly VirtualEntry[] = [],
  more: Partial<typeof defaultSettings> = {},
): Promise<ToolOutcome> =>
  runVirtual({
    ...{ name, arguments: args, files, idempotencyKey: 'k', signal: new AbortController().signal },
    settings: { ...defaultSettings, ...more },
  })
const sh = (command: string, files: readonly VirtualEntry[] = []) => call('shell', { command }, files)
const said = ({ output }: ToolOutcome) => JSON.parse(output)

describe('a command in memory', () => {
  it('finds what the command before it left, and says nothing where it leaves nothing', async () => {
    const first = await sh('mkdir -p notes && echo hello > notes/a.txt && ln -s a.txt notes/b && chmod 755 notes/a.txt')
    expect(said(first)).toMatchObject({ status: 'ok', exit_code: 0 })
    const second = await sh('cat notes/b; stat -c %a notes/a.txt; echo $HOME; pwd', first.files)
    expect(said(second).stdout).toBe('hello\n755\n/workspace\n/workspace\n')
    expect(second.files).toBeUndefined()
    expect((await sh('ls', [])).files).toBeUndefined()
  })

  it('finds when a file was changed, and reading changes nothing of that', async () => {
    const { files = [] } = await sh('echo a > a; echo b > b; touch -d 2024-05-06 a')
    const read = await sh("cat a b; find . -newer a -type f; find a -printf '%T@'", files)
    expect(said(read).stdout).toBe(`a\nb\n./b\n${Date.UTC(2024, 4, 6) / 1000}`)
    expect(read.files).toBeUndefined()
  })

  it('sees nothing of this machine', async () => {
    const { stdout, stderr } = said(
      await sh('cat /etc/passwd; ls /proc/1 /root; node -e 1; curl http://127.0.0.1; env'),
    )
    expect(stdout).not.toContain(process.env.PATH ?? 'no path')
    expect(stderr).toContain('node: command not found')
    expect(stderr).toContain('curl: command not found')
    expect(stdout).not.toContain('root:')
  })

  it('ends with what it ends with, and what is too long is cut in its middle', async () => {
    expect(said(await sh('echo no >&2; exit 3'))).toMatchObject({ exit_code: 3, stderr: 'no\n' })
    const long = await call('shell', { command: 'seq 1 9000' }, [], { maxOutputChars: 4_000 })
    expect(said(long)).toMatchObject({ truncated: true, total_chars: 43_893 })
    expect(said(long).stdout).toMatch(/^1\n2\n[\s\S]*characters left out[\s\S]*\n9000\n$/)
  })

  it('is refused where the blocklist says so', async () => {
    await expect(sh('rm -rf / --no-preserve-root')).rejects.toThrow('command blocked by security policy')
  })
})

describe('the tools of files in memory', () => {
  it('write, read, change, find and search the same files', async () => {
    const written = await call('write_file', { path: 'src/a.ts', content: 'one\ntwo\n' })
    expect(said(written)).toEqual({ status: 'ok', path: 'src/a.ts', bytes_written: 8, created: true })
    const edited = await call('edit_file', { path: 'src/a.ts', old_string: 'two', new_string: '2' }, written.files)
    expect(said(edited)).toMatchObject({ replacements: 1 })
    const { files } = edited
    expect(said(await call('read_file', { path: '/workspace/src/a.ts', offset: 1 }, files))).toEqual({
      ...{ status: 'ok', path: 'src/a.ts', content: '2\n', lines: 2 },
    })
    expect(said(await call('find_files', { pattern: '**/*.ts' }, files)).files).toEqual(['src/a.ts'])
    expect(said(await call('grep', { pattern: '^o', include: '*.ts' }, files)).matches).toEqual([
      { path: 'src/a.ts', line: 1, text: 'one' },
    ])
    expect(said(await sh('cat src/a.ts', files)).stdout).toBe('one\n2\n')
  })

  it.each([
    ['read_file', { path: 'no' }, 'no such file: no'],
    ['edit_file', { path: 'a', old_string: 'x', new_string: 'y' }, 'old_string is not in a'],
    ['edit_file', { path: 'a', old_string: 'l', new_string: 'y' }, '2 times'],
    ['read_file', { path: '/workspace' }, 'is a directory'],
    ['find_files', { pattern: '../x' }, 'must be relative'],
    ['grep', { pattern: '(' }, 'is malformed'],
  ])('%s of %j says what is wrong', async (name, args, message) => {
    const { files = [] } = await sh('printf hello > a')
    await expect(call(name, args, files)).rejects.toThrow(message)
  })
})

describe('packed files', () => {
  it('come back as they were, and the same files are the same text', async () => {
    const { files = [] } = await sh('mkdir x; echo 1 > x/a; ln -s a x/b; seq 1 100 > z')
    const packed = packFiles(files)
    expect(unpackFiles(packed.content)).toEqual(files)
    expect(packFiles([...files].reverse()).content).toBe(packed.content)
    expect(packed.bytes).toBe(294)
    expect(unpackFiles('nonsense')).toBeUndefined()
  })

  it('are masked', async () => {
    const { files = [] } = await sh('echo "the key is s3cret" > a')
    const { content } = packFiles(files, (text) => text.replaceAll('s3cret', '[masked]'))
    const told = await sh('cat a', unpackFiles(content))
    expect(said(told).stdout).toBe('the key is [masked]\n')
  })

  it('that are more than a session may hold are refused', () => {
    const file = (path: string, bytes: number): VirtualEntry => ({
      ...{ path, kind: 'file', mode: 0o644 },
      content: Buffer.alloc(bytes, 'a').toString('base64'),
    })
    expect(() => packFiles([file('/a', 3_000_000)])).toThrow(
      'nothing was changed: the sandbox would hold 3000000 bytes',
    )
    expect(() => packFiles(Array.from({ length: 1_001 }, (_, i) => file(`/${i}`, 0)))).toThrow('1001 files and folders')
  })
})

it('an entry of the list of tools is the sandbox in memory, and a later one may take its place', () => {
  const virtual = resolveTools([{ virtual_sandbox: { timeout: 5 } }])
  const names = virtual.ok
    ? virtual.tools.map(({ definition }) => [definition.name, definition.replay])
    : virtual.problems
  expect(names).toEqual(
    ['shell', 'read_file', 'write_file', 'edit_file', 'find_files', 'grep'].map((name) => [name, 'safe']),
  )
  const both = resolveTools(['virtual_sandbox', 'shell'])
  expect(both.ok && both.tools.filter(({ definition }) => definition.virtual).length).toBe(5)
})
