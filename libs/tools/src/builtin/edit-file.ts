import { closeSync } from 'node:fs'
import { Type } from 'typebox'
import { succeeded, ToolFailure } from '../calls/outcome.ts'
import { detectEncoding, type Encoding, encode, markOf } from '../text/encoding.ts'
import { readWhole } from '../text/lines.ts'
import { defineTool, pathTarget, stoppedByRunner } from '../tool.ts'
import { writeAtomically } from '../workspace/atomic-write.ts'
import { type Found, Workspace } from '../workspace/workspace.ts'

/** Of a file, before and after the edit. */
const maxBytes = 16 * 1024 * 1024
/** Places of one edit. */
const maxPlaces = 100_000

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
          maxLength: 4096,
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
    target: pathTarget,
    time: stoppedByRunner,
  },
  async ({ path, old_string, new_string, replace_all = false }, context) => {
    if (old_string === '')
      throw new ToolFailure(
        'invalid-arguments',
        '"old_string" is empty: give the text to replace, or use write_file for a new file',
      )
    if (old_string === new_string) throw sameText
    using workspace = new Workspace(context.workspace, context.guard)
    using place = workspace.locate(path, { change: true })
    return await context.locks.hold(workspace.lockKey(place), context.signal, async () => {
      using found = workspace.locate(path, { change: true })
      const before = readBytes(workspace, found)
      const edit = findEdit(before, old_string, new_string)
      if (edit.old.equals(edit.new) && edit.at.length > 0) throw sameText
      if (edit.at.length === 0) throw new ToolFailure('failed', notFound(found.relative, old_string))
      if (edit.at.length > 1 && !replace_all) {
        throw new ToolFailure(
          'failed',
          `old_string is in ${found.relative} ${edit.at.length > maxPlaces ? `more than ${maxPlaces}` : edit.at.length} times: give more of its surroundings so that it is there once, or set replace_all to true`,
        )
      }
      checkSize(found.relative, before, edit)
      context.signal.throwIfAborted()
      await writeAtomically(found, spliced(before, edit))
      return succeeded({ path: found.relative, replacements: edit.at.length })
    })
  },
)

const sameText = new ToolFailure('invalid-arguments', '"old_string" and "new_string" are the same: nothing to change')

interface Edit {
  /** Offsets in bytes of each place, none overlapping another. */
  readonly at: readonly number[]
  readonly old: Buffer
  readonly new: Buffer
}

/** Before anything of it is built. */
function checkSize(path: string, before: Buffer, edit: Edit): void {
  const advice = 'Change less at once, or use the shell, for example sed'
  if (edit.at.length > maxPlaces)
    throw new ToolFailure('failed', `old_string is in ${path} more than ${maxPlaces} times. ${advice}`)
  const after = before.length + edit.at.length * (edit.new.length - edit.old.length)
  if (after > maxBytes)
    throw new ToolFailure(
      'failed',
      `${path} would have ${after} bytes then; at most ${maxBytes} are allowed. ${advice}`,
    )
}

function readBytes(workspace: Workspace, found: Found): Buffer {
  const fd = workspace.openFile(found)
  try {
    return readWhole(fd, maxBytes, found.relative)
  } finally {
    closeSync(fd)
  }
}

const asIs = (text: string) => text
const asCrlf = (text: string) => text.replaceAll(/\r?\n/g, '\r\n')
const asLf = (text: string) => text.replaceAll('\r\n', '\n')

/**
 * How the texts of an edit are meant, by the line endings of the file, which stay: read_file shows \n for all, and some models write
 * \r\n for all. In a mixed file what is written is tried first.
 */
const forms = { lf: [asLf, asIs], crlf: [asCrlf, asIs], mixed: [asIs, asCrlf, asLf] } as const

/** Searches bytes, not characters: what is no valid text elsewhere in the file is never touched. */
function findEdit(content: Buffer, oldText: string, newText: string): Edit {
  const encoding = detectEncoding(content, true)
  if (encoding === undefined) throw new ToolFailure('failed', 'is a binary file, which edit_file does not change')
  const endings = lineEndings(content, encoding)
  for (const form of forms[endings]) {
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
  if (endings === 'mixed') return acrossEndings(content, oldText, newText, encoding)
  return { at: [], old: Buffer.alloc(0), new: Buffer.alloc(0) }
}

/**
 * Lines of a mixed file with endings of both kinds between them: whoever read the file saw \n for all. What is written ends its lines as
 * the first of those that it replaces. Only where each place is the same, byte for byte.
 */
function acrossEndings(content: Buffer, oldText: string, newText: string, encoding: Encoding): Edit {
  const nowhere: Edit = { at: [], old: Buffer.alloc(0), new: Buffer.alloc(0) }
  const lines = asLf(oldText).split('\n')
  const encoded = lines.map((line) => encode(line, encoding)?.toString('latin1'))
  if (lines.length < 2 || encoding.startsWith('utf-16') || encoded.includes(undefined)) return nowhere
  const pattern = new RegExp(encoded.map((line) => escaped(line ?? '')).join('\r?\n'))
  const found = pattern.exec(content.toString('latin1'))?.[0]
  if (found === undefined) return nowhere
  const replacement = encode(found[found.indexOf('\n') - 1] === '\r' ? asCrlf(newText) : asLf(newText), encoding)
  const old = Buffer.from(found, 'latin1')
  return replacement === undefined ? nowhere : { at: placesOf(old, content, encoding), old, new: replacement }
}

const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** As far as `most`, and one more where there are more. */
function placesOf(text: Buffer, content: Buffer, encoding: Encoding, most = maxPlaces): readonly number[] {
  const unit = encoding === 'utf-16le' || encoding === 'utf-16be' ? 2 : 1
  const places: number[] = []
  for (let at = content.indexOf(text, markOf(encoding).length); at >= 0 && places.length <= most; ) {
    const aligned = at % unit === 0
    if (aligned) places.push(at)
    at = content.indexOf(text, at + (aligned ? text.length : 1))
  }
  return places
}

/** Line ends that are looked at to tell. */
const sampledEnds = 10_000

function lineEndings(content: Buffer, encoding: Encoding): 'lf' | 'crlf' | 'mixed' {
  const feeds = placesOf(encode('\n', encoding) ?? Buffer.from('\n'), content, encoding, sampledEnds)
  const back = encode('\r', encoding) ?? Buffer.from('\r')
  const both = feeds.filter((at) => content.subarray(at - back.length, at).equals(back)).length
  if (both === 0) return 'lf'
  return both === feeds.length ? 'crlf' : 'mixed'
}

function spliced(content: Buffer, edit: Edit): Buffer {
  const after = Buffer.allocUnsafe(content.length + edit.at.length * (edit.new.length - edit.old.length))
  let from = 0
  let to = 0
  for (const at of edit.at) {
    to += content.copy(after, to, from, at)
    to += edit.new.copy(after, to)
    from = at + edit.old.length
  }
  content.copy(after, to, from)
  return after
}

function notFound(path: string, oldText: string): string {
  const hint = oldText.includes('\ufffd')
    ? ' It has U+FFFD, which stands for bytes that are no UTF-8: choose a text without it'
    : ' Read the file again and copy the text exactly, with its white space'
  return `old_string was not found in ${path}.${hint}`
}
