import { closeSync } from 'node:fs'
import { Type } from 'typebox'
import { succeeded, ToolFailure } from '../calls/outcome.ts'
import { Pace } from '../calls/pace.ts'
import { type Encoding, encode, markOf } from '../text/encoding.ts'
import { openText } from '../text/lines.ts'
import { defineTool, pathTarget, stoppedByRunner } from '../tool.ts'
import { writeAtomically } from '../workspace/atomic-write.ts'
import { type Found, Workspace } from '../workspace/workspace.ts'

interface Form {
  readonly encoding: Encoding
  readonly crlf: boolean
}

/** Lines of the old file that are looked at for its line endings. */
const sampledLines = 1_000

export const writeFile = defineTool(
  {
    name: 'write_file',
    group: 'files',
    description:
      'Write a whole text file in the workspace, new or over an old one. The old file is replaced at once or not at all, and keeps its mode, encoding mark and line endings. To change a part of a file, use edit_file.',
    parameters: Type.Object(
      {
        path: Type.String({
          minLength: 1,
          maxLength: 4096,
          description: 'The file: relative to the workspace, or absolute inside of it.',
        }),
        content: Type.String({ description: 'The whole new content.' }),
        create_dirs: Type.Optional(
          Type.Boolean({ description: 'Whether to make missing folders on the way. Default true.' }),
        ),
      },
      { additionalProperties: false },
    ),
    replay: 'safe',
    risk: 'write',
    target: pathTarget,
    time: stoppedByRunner,
  },
  async ({ path, content, create_dirs = true }, context) => {
    if (path.endsWith('/'))
      throw new ToolFailure(
        'failed',
        `names a folder, since it ends in "/": ${path.slice(0, 200)}. Give the path of a file`,
      )
    using workspace = new Workspace(context.workspace, context.guard)
    using place = workspace.locate(path, { change: true, create: create_dirs })
    if (place.kind === 'folder') throw new ToolFailure('failed', `is a directory: ${place.relative || '.'}`)
    return await context.locks.hold(workspace.lockKey(place), context.signal, async () => {
      // Looked at again: another writer may have made or replaced it while this one waited.
      using found = workspace.locate(path, { change: true, create: create_dirs })
      const form = found.kind === 'missing' ? undefined : await formOf(workspace, found, context.signal)
      const text = form?.crlf === true ? content.replaceAll(/\r?\n/g, '\r\n') : content
      const encoding = form?.encoding ?? 'utf-8'
      // What the old single-byte encoding cannot say makes the file UTF-8.
      const encoded = encode(text, encoding)
      const kept = encoded === undefined ? 'utf-8' : encoding
      const bytes = Buffer.concat([markOf(kept), encoded ?? Buffer.from(text, 'utf8')])
      context.signal.throwIfAborted()
      await writeAtomically(found, bytes)
      return succeeded({
        path: found.relative,
        bytes_written: bytes.length,
        created: found.kind === 'missing',
        ...(form?.crlf === true ? { line_endings: 'crlf' } : {}),
        ...(kept === 'utf-8' ? {} : { encoding: kept }),
      })
    })
  },
)

/** How the old file says its text; undefined for a binary one, which is simply replaced. */
async function formOf(workspace: Workspace, found: Found, signal: AbortSignal): Promise<Form | undefined> {
  const fd = workspace.openFile(found)
  try {
    const text = openText(fd)
    if (text === undefined) return undefined
    let lines = 0
    let crlf = 0
    for await (const line of text.lines(1, new Pace(signal))) {
      if (!line.ended || lines === sampledLines) break
      lines += 1
      if (line.crlf) crlf += 1
    }
    return { encoding: text.encoding, crlf: lines > 0 && crlf === lines }
  } finally {
    closeSync(fd)
  }
}
