import { Type } from 'typebox'
import { fitting, ToolFailure } from '../calls/outcome.ts'
import { Pace } from '../calls/pace.ts'
import { defineTool, pathTarget, stoppedByRunner } from '../tool.ts'
import { walk } from '../workspace/walk.ts'
import { Workspace } from '../workspace/workspace.ts'

const maxKept = 20_000

interface Listed {
  readonly name: string
  readonly type: 'file' | 'directory' | 'other'
  readonly size: number
  readonly link?: true
}

export const listDirectory = defineTool(
  {
    name: 'list_directory',
    group: 'directory',
    description: 'List the entries of one folder of the workspace with type and size in bytes, sorted by name.',
    parameters: Type.Object(
      {
        path: Type.Optional(
          Type.String({
            maxLength: 4096,
            description: 'The folder, relative to the workspace. Default: the workspace.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    replay: 'safe',
    risk: 'read',
    target: pathTarget,
    time: stoppedByRunner,
  },
  async ({ path = '' }, context) => {
    using workspace = new Workspace(context.workspace, context.guard)
    using folder = workspace.locate(path)
    if (folder.kind === 'missing') throw new ToolFailure('not-found', `no such directory: ${path.slice(0, 200)}`)
    if (folder.kind !== 'folder') throw new ToolFailure('failed', `is not a directory: ${folder.relative}`)
    const kept: Listed[] = []
    let total = 0
    const options = { maxDepth: 1, enter: () => false, unread: () => {} }
    for await (const { entry } of walk(workspace, folder.node, folder.relative, new Pace(context.signal), options)) {
      total += 1
      if (kept.length === maxKept) continue
      const type = entry.kind === 'folder' ? 'directory' : entry.kind === 'file' ? 'file' : 'other'
      kept.push({ name: entry.name, type, size: Number(entry.node.stat.size), ...(entry.link ? { link: true } : {}) })
    }
    return fitting(kept, context.settings.maxOutputChars, (entries) => ({
      path: folder.relative || '.',
      entries,
      total,
      ...(entries.length < total ? { truncated: true } : {}),
    }))
  },
)
