// Links that change while a tool runs: a folder or file of the workspace is now itself, now a link to what lies outside.
import { kindOf, type Row } from '../../corpus.ts'
import type { ToolInput } from '../../runners/builtin-tools.ts'

/** What stands at `swap` in turn. */
export type Flip =
  | 'a folder, and a link to a folder outside'
  | 'a file, and a link to a file outside'
  | 'a link inside, and a link outside'
  | 'nothing, and a link to a file outside'
  | 'a link in a circle, and a link outside'

export interface Race extends ToolInput {
  readonly flip: Flip
}

const folder: Flip = 'a folder, and a link to a folder outside'
const file: Flip = 'a file, and a link to a file outside'
const link: Flip = 'a link inside, and a link outside'
const nothing: Flip = 'nothing, and a link to a file outside'
const circle: Flip = 'a link in a circle, and a link outside'

const read = (path: string): ToolInput => ({ tool: 'read_file', args: { path } })
const write = (path: string): ToolInput => ({ tool: 'write_file', args: { path, content: 'inside\n' } })
const edit = (path: string): ToolInput => ({
  tool: 'edit_file',
  args: { path, old_string: 'inside', new_string: 'inside' },
})

const races: readonly (readonly [flip: Flip, ToolInput])[] = [
  [folder, read('swap/secret.txt')],
  [folder, write('swap/secret.txt')],
  [folder, write('swap/new/deep/file.txt')],
  [folder, edit('swap/secret.txt')],
  [folder, { tool: 'list_directory', args: { path: 'swap' } }],
  [folder, { tool: 'directory_tree', args: {} }],
  [folder, { tool: 'find_files', args: { pattern: '**/secret.txt' } }],
  [folder, { tool: 'grep', args: { pattern: 'canary-' } }],
  [folder, { tool: 'file_info', args: { path: 'swap/secret.txt' } }],
  [file, read('swap')],
  [file, write('swap')],
  [file, edit('swap')],
  [file, { tool: 'grep', args: { path: 'swap', pattern: 'canary-' } }],
  [link, read('swap/secret.txt')],
  [link, write('swap/secret.txt')],
  [link, edit('swap/secret.txt')],
  [link, { tool: 'grep', args: { path: 'swap', pattern: 'canary-' } }],
  [nothing, write('swap')],
  [nothing, read('swap')],
  [circle, read('swap')],
  [circle, write('swap')],
]

export const symlinkRaces = kindOf<Race>(
  'symlink races',
  'a file or folder that turns into a link to the outside, and back, while tools use it, each twenty times',
  races.map(
    ([flip, input], at): Row<Race> => [
      `${input.tool} of ${Object.values(input.args as object)[0] ?? 'the workspace'} (${at + 1}): ${flip}`,
      { ...input, flip },
      /^(ok|error)/,
    ],
  ),
)
