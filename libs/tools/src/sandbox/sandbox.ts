// What the shell runs in. The port between the shell tool and the ways a machine has to confine a command.
//   X1. Only the workspace is writable and lasting; the system is read-only; /tmp and the home are fresh for each command.
//   X2. A masked folder is not there, whatever the command does: also not by moving one of its parents.
//   X3. Without leave there is no network at all, not even the machine's own loopback.
//   X4. When the command ends, is stopped, or this process dies, every process that it started ends.
//   X6. The workspace is the folder that was opened and checked (workspace/root.ts), whatever lies at its path meanwhile: a command does not
//       begin where another one was mounted.
//   X5. The command has no capability, can gain none, and sees no process but its own.
//   X6. Where `filtered`, what filter/rules.ts names is refused, so that nothing is left behind that acts with the user's rights.
// Kind `none` keeps of these only what a process group gives; it exists when the operator asked for it.
import { existsSync } from 'node:fs'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { Guard } from '../workspace/guard.ts'
import type { HeldMemory } from './limits/process-tree.ts'

export interface SandboxCommand {
  /** Program and arguments, as they are: no shell reads them. `shellCommand` makes one of shell text. */
  readonly argv: readonly string[]
  /** Absolute path of an existing folder: the working folder, and the only writable one. It is opened once, and what was opened is mounted. */
  readonly workspace: string
  /** What must not be seen, and what must not be changed. */
  readonly guard: Guard
  /** Further folders, seen read-only at places of their own. Absent: none. A sandbox of kind `none` shows nothing there. */
  readonly shown?: readonly ShownFolder[]
  readonly network: boolean
  /** Added to PATH, HOME and LANG; nothing else of this process's environment is passed on. */
  readonly env: Readonly<Record<string, string>>
  /** Bytes that /tmp and /dev/shm may hold together, since they lie in memory. Default 1 GiB. */
  readonly scratchBytes?: number
  /** `none` (the default): reading it ends at once. `pipe`: what is written to the process's `stdin`. */
  readonly input?: 'none' | 'pipe'
  /** Further descriptors, from 4 to 9 and in this order: each is a stream in both directions at the process. */
  readonly descriptors?: readonly number[]
}

/** Both absolute. `at` is a place at the root that no system has. */
export interface ShownFolder {
  readonly from: string
  readonly at: string
}

/** A command that is shell text, as a model writes it: bash where the machine has it, else sh. */
export const shellCommand = (text: string): readonly string[] => [shellProgram(), '-c', text]

export const shellProgram = (): string => (existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh')

export type SandboxExit =
  | {
      readonly kind: 'exited'
      readonly code: number
      readonly signal?: string
      /** The system ended it, or a part of it, for its memory. */
      readonly outOfMemory?: true
    }
  /** The command never began: the sandbox could not be set up. `message` is for people. */
  | { readonly kind: 'not-started'; readonly message: string }

/** Read the streams from the tick in which it was spawned: they flow at once. */
export interface SandboxProcess {
  readonly stdout: Readable
  readonly stderr: Readable
  /** Of a command with `input: 'pipe'`; null of any other. */
  readonly stdin: Writable | null
  /** Of `descriptors`, in their order. */
  readonly streams: readonly Duplex[]
  /** Resolves once, never rejects, after both streams have ended. */
  readonly exit: Promise<SandboxExit>
  /** The memory that it and all that it started hold now; see memoryOf. Never rejects. */
  memory(limit: number): Promise<HeldMemory>
  /** TERM to everything that the command started, KILL after `graceMs`. May be called again with a shorter grace. */
  stop(graceMs: number): void
}

export type SpawnResult =
  | { readonly kind: 'started'; readonly process: SandboxProcess }
  | { readonly kind: 'refused'; readonly message: string }

export type SandboxKind = 'bubblewrap' | 'namespaces' | 'none'

export interface Sandbox {
  readonly kind: SandboxKind
  /** One line for people: what confines a command, and what was tried and does not work. */
  readonly detail: string
  /** The operator's word: whether a command whose agent asks for the network gets it. */
  readonly networkAllowed: boolean
  /** Whether commands have a filter of system calls (filter/rules.ts). */
  readonly filtered: boolean
  /** What bounds the processes, memory and CPU of a command, for people. */
  readonly limits?: string
  /** The operator's word: bytes of memory that a command and all that it starts may hold together. Absent: no limit. */
  readonly memoryBytes?: number
  spawn(command: SandboxCommand): SpawnResult
}

export interface SandboxInfo {
  readonly kind: SandboxKind
  readonly detail: string
  /** How to get a better one; absent where there is nothing better. */
  readonly missing?: string
}

export const refusal =
  'the shell is refused: this machine has no sandbox to run commands in. The operator can install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap) and restart, which is better, or allow commands to run unconfined with --allow-unsandboxed-shell (env REINS_ALLOW_UNSANDBOXED_SHELL=1)'

const noFilter =
  'without a filter of system calls a command can set setuid bits and reach the key rings: run Reins on an x86-64 or 64-bit ARM kernel that has seccomp, with bubblewrap 0.5 or newer'

/** What `reins doctor` and `/health` show. */
export function describeSandbox(sandbox: Sandbox): SandboxInfo {
  const { kind } = sandbox
  const filter = kind === 'none' || sandbox.filtered ? '' : ', no filter of system calls'
  const detail = `${sandbox.detail}${filter}${sandbox.limits === undefined ? '' : `; ${sandbox.limits}`}`
  switch (kind) {
    case 'bubblewrap':
      return sandbox.filtered ? { kind, detail } : { kind, detail, missing: noFilter }
    case 'namespaces':
      return {
        kind,
        detail,
        missing: sandbox.filtered
          ? 'install bubblewrap for a faster start of each command (apt-get install bubblewrap)'
          : 'install bubblewrap (apt-get install bubblewrap), which also starts each command faster, or perl, or util-linux 2.41: one of them loads the filter that keeps a command from setting setuid bits and from the key rings',
      }
    case 'none':
      return {
        kind,
        detail,
        missing:
          'install bubblewrap (apt-get install bubblewrap), and allow user namespaces where the system forbids them (sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for bwrap); in a container, run Reins where namespaces may be made',
      }
    default:
      return kind satisfies never
  }
}
