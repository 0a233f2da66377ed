// How a filter gets into a process where no bubblewrap loads it: programs that put it on themselves and then become the command.

/** `setpriv`: util-linux 2.41 and newer. `perl`: on most systems, as a part of their smallest installation. */
export type FilterLoader = 'setpriv' | 'perl'

export interface LoadedFilter {
  readonly loader: FilterLoader
  readonly program: Buffer
}

/** Where setpriv finds the filter in the new root, which is read-only by then. */
export const filterFile = '/.filter'

/** Shell text that writes the filter to `path`. */
export const writeFilter = (program: Buffer, path: string): string =>
  `printf '${[...program].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}' > ${path}`

// Without PERL_BADLANG perl may speak of the language, on the stream that is the command's.
// prctl(PR_SET_NO_NEW_PRIVS), then prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, {length, filter}), by their numbers. A pointer is packed
// as perl's `P`, after the six bytes that the compiler leaves out behind a length of two.
const perlText = (prctl: number): string =>
  [
    'delete $ENV{PERL_BADLANG}; my $f = pack("H*", shift @ARGV); my $p = pack("Sx6P", length($f) / 8, $f);',
    `syscall(${prctl}, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!\\n";`,
    `syscall(${prctl}, 22, 2, $p, 0, 0) == 0 or die "the filter of system calls: $!\\n";`,
    'exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n";',
  ].join(' ')

/** Goes before the command's own program and arguments; none of it needs quoting but by whoever puts it into a script. */
export function loadingProgram({ loader, program }: LoadedFilter, architecture: string): readonly string[] {
  switch (loader) {
    case 'setpriv':
      return ['setpriv', '--no-new-privs', '--seccomp-filter', filterFile, '--']
    case 'perl':
      return [
        'env',
        'PERL_BADLANG=0',
        'perl',
        '-e',
        perlText(architecture === 'x64' ? 157 : 167),
        '--',
        program.toString('hex'),
      ]
    default:
      return loader satisfies never
  }
}
