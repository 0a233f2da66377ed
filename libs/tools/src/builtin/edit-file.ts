import { closeSync } from 'node:fs'
import { Type } from 'typebox'
import { succeeded, ToolFailure } from '../outcome.ts'
import { detectEncoding, type Encoding, encode, markOf } from '../text/encoding.ts'
import { readWhole } from '../text/lines.ts'
import { defineTool, stoppedByRunner } from '../tool.ts'
import { writeAtomically } from '../workspace/atomic-write.ts'
import { type Found, Workspace } from '../workspace/workspace.ts'

const maxBytes = 64 * 1024 * 1024

export const editFile = defineTool(
  {
    name: 'edit_file',
    group: 'files',
    description:
      'Replace a text in a file of the workspace by another one. old_string must be in the file exactly once, or replace_all be true; give enough of its surroundings. All other bytes, the mode, the encoding and the line endings stay as they are.',
    parameters: Type.Object(
      {
        path: Type.String({
          minLength: 1,
          description: 'The file: relative to the workspace, or absolute inside of it.',
        }),
        old_string: Type.String({
          description: 'The text to replace, exactly as it stands in the file, with its white space.',
        }),
        new_string: Type.String({ description: 'The text to put in its place.' }),
        replace_all: Type.Optional(
          Type.Boolean({ description: 'Whether to replace each place where old_string stands. Default false.' }),
        ),
      },
      { additionalProperties: false },
    ),
    replay: 'never',
    risk: 'write',
    time: stoppedByRunner,
  },
  async ({ path, old_string, new_string, replace_all = false }, context) => {
    if (old_string === '')
      throw new ToolFailure(
        'invalid-arguments',
        '"old_string" is empty: give the text to replace, or use write_file for a new file',
      )
    if (old_string === new_string)
      throw new ToolFailure('invalid-arguments', '"old_string" and "new_string" are the same: nothing to change')
    using workspace = new Workspace(context.workspace, context.masked)
    using place = workspace.locate(path)
    return await context.locks.hold(workspace.lockKey(place), context.signal, async () => {
      using found = workspace.locate(path)
      const before = readBytes(workspace, found)
      const edit = findEdit(before, old_string, new_string)
      if (edit.at.length === 0) throw new ToolFailure('failed', notFound(found.relative, old_string))
      if (edit.at.length > 1 && !replace_all) {
        throw new ToolFailure(
          'failed',
          `old_string is in ${found.relative} ${edit.at.length} times: give more of its surroundings so that it is there once, or set replace_all to true`,
        )
      }
      context.signal.throwIfAborted()
      await writeAtomically(found, spliced(before, edit))
      return succeeded({ path: found.relative, replacements: edit.at.length })
    })
  },
)

interface Edit {
  /** Offsets in bytes of each place, none overlapping another. */
  readonly at: readonly number[]
  readonly old: Buffer
  readonly new: Buffer
}

function readBytes(workspace: Workspace, found: Found): Buffer {
  const fd = workspace.openFile(found)
  try {
    return readWhole(fd, maxBytes, found.relative)
  } finally {
    closeSync(fd)
  }
}

/** Searches bytes, not characters: what is no valid text elsewhere in the file is never touched. */
function findEdit(content: Buffer, oldText: string, newText: string): Edit {
  const encoding = detectEncoding(content, true)
  if (encoding === undefined) throw new ToolFailure('failed', 'is a binary file, which edit_file does not change')
  const asCrlf = (text: string) => text.replaceAll(/\r?\n/g, '\r\n')
  const endings = lineEndings(content, encoding)
  // Where all lines end in CR LF the texts are meant so, since read_file shows \n; in a mixed file what is written is tried first.
  const tries =
    endings === 'crlf' ? [asCrlf] : endings === 'mixed' ? [(text: string) => text, asCrlf] : [(text: string) => text]
  for (const form of tries) {
    const old = encode(form(oldText), encoding)
    if (old === undefined) continue
    const at = placesOf(old, content, encoding)
    if (at.length === 0) continue
    const replacement = encode(form(newText), encoding)
    if (replacement === undefined) {
      throw new ToolFailure(
        'failed',
        'new_string has characters that the file cannot hold: it is neither UTF-8 nor UTF-16, one byte a character. Use characters up to U+00FF, or write_file',
      )
    }
    return { at, old, new: replacement }
  }
  return { at: [], old: Buffer.alloc(0), new: Buffer.alloc(0) }
}

function placesOf(text: Buffer, content: Buffer, encoding: Encoding): readonly number[] {
  const unit = encoding === 'utf-16le' || encoding === 'utf-16be' ? 2 : 1
  const places: number[] = []
  for (let at = content.indexOf(text, markOf(encoding).length); at >= 0; ) {
    const aligned = at % unit === 0
    if (aligned) places.push(at)
    at = content.indexOf(text, at + (aligned ? text.length : 1))
  }
  return places
}

function lineEndings(content: Buffer, encoding: Encoding): 'lf' | 'crlf' | 'mixed' {
  const feed = encode('\n', encoding) ?? Buffer.from('\n')
  const feeds = placesOf(feed, content, encoding).length
  const both = placesOf(encode('\r\n', encoding) ?? Buffer.from('\r\n'), content, encoding).length
  if (both === 0) return 'lf'
  return both === feeds ? 'crlf' : 'mixed'
}

function spliced(content: Buffer, edit: Edit): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (const at of edit.at) {
    parts.push(content.subarray(from, at), edit.new)
    from = at + edit.old.length
  }
  return Buffer.concat([...parts, content.subarray(from)])
}

function notFound(path: string, oldText: string): string {
  const hint = oldText.includes('\ufffd')
    ? ' It has U+FFFD, which stands for bytes that are no UTF-8: choose a text without it'
    : ' Read the file again and copy the text exactly, with its white space'
  return `old_string was not found in ${path}.${hint}`
}
