import { Type } from 'typebox'
import { succeeded, ToolFailure } from '../calls/outcome.ts'
import { defineTool, pathTarget, stoppedByRunner } from '../tool.ts'
import { Workspace } from '../workspace/workspace.ts'

export const fileInfo = defineTool(
  {
    name: 'file_info',
    group: 'files',
    description:
      'Tell the type, size in bytes, time of last change and permissions of a file or folder of the workspace.',
    parameters: Type.Object(
      {
        path: Type.String({
          minLength: 1,
          maxLength: 4096,
          description: 'The file or folder: relative to the workspace, or absolute inside of it.',
        }),
      },
      { additionalProperties: false },
    ),
    replay: 'safe',
    risk: 'read',
    target: pathTarget,
    time: stoppedByRunner,
  },
  ({ path }, context) => {
    using workspace = new Workspace(context.workspace, context.guard)
    using found = workspace.locate(path)
    if (found.kind === 'missing') throw new ToolFailure('not-found', `no such file or directory: ${path.slice(0, 200)}`)
    const { stat } = found.node
    return succeeded({
      path: found.relative || '.',
      type: found.kind === 'folder' ? 'directory' : found.kind === 'file' ? 'file' : 'other',
      size: Number(stat.size),
      modified: stat.mtime.toISOString(),
      permissions: permissions(Number(stat.mode), found.kind === 'folder'),
    })
  },
)

/** As `ls -l` shows them: drwxr-xr-x. */
function permissions(mode: number, folder: boolean): string {
  const bits = [...'rwxrwxrwx'].map((letter, at) => ((mode >> (8 - at)) & 1 ? letter : '-'))
  const special = (at: number, bit: number, letter: string) => {
    if (mode & bit) bits[at] = bits[at] === 'x' ? letter : letter.toUpperCase()
  }
  special(2, 0o4000, 's')
  special(5, 0o2000, 's')
  special(8, 0o1000, 't')
  return `${folder ? 'd' : '-'}${bits.join('')}`
}
