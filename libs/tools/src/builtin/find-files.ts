import { Type } from 'typebox'
import { fitting, ToolFailure } from '../calls/outcome.ts'
import { Pace } from '../calls/pace.ts'
import { compileGlob, noteOf, maxGlobChars } from '../text/glob.ts'
import { defineTool, stoppedByRunner } from '../tool.ts'
import { entersBulky, walk } from '../workspace/walk.ts'
import { Workspace } from '../workspace/workspace.ts'

const maxKept = 50_000

export const findFiles = defineTool(
  {
    name: 'find_files',
    group: 'search',
    description:
      'Find files and folders (shown with a / at the end) by a glob, sorted by path. Without ** only the named level is searched: *.ts finds in the folder itself, **/*.ts in all folders below. Does not look into .git and node_modules unless the pattern or the path names them.',
    parameters: Type.Object(
      {
        pattern: Type.String({
          minLength: 1,
          maxLength: maxGlobChars,
          description:
            'A glob, relative to path: * and ? within a name, ** over folders, {a,b}, [a-z]; a / at the end finds folders only. Brackets also match themselves: app/[id]/*.tsx finds in the folder [id]; \\ before a character takes it as it is. Example: src/**/*.ts',
        }),
        path: Type.Optional(
          Type.String({
            maxLength: 4096,
            description: 'The folder to search, relative to the workspace. Default: the workspace.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    replay: 'safe',
    risk: 'read',
    time: stoppedByRunner,
  },
  async ({ pattern, path = '' }, context) => {
    const named = pattern.replace(/^(\.\/)+/, '').replace(/([^/])\/+$/, '$1')
    // As the answer shows them: with a / at the end.
    const foldersOnly = pattern.endsWith('/')
    const glob = compileGlob(named, '"pattern"')
    if (pattern.startsWith('/') || pattern.split('/').includes('..')) {
      throw new ToolFailure('invalid-arguments', '"pattern" must be relative and without ..: give the folder in "path"')
    }
    const levels = /\*\*|\{/.test(pattern) ? Number.POSITIVE_INFINITY : named.split('/').length
    using workspace = new Workspace(context.workspace, context.guard)
    using folder = workspace.locate(path)
    if (folder.kind === 'missing') throw new ToolFailure('not-found', `no such directory: ${path.slice(0, 200)}`)
    if (folder.kind !== 'folder') throw new ToolFailure('failed', `is not a directory: ${folder.relative}`)
    const kept: string[] = []
    let total = 0
    let unread = 0
    const skip = folder.relative === '' ? 0 : folder.relative.length + 1
    const options = {
      maxDepth: levels,
      enter: entersBulky(pattern, path),
      unread: () => {
        unread += 1
      },
    }
    for await (const { path: at, entry } of walk(
      workspace,
      folder.node,
      folder.relative,
      new Pace(context.signal),
      options,
    )) {
      if (entry.kind === 'special' || (foldersOnly && entry.kind !== 'folder') || !glob.matches(at.slice(skip)))
        continue
      total += 1
      if (kept.length < maxKept) kept.push(entry.kind === 'folder' ? `${at}/` : at)
    }
    if (total === 0 && glob.malformed !== undefined) throw new ToolFailure('invalid-arguments', glob.malformed)
    const note = total === 0 ? noteOf(pattern) : undefined
    kept.sort()
    return fitting(kept, context.settings.maxOutputChars, (files) => ({
      files,
      total,
      ...(files.length < total ? { truncated: true } : {}),
      ...(unread > 0 ? { folders_not_read: unread } : {}),
      ...(note === undefined ? {} : { note }),
    }))
  },
)
