import { closeSync } from 'node:fs'
import { Type } from 'typebox'
import { succeeded, ToolFailure } from '../calls/outcome.ts'
import { Pace } from '../calls/pace.ts'
import { openText } from '../text/lines.ts'
import { defineTool, pathTarget, stoppedByRunner } from '../tool.ts'
import { Workspace } from '../workspace/workspace.ts'

/** A longer file is read as far as asked; its lines are not counted to the end. */
const countedBytes = 64 * 1024 * 1024

export const readFile = defineTool(
  {
    name: 'read_file',
    group: 'files',
    description:
      'Read a text file of the workspace. Answers with its content and number of lines. Read a long file in parts, by offset and limit. Line endings are shown as \\n; binary files are refused.',
    parameters: Type.Object(
      {
        path: Type.String({
          minLength: 1,
          maxLength: 4096,
          description: 'The file: relative to the workspace, or absolute inside of it.',
        }),
        offset: Type.Optional(
          Type.Integer({ minimum: 0, description: 'Lines to skip first; 0 begins at the first line. Default 0.' }),
        ),
        limit: Type.Optional(
          Type.Integer({ minimum: 0, description: 'Lines to read at most; 0 reads to the end. Default 0.' }),
        ),
      },
      { additionalProperties: false },
    ),
    replay: 'safe',
    risk: 'read',
    target: pathTarget,
    time: stoppedByRunner,
  },
  async ({ path, offset = 0, limit = 0 }, context) => {
    using workspace = new Workspace(context.workspace, context.guard)
    using found = workspace.locate(path)
    const fd = workspace.openFile(found)
    try {
      const text = openText(fd)
      if (text === undefined)
        throw new ToolFailure(
          'failed',
          `is a binary file: ${found.relative}. Use the shell to look into it, for example with file or xxd`,
        )
      const last = limit === 0 ? Number.POSITIVE_INFINITY : offset + limit
      let room = context.settings.maxOutputChars - JSON.stringify(found.relative).length - 400
      let content = ''
      let number = 0
      let next: number | undefined
      let crlf = false
      let cutLine: { line: number; chars: number } | undefined
      let counted = true
      for await (const line of text.lines(context.settings.maxOutputChars, new Pace(context.signal))) {
        if (number >= offset && number < last && next === undefined) {
          crlf ||= line.crlf
          const whole = line.ended ? `${line.text}\n` : line.text
          const cost = JSON.stringify(whole).length - 2
          if (cost <= room && line.cut === 0) {
            content += whole
            room -= cost
          } else if (content === '') {
            content = headWithin(line.text, room)
            cutLine = { line: number, chars: line.text.length + line.cut }
            next = number + 1
          } else next = number
        }
        number += 1
        if ((next !== undefined || number >= last) && text.bytes > countedBytes) {
          counted = false
          break
        }
      }
      if (offset > 0 && offset >= number && counted) {
        throw new ToolFailure(
          'invalid-arguments',
          `"offset" ${offset} is behind the end: ${found.relative} has ${number} lines`,
        )
      }
      const truncated = next !== undefined && (next < Math.min(number, last) || cutLine !== undefined || !counted)
      return succeeded({
        path: found.relative,
        content,
        ...(counted ? { lines: number } : { lines_at_least: number, bytes: text.bytes }),
        ...(crlf ? { line_endings: 'crlf' } : {}),
        ...(text.encoding === 'utf-8' ? {} : { encoding: text.encoding }),
        ...(truncated ? { truncated, next_offset: next } : {}),
        ...(cutLine === undefined
          ? {}
          : {
              note: `line ${cutLine.line} (counted from 0) has ${cutLine.chars} characters, of which the first are shown; use grep or the shell for the rest of it`,
            }),
      })
    } finally {
      closeSync(fd)
    }
  },
)

/** As much of a text's head as fits `room` characters of JSON. */
function headWithin(text: string, room: number): string {
  let head = text.slice(0, Math.max(0, room))
  while (head !== '' && JSON.stringify(head).length - 2 > room) head = head.slice(0, Math.floor(head.length * 0.7))
  return head
}
