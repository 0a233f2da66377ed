// The nine tools that every agent may be given.
import type { Tool, ToolDefinition } from '../tool.ts'
import { directoryTree } from './directory-tree.ts'
import { editFile } from './edit-file.ts'
import { fileInfo } from './file-info.ts'
import { findFiles } from './find-files.ts'
import { grep } from './grep.ts'
import { listDirectory } from './list-directory.ts'
import { readFile } from './read-file.ts'
import { shell } from './shell.ts'
import { writeFile } from './write-file.ts'

export const tools: readonly Tool[] = [
  shell,
  readFile,
  writeFile,
  editFile,
  fileInfo,
  findFiles,
  grep,
  listDirectory,
  directoryTree,
]

export const builtinTools: readonly ToolDefinition[] = tools.map((tool) => tool.definition)
