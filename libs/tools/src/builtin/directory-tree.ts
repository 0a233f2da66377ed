import { Type } from 'typebox'
import { succeeded, ToolFailure } from '../calls/outcome.ts'
import { Pace } from '../calls/pace.ts'
import { defineTool, pathTarget, stoppedByRunner } from '../tool.ts'
import { entersBulky, walk } from '../workspace/walk.ts'
import { Workspace } from '../workspace/workspace.ts'

export const directoryTree = defineTool(
  {
    name: 'directory_tree',
    group: 'directory',
    description:
      'Show a folder of the workspace as an indented tree; folders end in /. Does not open .git and node_modules unless the path names them.',
    parameters: Type.Object(
      {
        path: Type.Optional(
          Type.String({
            maxLength: 4096,
            description: 'The folder, relative to the workspace. Default: the workspace.',
          }),
        ),
        max_depth: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 50, description: 'Levels to show, 1 to 50. Default 3.' }),
        ),
      },
      { additionalProperties: false },
    ),
    replay: 'safe',
    risk: 'read',
    target: pathTarget,
    time: stoppedByRunner,
  },
  async ({ path = '', max_depth = 3 }, context) => {
    using workspace = new Workspace(context.workspace, context.guard)
    using folder = workspace.locate(path)
    if (folder.kind === 'missing') throw new ToolFailure('not-found', `no such directory: ${path.slice(0, 200)}`)
    if (folder.kind !== 'folder') throw new ToolFailure('failed', `is not a directory: ${folder.relative}`)
    const root = `${folder.relative || '.'}/`
    let room = context.settings.maxOutputChars - JSON.stringify(root).length - 200
    const lines = [root]
    const counts = { directories: 0, files: 0 }
    let truncated = false
    const enters = entersBulky(path)
    const options = {
      maxDepth: max_depth,
      enter: enters,
      unread: () => {
        truncated = true
      },
    }
    for await (const { depth, entry } of walk(
      workspace,
      folder.node,
      folder.relative,
      new Pace(context.signal),
      options,
    )) {
      const isFolder = entry.kind === 'folder'
      if (isFolder) counts.directories += 1
      else counts.files += 1
      const closed = isFolder && (entry.link || !enters(entry.name)) ? ' (not opened)' : ''
      const line = `${'  '.repeat(depth)}${entry.name}${isFolder ? '/' : ''}${closed}`
      room -= JSON.stringify(line).length
      if (room < 0) truncated = true
      else lines.push(line)
    }
    return succeeded({ tree: lines.join('\n'), ...counts, ...(truncated ? { truncated } : {}) })
  },
)
