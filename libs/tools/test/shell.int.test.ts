import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { detectSandbox, runTool } from '../src/index.ts'
import { call, fakeContext, noSandbox, temporaryFolder } from './fake-context.ts'

const sandbox = await detectSandbox({ programs: [dirname(process.execPath)] })

it('is refused without a sandbox', async () => {
  expect(
    await call('shell', { command: 'true' }, fakeContext(temporaryFolder(), { sandbox: noSandbox }).context),
  ).toMatchObject({ status: 'error', code: 'refused' })
})

describe('the shell', () => {
  if (sandbox.kind === 'none') {
    it.skip(`no sandbox on this machine: ${sandbox.detail}`)
    return
  }
  const shellContext = (changes: Parameters<typeof fakeContext>[1] = {}, files: Record<string, string> = {}) =>
    fakeContext(temporaryFolder(files), { sandbox, ...changes })

  it('runs a command in the workspace and tells what came of it', async () => {
    const { context } = shellContext({}, { 'a.txt': 'hello\n' })
    expect(await call('shell', { command: 'cat a.txt; echo no >&2; echo made > b.txt; exit 3' }, context)).toEqual({
      status: 'ok',
      exit_code: 3,
      stdout: 'hello\n',
      stderr: 'no\n',
    })
    expect(readFileSync(join(context.workspace, 'b.txt'), 'utf8')).toBe('made\n')
  })

  it('kills a command that holds more memory than it may, with all that it started, and says so', async () => {
    const limited = { ...sandbox, memoryBytes: 200 * 1024 ** 2 }
    // Neither of the two is above the limit by itself.
    const take = `node -e 'globalThis.held = Buffer.alloc(110e6, 1); setInterval(() => {}, 1000)'`
    const many = shellContext({ sandbox: limited, settings: { timeoutMs: 120_000 } })
    const outcome = await runTool(
      'shell',
      { command: `echo begun; ${take} & ${take} & wait; echo ended` },
      many.context,
    )
    expect(outcome).toMatchObject({ status: 'error', code: 'out-of-memory' })
    expect(JSON.parse(outcome.output)).toMatchObject({
      error: expect.stringContaining('held more memory than they may (200 MB)'),
      stdout: 'begun\n',
    })
  })

  it('lets a command have what it may', async () => {
    const limited = { ...sandbox, memoryBytes: 200 * 1024 ** 2 }
    const { context } = shellContext({ sandbox: limited })
    const command = `node -e 'const b = Buffer.alloc(60e6, 1); setTimeout(() => console.log(b.length), 700)'`
    expect(await call('shell', { command }, context)).toMatchObject({ stdout: '60000000\n' })
  })

  it('has a clean environment, the key of its call, and no input', async () => {
    const { stdout } = await call(
      'shell',
      { command: 'env | cut -d= -f1 | sort | tr "\\n" " "; echo $REINS_IDEMPOTENCY_KEY; cat' },
      shellContext().context,
    )
    expect(stdout).toMatch(/^HOME LANG( OLDPWD)? PATH PWD REINS_IDEMPOTENCY_KEY SHLVL TERM TMPDIR _ key-1\n$/)
  })

  it('does not run what is blocked, and does not repeat it', async () => {
    const { context } = shellContext()
    const outcome = await runTool('shell', { command: 'touch made; rm -rf /tmp/x' }, context)
    expect(outcome).toEqual({
      status: 'error',
      code: 'refused',
      output: '{"status":"error","error":"command blocked by security policy"}',
    })
    expect(existsSync(join(context.workspace, 'made'))).toBe(false)
    const open = shellContext({ settings: { blocklist: [] } })
    expect(await call('shell', { command: 'rm -rf /tmp/x; echo ran' }, open.context)).toMatchObject({ stdout: 'ran\n' })
    const own = shellContext({ settings: { blocklist: ['(?i)sudo'] } })
    expect(await call('shell', { command: 'SUDO true' }, own.context)).toMatchObject({ code: 'refused' })
  })

  it('shows no end of a secret where a long output is cut', async () => {
    const secret = 'open-sesame-0123456789'
    const stream = () => {
      let held = ''
      return {
        push: (piece: string) => {
          held += piece
          return ''
        },
        end: () => held.replaceAll(secret, '[redacted]'),
      }
    }
    const mask = { text: (text: string) => text.replaceAll(secret, '[redacted]'), stream }
    const { context } = shellContext({ mask, settings: { maxOutputChars: 4000 } })
    const command = `for i in $(seq 300); do printf 'x${secret}'; done; for i in $(seq 300); do printf '${secret}y' >&2; done`
    const { stdout, stderr } = await call('shell', { command }, context)
    expect(`${stdout}${stderr}`).not.toMatch(/open-|sesame|456789/)
    expect(stdout).toContain('characters left out')
  })

  it('gives head and tail of a long output, and the whole by reference', async () => {
    const { context, whole } = shellContext({ settings: { maxOutputChars: 4_000 } })
    const outcome = await runTool('shell', { command: 'seq 1 300000; echo oops >&2' }, context)
    expect(outcome).toMatchObject({ status: 'ok', truncated: true, ref: 'whole-1' })
    expect(outcome.output.length).toBeLessThanOrEqual(4_000)
    const answer = JSON.parse(outcome.output)
    expect(answer).toMatchObject({ exit_code: 0, truncated: true, total_chars: 1_988_895 + 5, stderr: 'oops\n' })
    expect(answer.stdout).toMatch(
      /^1\n2\n3\n[\s\S]*\[… \d+ characters left out; the whole output is kept as whole-1 …\][\s\S]*299999\n300000\n$/,
    )
    const all = whole.get('whole-1')?.toString() ?? ''
    expect(all.replace('oops\n', '')).toBe(Array.from({ length: 300_000 }, (_, at) => `${at + 1}\n`).join(''))
  })

  it('keeps nothing when all fits, and says so when keeping fails', async () => {
    const { context, whole } = shellContext()
    await call('shell', { command: 'echo x' }, context)
    expect(whole.size).toBe(0)
    const failing = shellContext({ settings: { maxOutputChars: 4_000 }, keep: () => Promise.reject(new Error('full')) })
    const answer = await call('shell', { command: 'seq 1 9000' }, failing.context)
    expect(answer).toMatchObject({ status: 'ok', stdout: expect.stringContaining('the whole could not be kept') })
    expect(answer.ref).toBeUndefined()
  })

  it('stays within max_output_chars when all of it must be escaped, on both streams', async () => {
    const { context } = shellContext({ settings: { maxOutputChars: 4_000 } })
    const outcome = await runTool(
      'shell',
      { command: String.raw`head -c 30000 /dev/zero; head -c 30000 /dev/zero | tr '\0' '\001' >&2` },
      context,
    )
    expect(outcome.output.length).toBeLessThanOrEqual(4_000)
    expect(outcome.output.length).toBeGreaterThan(2_000)
    expect(JSON.parse(outcome.output)).toMatchObject({ status: 'ok', truncated: true, total_chars: 60_000 })
  })

  it('takes characters that come in pieces whole, and bytes that are none as U+FFFD', async () => {
    const { context, progress } = shellContext()
    const command = String.raw`printf '\xf0\x9f'; sleep 0.05; printf '\x98\x80 \xff\xc3'`
    expect(await call('shell', { command }, context)).toMatchObject({ stdout: '😀 \ufffd\ufffd' })
    expect(progress.join('')).toBe('😀 \ufffd\ufffd')
  })

  it('shows output as it comes, and not without end', async () => {
    const { context, progress } = shellContext()
    await call('shell', { command: 'echo out; echo err >&2' }, context)
    expect(progress.join('').split('\n').sort()).toEqual(['', 'err', 'out'])
    const flood = shellContext()
    await call('shell', { command: 'seq 1 200000' }, flood.context)
    expect(flood.progress.join('').length).toBeLessThan(263_000)
    expect(flood.progress.at(-1)).toContain('more output is not shown here')
  })

  it('ends at its time-out with what was said so far', async () => {
    const { context } = shellContext({ settings: { timeoutMs: 2_000 } })
    expect(await call('shell', { command: "trap 'echo bye; exit' TERM; echo hi; sleep 1000 & wait" }, context)).toEqual(
      {
        status: 'error',
        code: 'timeout',
        error: 'timed out after 2 s; the command and all that it started were killed',
        stdout: 'hi\nbye\n',
        stderr: '',
      },
    )
  })

  it('ends at its time-out, however much it says, and keeps no more than its limit', async () => {
    const { context, whole } = shellContext({ settings: { timeoutMs: 500, maxOutputChars: 4_000 } })
    const answer = await call('shell', { command: "trap '' TERM; yes abc" }, context)
    expect(answer).toMatchObject({ status: 'error', code: 'timeout', ref: 'whole-1', truncated: true })
    expect(whole.get('whole-1')?.length).toBe(8 * 1024 * 1024)
    expect(answer.stdout).toMatch(/the whole output is kept but for its last \d+ bytes/)
  })

  it('a command that ended in time has ended in time, though the process that looks was stopped meanwhile', async () => {
    const { context } = shellContext({ settings: { timeoutMs: 400 } })
    const running = call('shell', { command: 'sleep 0.1; seq 1 20000' }, context)
    await new Promise(setImmediate)
    // As a stopped process does, this thread reads nothing until the time is long over.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500)
    expect(await running).toMatchObject({ status: 'ok', exit_code: 0, stdout: expect.stringMatching(/20000\n$/) })
  })

  it('ends when it is cancelled, in the middle or before it began', async () => {
    const controller = new AbortController()
    const { context } = shellContext({ signal: controller.signal, progress: () => controller.abort() })
    expect(await call('shell', { command: 'echo hi; sleep 1000' }, context)).toMatchObject({
      status: 'error',
      code: 'cancelled',
      stdout: 'hi\n',
    })
    const early = new AbortController()
    const running = call('shell', { command: 'sleep 1000' }, shellContext({ signal: early.signal }).context)
    early.abort()
    expect(await running).toMatchObject({ status: 'error', code: 'cancelled' })
  })

  it('takes a long command, and says what to do with one that is too long', async () => {
    const { context } = shellContext()
    expect(await call('shell', { command: `echo ${'ü'.repeat(50_000)} | wc -m` }, context)).toMatchObject({
      stdout: '50001\n',
    })
    expect(await call('shell', { command: `echo ${'ü'.repeat(70_000)}` }, context)).toMatchObject({
      code: 'invalid-arguments',
      error: expect.stringContaining('write_file'),
    })
  })

  it('does not see the data folder in its workspace', async () => {
    const folder = temporaryFolder({ '.reins/admin.token': 'secret' })
    const { context } = fakeContext(folder, { sandbox, masked: [join(folder, '.reins')] })
    const { stdout } = await call(
      'shell',
      { command: 'cat .reins/admin.token; grep -r secret . ; ls -a .reins' },
      context,
    )
    expect(stdout).toBe('.\n..\n')
  })

  it('says so when the agent wants the network and the operator does not allow it', async () => {
    expect(
      await call('shell', { command: 'true' }, shellContext({ settings: { network: true } }).context),
    ).toMatchObject({
      note: expect.stringContaining('without network'),
    })
  })
})
