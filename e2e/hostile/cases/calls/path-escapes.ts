// Paths that lead out of the workspace, to the data folder, or nowhere that a path leads. `{outside}`: the folder beside the workspace.
import { kindOf, type Row } from '../../corpus.ts'
import type { ToolInput } from '../../runners/builtin-tools.ts'

const refused =
  /^error (refused|not-found|invalid-arguments|failed): .*(outside|no tool may see|not exist|not a directory|link|path|text)/s

const paths: readonly (readonly [name: string, path: string])[] = [
  ['the parent', '../outside/secret.txt'],
  ['the parent of a folder inside', 'deep/../../outside/secret.txt'],
  ['many parents', `${'../'.repeat(100)}etc/passwd`],
  ['an absolute path', '{outside}/secret.txt'],
  ['an absolute path by the workspace', '{workspace}/../outside/secret.txt'],
  ['a neighbour whose name begins alike', '{workspace}-neighbour/secret.txt'],
  ['a link to a file outside', 'file-out'],
  ['a link to a folder outside', 'folder-out/secret.txt'],
  ['an absolute link', 'absolute-out'],
  ['a chain of links', 'chain-1/secret.txt'],
  ['a link within a folder', 'deep/up/secret.txt'],
  ['a link to the parent', 'parent/outside/secret.txt'],
  ['a link to the root', 'root/etc/passwd'],
  ['links to itself, then out', 'self/self/self/file-out'],
  ['a link with hundreds of steps', 'long'],
  ['links in a circle', 'loop-1'],
  ['a link to the process', 'process/environ'],
  ['the root of the process', '/proc/self/root{outside}/secret.txt'],
  ['the working folder of the process', 'process/cwd/package.json'],
  ['a descriptor of the process', '/dev/fd/0'],
  ['a device', 'device'],
  ['the data folder', '.reins/admin.token'],
  ['the data folder by a link', 'masked/admin.token'],
  ['the data folder by a longer way', 'deep/.././.reins//admin.token'],
  ['a character NUL', 'a.txt\0/../../outside/secret.txt'],
  ['a name that is too long', 'x'.repeat(5_000)],
  ['a path of 10,000 folders', 'd/'.repeat(10_000)],
  ['a file as a folder', 'a.txt/../../outside/secret.txt'],
]

/** Names that look like tricks and are only names: nothing is read there, and a file may be made. */
const oddNames: readonly (readonly [name: string, path: string])[] = [
  ['an address', 'file:///etc/passwd'],
  ['the home folder of a shell', '~/.ssh/id_rsa'],
  ['a variable', '$HOME/x'],
  ['encoded dots', '%2e%2e/outside/secret.txt'],
  ['backslashes', '..\\outside\\secret.txt'],
  ['dots of another script', '\u2024\u2024/outside/secret.txt'],
  ['a slash of another script', '..\uff0foutside\uff0fsecret.txt'],
  ['a line break', 'a\nb'],
  ['an option', '--help'],
  ['three dots', '.../secret.txt'],
]

const of = (tool: string, more: object = {}): readonly Row<ToolInput>[] =>
  paths.map(([name, path]) => [`${tool}: ${name}`, { tool, args: { path, ...more } }, refused])

const others: readonly Row<ToolInput>[] = [
  ['edit_file: a link out', 'edit_file', { path: 'file-out', old_string: 'canary', new_string: 'x' }],
  ['edit_file: the data folder', 'edit_file', { path: '.reins/admin.token', old_string: 'c', new_string: 'x' }],
  ['write_file: a link to what is not there yet', 'write_file', { path: 'new-out', content: 'x' }],
  ['write_file: a folder through a link', 'write_file', { path: 'folder-out/a/b/c.txt', content: 'x' }],
  ['file_info: a link out', 'file_info', { path: 'folder-out/secret.txt' }],
  ['list_directory: the parent', 'list_directory', { path: '..' }],
  ['list_directory: a link out', 'list_directory', { path: 'chain-1' }],
  ['directory_tree: the root', 'directory_tree', { path: '/' }],
  ['directory_tree: a link to the root', 'directory_tree', { path: 'root' }],
  ['find_files: from the parent', 'find_files', { path: '..', pattern: '*.txt' }],
  ['find_files: from the data folder', 'find_files', { path: '.reins', pattern: '*' }],
  ['grep: from a link out', 'grep', { path: 'folder-out', pattern: 'canary' }],
  ['grep: in a file outside', 'grep', { path: '{outside}/secret.txt', pattern: 'canary' }],
].map(([name, tool, args]): Row<ToolInput> => [String(name), { tool: String(tool), args }, refused])

const quiet: readonly Row<ToolInput>[] = [
  ['list_directory: of a folder with links out', { tool: 'list_directory', args: {} }, /^ok: /],
  ['directory_tree: of a folder with links in circles', { tool: 'directory_tree', args: { max_depth: 10 } }, /^ok: /],
  ['find_files: a pattern that climbs', { tool: 'find_files', args: { pattern: '../**/*.txt' } }, /^(ok|error)/],
  ['find_files: an absolute pattern', { tool: 'find_files', args: { pattern: '{outside}/*' } }, /^(ok|error)/],
  ['find_files: through a link', { tool: 'find_files', args: { pattern: 'folder-out/*' } }, /^(ok|error)/],
  ['grep: everywhere', { tool: 'grep', args: { pattern: 'canary-' } }, /^ok: .*"matches":\[\]/],
  ['grep: names that climb', { tool: 'grep', args: { pattern: 'canary-', include: '../**' } }, /^(ok|error)/],
  ['read_file: a pipe that nobody writes to', { tool: 'read_file', args: { path: 'pipe' } }, /^error /],
  ['read_file: a folder', { tool: 'read_file', args: { path: 'deep' } }, /^error /],
  ['write_file: over a folder', { tool: 'write_file', args: { path: 'deep', content: 'x' } }, /^error /],
  ['write_file: over a pipe', { tool: 'write_file', args: { path: 'pipe', content: 'x' } }, /^error /],
]

export const pathEscapes = kindOf<ToolInput>(
  'path escapes',
  'paths, links and patterns that lead out of the workspace, into the data folder, or nowhere, through `runCall` and the workers',
  [
    ...of('read_file'),
    ...of('write_file', { content: 'broken' }),
    ...others,
    ...quiet,
    ...oddNames.map(
      ([name, path]): Row<ToolInput> => [`read_file: ${name}`, { tool: 'read_file', args: { path } }, /^error /],
    ),
    ...oddNames.map(
      ([name, path]): Row<ToolInput> => [
        `write_file: ${name}`,
        { tool: 'write_file', args: { path: `odd/${path}`, content: 'x' } },
        /^(ok|error)/,
      ],
    ),
  ],
)
