// The filter of system calls on the kernel of this machine: each call that it names is made from inside, by its number, and ordinary
// work goes on.
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeSandbox, detectSandbox, type Sandbox } from '../src/index.ts'
import { filterProgram } from '../src/sandbox/filter/program.ts'
import { rules } from '../src/sandbox/filter/rules.ts'
import { runIn } from './confinement.ts'
import { temporaryFolder } from './fake-context.ts'

const programs = [dirname(process.execPath)]
const architecture = process.arch === 'arm64' ? 'arm64' : 'x64'
const ways = [
  { by: 'bubblewrap', options: { try: ['bubblewrap'] as const } },
  { by: 'namespaces, loaded by perl', options: { try: ['namespaces'] as const, loaders: ['perl'] as const } },
  { by: 'namespaces, loaded by setpriv', options: { try: ['namespaces'] as const, loaders: ['setpriv'] as const } },
]
const found = new Map<string, Sandbox>()
for (const { by, options } of ways) found.set(by, await detectSandbox({ ...options, programs }))

/** The filter is one and the same: what goes on as ever is shown in one of them. */
const working = ways.find(({ by }) => found.get(by)?.filtered)?.by

/** Perl text that makes a call by its number and prints what came of it. */
const numberOf = (name: string): number | undefined => rules.find((rule) => rule.name === name)?.[architecture]
const called = (label: string, number: number, args = ''): string =>
  `$! = 0; my $r = syscall(${[number, args].filter((part) => part !== '').join(', ')}); print "${label} ", ($r == -1 ? $!+0 : "through"), "\\n";`
const perl = (lines: readonly string[]): string => `perl -e '${lines.map((line) => `{ ${line} }`).join('\n')}'`
const errors = { EPERM: '1', ENOSYS: '38' }

const seen = new Map<string, { tried: number; refused: number }>()

describe.each(ways)('the filter of system calls in a sandbox by $by', ({ by }) => {
  const sandbox = found.get(by)
  if (sandbox?.filtered !== true || filterProgram(process.arch) === undefined) {
    it.skip(`not on this machine: ${sandbox?.detail}`)
    return
  }
  /** Runs attempts, each of which prints a line; counts them. */
  const attempts = async (lines: readonly string[], workspace = temporaryFolder()): Promise<Record<string, string>> => {
    const { stdout, stderr } = await runIn(sandbox, perl(lines), workspace)
    expect(stderr).toBe('')
    return Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')),
    )
  }

  it('refuses each call that it names', async () => {
    const always = rules.filter(({ when }) => when.kind === 'always')
    const tried = always.flatMap(({ name, ...rule }) => (rule[architecture] === undefined ? [] : [{ name, ...rule }]))
    const answers = await attempts(tried.map((rule) => called(rule.name, rule[architecture]!, '0, 0, 0, 0, 0, 0')))
    expect(answers).toEqual(Object.fromEntries(tried.map(({ name, refuse }) => [name, errors[refuse]])))
    seen.set(by, { tried: tried.length, refused: Object.values(answers).filter((said) => said !== 'through').length })
  })

  it('leaves no setuid and no setgid bit, by any call, and lets all other modes be set', async () => {
    const folder = temporaryFolder({ own: '#!/bin/sh\n', shared: '' })
    const path = (name: string) => `my $p = "${name}\\0";`
    const open = 'open(my $h, "<", "own"); '
    const tries: readonly (readonly [label: string, name: string, before: string, args: string])[] = [
      ['chmod', 'chmod', path('own'), '$p, 04755'],
      ['fchmod', 'fchmod', open, 'fileno($h), 04755'],
      ['fchmodat', 'fchmodat', path('own'), '-100, $p, 04755'],
      ['fchmodat-setgid', 'fchmodat', path('own'), '-100, $p, 02755'],
      ['fchmodat2', 'fchmodat2', path('own'), '-100, $p, 06755, 0'],
      ['open', 'open', path('made1'), '$p, 0101, 04755'],
      ['openat', 'openat', path('made2'), '-100, $p, 0101, 04755'],
      ['tmpfile', 'openat', path('.'), '-100, $p, 020200001, 04755'],
      ['creat', 'creat', path('made3'), '$p, 06755'],
      ['mknod', 'mknod', path('made4'), '$p, 0104755, 0'],
      ['mknodat', 'mknodat', path('made5'), '-100, $p, 0104755, 0'],
    ]
    const lines = tries.flatMap(([label, name, before, args]) => {
      const number = numberOf(name)
      return number === undefined ? [] : [`${before} ${called(label, number, args)}`]
    })
    const answers = await attempts(lines, folder)
    expect(Object.keys(answers).length).toBe(lines.length)
    expect(Object.entries(answers).filter(([, said]) => said !== errors.EPERM)).toEqual([])
    const command = `cp /bin/sh root; chmod u+s root; chmod 2755 root; chmod 6755 root; install -m 4755 /bin/sh installed; cp --preserve=mode $(find /usr/bin -perm -4000 | head -1) copied; chmod 751 shared; exit 0`
    await runIn(sandbox, command, folder)
    for (const name of ['own', 'root', 'installed', 'copied', 'made1', 'made2', 'made3', 'made4', 'made5'])
      if (existsSync(join(folder, name))) expect([name, statSync(join(folder, name)).mode & 0o6000]).toEqual([name, 0])
    expect(statSync(join(folder, 'shared')).mode & 0o7777).toBe(0o751)
  })

  it('makes no socket of a foreign family, traces nobody and makes no namespace', async () => {
    const [socket, ptrace, unshare, clone] = ['socket', 'ptrace', 'unshare', 'clone'].map((name) => numberOf(name)!)
    const answers = await attempts([
      called('vsock', socket!, '40, 1, 0'),
      called('packet', socket!, '17, 3, 0'),
      called('crypto', socket!, '38, 5, 0'),
      called('unix', socket!, '1, 1, 0'),
      called('internet', socket!, '2, 1, 0'),
      called('attach', ptrace!, '16, 1, 0, 0'),
      called('seize', ptrace!, '0x4206, 1, 0, 0'),
      called('user', unshare!, '0x10000000'),
      called('mounts', unshare!, '0x20000'),
      called('clone', clone!, '0x10000011, 0, 0, 0, 0'),
      called('newer', 500, ''),
      called('x32', 0x4000_0000 + 39, ''),
    ])
    const [refused, absent] = [errors.EPERM, errors.ENOSYS]
    expect(answers).toEqual({
      ...{ vsock: refused, packet: refused, crypto: refused, unix: 'through', internet: 'through' },
      ...{ attach: refused, seize: refused, user: refused, mounts: refused, clone: refused },
      ...{ newer: absent, x32: absent },
    })
  })

  it('holds for calls of another architecture', async ({ skip }) => {
    if (process.arch !== 'x64' || !existsSync('/usr/bin/gcc')) skip('needs an x86-64 machine with a compiler')
    // getpid of i386, by the old gate.
    const source = `#include <stdio.h>
      int main(void) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); printf("%ld\\n", r); return 0; }`
    const folder = temporaryFolder({ 'gate.c': source })
    const ran = await runIn(sandbox, 'gcc -w -o gate gate.c && ./gate', folder)
    expect(ran).toMatchObject({ code: 0, stdout: '-38\n' })
  })

  it('holds for all that a command starts, and cannot be taken off', async () => {
    const folder = temporaryFolder({ own: '' })
    const command = `setsid sh -c 'chmod u+s own; (chmod u+s own) & wait'; grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status /proc/1/status; for f in /proc/self/fd/*; do case \${f##*/} in 0|1|2|3|255) ;; *) [ -L $f ] && echo $f ;; esac; done`
    const { stdout } = await runIn(sandbox, command, folder)
    expect(stdout.replaceAll('\t', ' ').trim().split('\n')).toEqual([
      '/proc/self/status:NoNewPrivs: 1',
      '/proc/self/status:Seccomp: 2',
      '/proc/1/status:NoNewPrivs: 1',
      '/proc/1/status:Seccomp: 2',
    ])
    expect(statSync(join(folder, 'own')).mode & 0o6000).toBe(0)
  })

  const git = 'git -c user.name=A -c user.email=a@b.example -c init.defaultBranch=main'
  const work: readonly (readonly [program: string, command: string, said: string])[] = [
    [
      'git',
      `mkdir r && cd r && ${git} init -q && echo 1 > f && git add f && ${git} commit -qm one && cd .. && ${git} clone -q r c && cd c && ${git} gc -q && git log --format=%s`,
      'one',
    ],
    [
      'npm',
      `mkdir -p dep app && echo '{"name":"dep","version":"1.0.0","main":"i.js","bin":"i.js"}' > dep/package.json && printf '#!/usr/bin/env node\nmodule.exports = 7\n' > dep/i.js && (cd dep && npm pack --silent >/dev/null) && cd app && echo '{"name":"app","version":"1.0.0"}' > package.json && npm install --offline --no-audit --no-fund --silent ../dep/dep-1.0.0.tgz && node -p 'require("./node_modules/dep")'`,
      '7',
    ],
    [
      'node',
      `node -e 'const t=require("worker_threads"),c=require("child_process"),f=require("fs");if(t.isMainThread){f.promises.writeFile("a","x").then(()=>new t.Worker(${JSON.stringify('process.exit(0)')},{eval:true}).on("exit",()=>console.log(String(c.execSync("cat a")),require("os").networkInterfaces().lo!==undefined)))}'`,
      'x true',
    ],
    [
      'python3',
      `python3 -c 'import subprocess, threading, multiprocessing, os, shutil
t = threading.Thread(target=lambda: open("a", "w").write("x")); t.start(); t.join()
os.chmod("a", 0o700); shutil.copy2("a", "b"); os.mkdir("d", 0o755)
with multiprocessing.Pool(2) as p: print(p.map(len, ["ab", "c"]), subprocess.check_output(["cat", "b"]))'`,
      "[2, 1] b'x'",
    ],
    ['gcc', `printf '#include <stdio.h>\nint main(){puts("made");return 0;}' > m.c && gcc -O2 -o m m.c && ./m`, 'made'],
    [
      'tar',
      `mkdir d && echo kept > d/f && chmod 750 d/f && tar czf a.tgz d && rm -r d && tar xzf a.tgz && stat -c %a d/f`,
      '750',
    ],
  ]
  it.each(by === working ? work : [])(
    'lets %s do its work',
    async (program, command, said) => {
      const there = await runIn(sandbox, `command -v ${program}`, temporaryFolder())
      if (there.code !== 0) return void console.log(`${program} is not on this machine, so its work was not tried`)
      const { stdout, stderr, code } = await runIn(sandbox, command, temporaryFolder())
      expect([program, stdout.trim(), code, stderr]).toEqual([program, said, 0, stderr])
    },
    120_000,
  )

  it('lets tar unpack a file with such a bit without it, and tar says so', async () => {
    // A header of tar, made by hand: mode 4755, and a file behind it.
    const command = `perl -e 'my $h = pack("a100 a8 a8 a8 a12 a12 A8 a1 a100 a6 a2 x247", "bits", "0004755\\0", "0000000\\0", "0000000\\0", "00000000003\\0", "00000000000\\0", " " x 8, "0", "", "ustar\\0", "00"); substr($h, 148, 8) = sprintf("%06o\\0 ", unpack("%32C*", $h)); print $h, "hi\\n", "\\0" x 509, "\\0" x 1024' > a.tar && printf 'hi\\n' > plain && tar rf a.tar plain; tar xpf a.tar --no-same-owner; cat bits plain`
    const folder = temporaryFolder()
    const { stdout, stderr } = await runIn(sandbox, command, folder)
    expect(stdout).toBe('hi\nhi\n')
    expect(stderr).toContain('Operation not permitted')
    expect(statSync(join(folder, 'bits')).mode & 0o6000).toBe(0)
  })
})

it('says plainly where there is none, and then such a bit can be set', async ({ skip }) => {
  const bare = await detectSandbox({ try: ['namespaces'], loaders: [] })
  if (bare.kind !== 'namespaces') skip(`not on this machine: ${bare.detail}`)
  expect(bare.filtered).toBe(false)
  expect(describeSandbox(bare)).toMatchObject({
    detail: expect.stringContaining('no filter of system calls'),
    missing: expect.stringContaining('install bubblewrap'),
  })
  const folder = temporaryFolder({ own: '' })
  await runIn(bare, 'chmod u+s own', folder)
  expect(statSync(join(folder, 'own')).mode & 0o4000).toBe(0o4000)
})

it('prints what was tried', () => {
  for (const [by, { tried, refused }] of seen)
    console.log(
      `calls of the kernel in a sandbox by ${by}: ${tried} tried, ${refused} refused, ${tried - refused} got through`,
    )
  expect(seen.size).toBeGreaterThan(0)
})
