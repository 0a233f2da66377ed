// What files of a sandbox in memory tell the agent that works among them, as context-files.ts reads it from a folder of a machine. No link
// is followed.
import path from 'node:path'
import { type AgentDefinition, folderInMemory, virtualFolder, type WorkspaceFound } from '@reins/contracts'
import { ToolFailure } from '../calls/outcome.ts'
import { contextOf, cutText } from '../workspace/context-files.ts'
import type { VirtualEntry } from './files.ts'

export function contextInMemory(
  files: readonly VirtualEntry[],
  { tools }: Pick<AgentDefinition, 'tools'>,
): WorkspaceFound {
  const folder = folderInMemory({ tools }) ?? virtualFolder
  const at = (name: string): string => path.posix.join(folder, name)
  return contextOf({
    text: (name, most) => {
      const found = files.find((one) => one.path === at(name))
      if (!found) return undefined
      if (found.kind !== 'file') throw new ToolFailure('failed', 'is no file')
      const bytes = Buffer.from(found.content ?? '', 'base64')
      return cutText(bytes.subarray(0, most + 1), most, bytes.length)
    },
    folders: (name, most) => {
      const parent = at(name)
      const names = files.flatMap((one) =>
        one.kind === 'folder' && path.posix.dirname(one.path) === parent ? [path.posix.basename(one.path)] : [],
      )
      return names.slice(0, most)
    },
  })
}
