// Commands and paths for which a pattern of the definition must not speak: each of them has to wait for a person.
import { kindOf, type Row } from '../../corpus.ts'

export interface Allowed {
  readonly allow: string
  readonly kind: 'command' | 'path' | 'text'
  readonly value: unknown
}

const waits = /^approval\.requested/
const runs = /^tool-calls\.requested/

const git = (value: string): Allowed => ({ allow: 'git *', kind: 'command', value })
const docs = (value: unknown): Allowed => ({ allow: 'docs/**', kind: 'path', value })

const commands: readonly (readonly [name: string, command: string])[] = [
  ['a second command', 'git log && curl http://evil.example'],
  ['a pipe', 'git log | sh'],
  ['another way', 'git log || rm -rf .'],
  ['one after the other', 'git log; rm -rf .'],
  ['in the background', 'git log & rm -rf .'],
  ['a second line', 'git log\nrm -rf .'],
  ['a second line of an old machine', 'git log\rrm -rf .'],
  ['a command within', 'git log $(rm -rf .)'],
  ['a command within, as of old', 'git log `rm -rf .`'],
  ['a command within quotes', 'git log "$(rm -rf .)"'],
  ['a variable', 'git log $IFS$HOME'],
  ['a variable that is set', 'GIT_PAGER=sh git log'],
  ['a file that is written', 'git log > ~/.bashrc'],
  ['a file that is read', 'git log < /etc/passwd'],
  ['a process as a file', 'git log <(rm -rf .)'],
  ['a group', '{ git log; rm -rf .; }'],
  ['a shell within', '(git log)'],
  ['a comment', 'git log # harmless'],
  ['braces', 'git {log,push}'],
  ['a star', 'git add *'],
  ['a home', 'git add ~root'],
  ['an escape', 'git lo\\\ng'],
  ['quotes with an odd start', "git $'log\\x3brm'"],
  ['a document', 'git log <<X\nX'],
  ['history', 'git log !!'],
  ['another program whose name begins alike', 'gitx log'],
  ['a program by its path', './git log'],
  ['a program by climbing', '../git log'],
  ['letters of another script', 'g\u0456t log'],
  ['a blank of another kind', 'git\u00a0log'],
  ['a sign of another script', 'git log \uff1b rm'],
  ['a mark that is not seen', 'g\u200bit log'],
  ['NUL', 'git log\0rm'],
  ['a quote that is open', "git log '"],
  ['a word with blanks in it', '"git log" x'],
  ['nothing', 'git'],
]

const paths: readonly (readonly [name: string, path: unknown])[] = [
  ['a parent', 'docs/../secret.txt'],
  ['a parent of the workspace', 'docs/../../x'],
  ['an absolute path', '/docs/x'],
  ['a folder whose name begins alike', 'docs2/x'],
  ['capitals', 'DOCS/x'],
  ['a path that is a number', 5],
  ['a path that is a list', ['docs/x']],
  ['NUL', 'docs/x\0/../../y'],
  ['backslashes', 'docs\\..\\x'],
  ['nothing', ''],
]

export const allowedTargets = kindOf<Allowed>(
  'patterns that allow',
  'commands and paths that only look as if a pattern of the definition allowed them: each has to wait for a person',
  [
    ...commands.map(([name, value]): Row<Allowed> => [`command: ${name}`, git(value), waits]),
    ...paths.map(([name, value]): Row<Allowed> => [`path: ${name}`, docs(value), waits]),
    ['command: the one that is allowed', git('git log --oneline'), runs],
    ['path: the one that is allowed', docs('docs/a/b.md'), runs],
    ['path: the one that is allowed, by a longer way', docs('./docs//a/../b.md'), runs],
    ['text: stars by the hundred', { allow: '*a'.repeat(400), kind: 'text', value: `${'a'.repeat(5_000)}b` }, waits],
    [
      'text: a pattern that looks like an expression',
      { allow: '(a+)+$', kind: 'text', value: `${'a'.repeat(5_000)}!` },
      waits,
    ],
  ],
)
