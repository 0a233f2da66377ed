// The tools of the sandbox in memory, in their names and arguments those of a workspace. Nothing that they do leaves the session: so a
// call that was cut off may run again, with the files that it began with.
import { editFile } from '../builtin/edit-file.ts'
import { findFiles } from '../builtin/find-files.ts'
import { grep } from '../builtin/grep.ts'
import { readFile } from '../builtin/read-file.ts'
import { shell } from '../builtin/shell.ts'
import { writeFile } from '../builtin/write-file.ts'
import { stoppedByRunner, type Tool, type ToolDefinition } from '../tool.ts'

export const virtualGroup = 'virtual_sandbox'

const inMemory = ({ definition }: Tool, more: Partial<ToolDefinition> = {}): ToolDefinition => {
  const { sandboxed: _, ...rest } = definition
  return { ...rest, group: virtualGroup, replay: 'safe', virtual: true, time: stoppedByRunner, ...more }
}

export const virtualTools: readonly ToolDefinition[] = [
  inMemory(shell, {
    risk: 'write',
    description:
      'Run a shell command in a sandbox in memory: a simulated bash with the usual commands (ls, cat, grep, sed, awk, jq, sort, tar, …), and files of its own that stay from one command to the next. No other programs can be run, and there is no network. Answers with exit_code, stdout and stderr.',
  }),
  inMemory(readFile),
  inMemory(writeFile, {
    description:
      'Write a whole text file in the sandbox in memory, new or over an old one. To change a part of a file, use edit_file.',
  }),
  inMemory(editFile),
  inMemory(findFiles),
  inMemory(grep),
]

export const virtualToolNames: readonly string[] = virtualTools.map(({ name }) => name)
