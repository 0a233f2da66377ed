// Which system calls a sandbox refuses, by name and by what of their arguments the kernel shows a filter (their values, never what
// they point to). What is not named here goes on as ever: a command is to build, test and run what people write.
//   SF1. Nothing that is left in the workspace acts with the rights of Reins' user: no setuid or setgid bit is set, by whatever call.
//   SF2. What belongs to the user and not to the sandbox is not reached: key rings, other processes, the kernel's log.
//   SF3. No way around the other walls: no namespaces, no mounts, no sockets but those of the sandbox's own network and files.
//   SF4. Parts of the kernel that are often broken and that no build needs are not there.
//   SF5. A call whose arguments lie in memory, or that is newer than this list, cannot be judged: it is not there (ENOSYS), and
//        programs take the older call that can be.

export type Architecture = 'x64' | 'arm64'

/** EPERM: it is forbidden, and programs say so. ENOSYS: it is not there, and programs use something else. */
export type Refusal = 'EPERM' | 'ENOSYS'

export type Condition =
  | { readonly kind: 'always' }
  /** The argument has one of the bits; where `where` is there, only if that argument has one of its own. */
  | { readonly kind: 'bits'; readonly argument: number; readonly mask: number; readonly where?: Where }
  | { readonly kind: 'one of'; readonly argument: number; readonly values: readonly number[] }
  | { readonly kind: 'none of'; readonly argument: number; readonly values: readonly number[] }

interface Where {
  readonly argument: number
  readonly mask: number
}

export interface Rule {
  readonly name: string
  /** Numbers of the call; absent where an architecture has no such call. */
  readonly x64?: number
  readonly arm64?: number
  readonly refuse: Refusal
  readonly when: Condition
}

export interface Platform {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number
}

export const platforms: Readonly<Record<Architecture, Platform>> = {
  x64: { audit: 0xc000_003e },
  arm64: { audit: 0xc000_00b7 },
}

/** file_setattr of Linux 6.17, on both architectures. The calls of the x32 ABI have far greater numbers. */
export const newestCall = 469

const setIdBits = 0o6000
/** O_CREAT and __O_TMPFILE: only with one of them the mode is read. */
const creating = 0o100 | 0o20_000_000
const namespaceBits = 0x7e02_0000
/** CLONE_NEWTIME; for clone itself it is a part of the signal's number. */
const timeNamespace = 0x80
const [unix, inet, inet6, netlink] = [1, 2, 10, 16]

/** The same number on both architectures, as all calls since Linux 5.1 have. */
const everywhere = (name: string, number: number, refuse: Refusal): Rule => ({
  ...{ name, x64: number, arm64: number, refuse, when: { kind: 'always' } },
})
const never = (name: string, x64: number | undefined, arm64: number | undefined, refuse: Refusal = 'EPERM'): Rule => ({
  ...(x64 === undefined ? {} : { x64 }),
  ...(arm64 === undefined ? {} : { arm64 }),
  ...{ name, refuse, when: { kind: 'always' } },
})
const bits = (name: string, x64: number, arm64: number | undefined, argument: number, mask: number, where?: Where) => ({
  ...{ name, x64, refuse: 'EPERM' as const },
  ...(arm64 === undefined ? {} : { arm64 }),
  when: { kind: 'bits' as const, argument, mask, ...(where === undefined ? {} : { where }) },
})

export const rules: readonly Rule[] = [
  // SF1
  bits('chmod', 90, undefined, 1, setIdBits),
  bits('fchmod', 91, 52, 1, setIdBits),
  bits('fchmodat', 268, 53, 2, setIdBits),
  bits('fchmodat2', 452, 452, 2, setIdBits),
  bits('open', 2, undefined, 2, setIdBits, { argument: 1, mask: creating }),
  bits('openat', 257, 56, 3, setIdBits, { argument: 2, mask: creating }),
  bits('creat', 85, undefined, 1, setIdBits),
  bits('mknod', 133, undefined, 1, setIdBits),
  bits('mknodat', 259, 33, 2, setIdBits),
  everywhere('openat2', 437, 'ENOSYS'), // SF5
  // SF2
  never('add_key', 248, 217),
  never('request_key', 249, 218),
  never('keyctl', 250, 219),
  never('process_vm_readv', 310, 270),
  never('process_vm_writev', 311, 271),
  never('kcmp', 312, 272),
  everywhere('pidfd_getfd', 438, 'EPERM'),
  // ATTACH and SEIZE; a child that asks to be traced still may be.
  {
    ...{ name: 'ptrace', x64: 101, arm64: 117, refuse: 'EPERM' },
    when: { kind: 'one of', argument: 0, values: [16, 0x4206] },
  },
  never('syslog', 103, 116),
  // What types into a terminal (TIOCSTI, TIOCLINUX).
  {
    ...{ name: 'ioctl', x64: 16, arm64: 29, refuse: 'EPERM' },
    when: { kind: 'one of', argument: 1, values: [0x5412, 0x541c] },
  },
  // SF3
  ...(
    [
      ['socket', 41, 198],
      ['socketpair', 53, 199],
    ] as const
  ).map(
    ([name, x64, arm64]): Rule => ({
      ...{ name, x64, arm64, refuse: 'EPERM' },
      when: { kind: 'none of', argument: 0, values: [unix, inet, inet6, netlink] },
    }),
  ),
  bits('unshare', 272, 97, 0, namespaceBits | timeNamespace),
  bits('clone', 56, 220, 0, namespaceBits),
  everywhere('clone3', 435, 'ENOSYS'), // SF5
  never('setns', 308, 268),
  never('mount', 165, 40),
  never('umount2', 166, 39),
  never('pivot_root', 155, 41),
  never('chroot', 161, 51),
  everywhere('open_tree', 428, 'EPERM'),
  everywhere('move_mount', 429, 'EPERM'),
  everywhere('fsopen', 430, 'EPERM'),
  everywhere('fsconfig', 431, 'EPERM'),
  everywhere('fsmount', 432, 'EPERM'),
  everywhere('fspick', 433, 'EPERM'),
  everywhere('mount_setattr', 442, 'EPERM'),
  everywhere('open_tree_attr', 467, 'EPERM'),
  never('open_by_handle_at', 304, 265),
  // SF4
  everywhere('io_uring_setup', 425, 'ENOSYS'),
  everywhere('io_uring_enter', 426, 'ENOSYS'),
  everywhere('io_uring_register', 427, 'ENOSYS'),
  never('bpf', 321, 280),
  never('perf_event_open', 298, 241),
  never('userfaultfd', 323, 282),
  never('kexec_load', 246, 104),
  never('kexec_file_load', 320, 294),
  never('init_module', 175, 105),
  never('finit_module', 313, 273),
  never('delete_module', 176, 106),
  never('reboot', 169, 142),
  never('swapon', 167, 224),
  never('swapoff', 168, 225),
  never('quotactl', 179, 60),
  everywhere('quotactl_fd', 443, 'EPERM'),
  never('acct', 163, 89),
  never('iopl', 172, undefined),
  never('ioperm', 173, undefined),
]
