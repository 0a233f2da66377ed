// Tries to break out of a sandbox in each way that the shell could, and tells what came of it. Used in the tests' own process,
// and run by them as a program under another user: node test/confinement.ts <bubblewrap|namespaces> [port of a server on loopback] [pid of a foreign process].
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { detectSandbox } from '../src/sandbox/detect.ts'
import { type Sandbox, type SandboxKind, type ShownFolder, shellCommand } from '../src/sandbox/sandbox.ts'
import { noGuard } from '../src/workspace/guard.ts'

export interface Foreign {
  readonly port: number
  readonly pid: number
}

export async function runIn(
  sandbox: Sandbox,
  command: string,
  workspace: string,
  masked: readonly string[] = [],
  network = false,
  shown: readonly ShownFolder[] = [],
) {
  const spawned = sandbox.spawn({
    argv: shellCommand(command),
    workspace,
    guard: { ...noGuard, masked },
    shown,
    network,
    env: {},
  })
  if (spawned.kind === 'refused') return { code: -1, stdout: '', stderr: spawned.message }
  const [stdout, stderr, exit] = await Promise.all([
    text(spawned.process.stdout),
    text(spawned.process.stderr),
    spawned.process.exit,
  ])
  return exit.kind === 'exited' ? { code: exit.code, stdout, stderr } : { code: -1, stdout, stderr: exit.message }
}

/** Each attempt must be `held`. A command prints `broken` where it got through, and anything else where it did not. */
export async function confinement(kind: Exclude<SandboxKind, 'none'>, foreign: Foreign) {
  const sandbox = await detectSandbox({ try: [kind] })
  if (sandbox.kind !== kind) return { kind: sandbox.kind, detail: sandbox.detail, attempts: {}, outside: '', data: '' }
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reins-confine-')))
  const workspace = join(folder, "work space'$(x)")
  const masked = join(workspace, 'deep/.data')
  mkdirSync(masked, { recursive: true })
  writeFileSync(join(masked, 'token'), 'secret')
  writeFileSync(join(folder, 'outside'), 'untouched')
  // Of the data folder, as the folders of skills are.
  const shown = join(masked, 'skills')
  mkdirSync(shown)
  writeFileSync(join(shown, 'run.sh'), 'echo shown')
  symlinkSync('deep/.data', join(workspace, 'alias'))
  symlinkSync(folder, join(workspace, 'out'))
  const commands: Readonly<Record<string, string>> = {
    'read a masked folder': '[ -e deep/.data/token ] && echo broken',
    'read it by a link': 'cat alias/token && echo broken',
    'uncover it': 'umount deep/.data && echo broken; umount -l deep/.data && echo broken',
    'uncover it in a namespace of its own':
      "unshare -Urm sh -c 'umount deep/.data || umount -l deep/.data; [ -e deep/.data/token ]' && echo broken",
    'move its parent away': 'mv deep moved && echo broken',
    'remove it': 'rm -rf deep; [ -d deep ] || echo broken',
    'read beside the workspace': `cat '${folder}/outside' && echo broken; cat out/outside && echo broken`,
    // What it writes there lands in its own fresh /tmp at most: `outside` below tells.
    'write beside the workspace': `echo broken > '${folder}/outside'; echo broken > out/outside; rm -rf '${folder}/outside' out/outside`,
    'reach it by the first process': `cat "/proc/1/root${folder}/outside" && echo broken; ls "/proc/1/root/.old" && echo broken`,
    'write to the system': 'for f in /usr/x /etc/x /x /opt/x; do echo x > $f && echo broken; done',
    // Opened for appending, which changes nothing should it be let through.
    'control the machine':
      'for f in /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness /proc/sysrq-trigger /proc/irq/default_smp_affinity; do (: >> $f) && echo broken; done',
    'remount the system writable':
      'mount -o remount,rw /usr && echo broken; mount -o remount,bind,rw /usr && echo broken',
    'read what only root may': 'cat /etc/shadow && echo broken; ls /root /home && echo broken',
    'make or read a disk device':
      'mknod d b 8 0 && echo broken; for d in sda vda nvme0n1; do [ -e /dev/$d ] && echo broken; done',
    'reach a server on loopback': `(exec 3<>/dev/tcp/127.0.0.1/${foreign.port}) && echo broken`,
    'see foreign processes': `[ -e /proc/${foreign.pid}/environ ] && tr '\\0' '\\n' < /proc/${foreign.pid}/environ | grep FOREIGN_SECRET && echo broken; cat /proc/[0-9]*/environ | grep -a FOREIGN_SECRET && echo broken`,
    'signal foreign processes': `kill -9 ${foreign.pid} && [ "$(ps -o comm= -p ${foreign.pid})" = node ] && echo broken`,
    'hold a capability':
      "grep -E '^Cap(Eff|Prm|Inh|Amb)' /proc/self/status | grep -v 0000000000000000 && echo broken; grep -q 'NoNewPrivs:.*1' /proc/self/status || echo broken",
    'make a user namespace': 'unshare -U true && echo broken',
    'use a descriptor that was inherited': `for f in /proc/$$/fd/*; do case \${f##*/} in 0|1|2|255) ;; *) [ -L $f ] && echo broken ;; esac; done`,
    'leave a file in /tmp': 'echo x > /tmp/reins-was-here; echo x > ~/reins-was-here; exit 0',
    'find a file of /tmp again':
      '[ -e /tmp/reins-was-here ] && echo broken; [ -e ~/reins-was-here ] && echo broken; [ "$(ls /tmp | wc -l)" -le 3 ] || echo broken',
    'run without limits':
      '[ "$(ulimit -u)" = unlimited ] && echo broken; [ "$(ulimit -f)" = unlimited ] && echo broken; [ "$(ulimit -c)" = 0 ] || echo broken',
    'be cut off from its own loopback': 'grep -q 127.0.0.1 /proc/net/fib_trie || echo broken',
    'be another user': `[ "$(id -u)" = ${process.getuid?.() ?? 0} ] || echo broken`,
    'be denied its own workspace': 'echo mine > "$PWD/mine" && [ "$(cat mine)" = mine ] || echo broken',
    'be denied what it is shown': '[ "$(sh /skills/run.sh)" = shown ] || echo broken',
    'change what it is shown':
      'for f in /skills/run.sh /skills/new; do echo x > $f && echo broken; done; rm -rf /skills; mount -o remount,bind,rw /skills && echo broken; umount -l /skills; [ "$(sh /skills/run.sh)" = shown ] || echo broken',
    'find what it is shown where it lies': '[ -e deep/.data/skills/run.sh ] && echo broken',
    'find the masked folder after all that':
      '[ -e deep/.data/token ] && echo broken; find . -name token | grep . && echo broken',
  }
  const attempts: Record<string, string> = {}
  for (const [name, command] of Object.entries(commands)) {
    const { code, stdout, stderr } = await runIn(sandbox, command, workspace, [masked], false, [
      { from: shown, at: '/skills' },
    ])
    attempts[name] = code < 0 || stdout.includes('broken') ? `broken: ${stdout} ${stderr}` : 'held'
  }
  const outside = readFileSync(join(folder, 'outside'), 'utf8')
  const data = readFileSync(join(masked, 'token'), 'utf8')
  rmSync(folder, { recursive: true, force: true })
  return { kind: sandbox.kind, detail: sandbox.detail, attempts, outside, data }
}

if (import.meta.main) {
  const [, , kind, port, pid] = process.argv
  if (kind !== 'bubblewrap' && kind !== 'namespaces') throw new Error(`give bubblewrap or namespaces, not ${kind}`)
  process.stdout.write(JSON.stringify(await confinement(kind, { port: Number(port), pid: Number(pid) })))
}
