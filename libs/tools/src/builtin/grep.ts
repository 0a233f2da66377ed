// Searches file contents line by line with RE2: a pattern can be hostile, and so can a file; neither can stop the process.
import { closeSync } from 'node:fs'
import { Type } from 'typebox'
import { asFailure, fitting, ToolFailure } from '../calls/outcome.ts'
import { Pace } from '../calls/pace.ts'
import { openText } from '../text/lines.ts'
import { compileGlob, noteOf, maxGlobChars } from '../text/glob.ts'
import { compilePattern, type Pattern } from '../text/pattern.ts'
import { defineTool, stoppedByRunner } from '../tool.ts'
import { entersBulky, walk } from '../workspace/walk.ts'
import { Workspace } from '../workspace/workspace.ts'

const maxMatches = 1_000
/** Characters of a line that are searched, at most and where the pattern is small; and that are shown. */
const maxSearchedChars = 64 * 1024
const shownChars = 400

interface Match {
  readonly file: string
  readonly line: number
  readonly content: string
}

interface Search {
  readonly pattern: Pattern
  /** Characters of a line. */
  readonly within: number
  readonly pace: Pace
  readonly matches: Match[]
  more: boolean
  searched: number
  binary: number
  unread: number
  longLines: number
}

export const grep = defineTool(
  {
    name: 'grep',
    group: 'search',
    description:
      'Search the contents of files for a regular expression (RE2 syntax; (?i) in front ignores case). Answers with file, line number (from 1) and line. Skips binary files, and .git and node_modules unless path or include names them. Stops after 1000 matches.',
    parameters: Type.Object(
      {
        pattern: Type.String({
          minLength: 1,
          description: 'A regular expression in RE2 syntax, matched within single lines.',
        }),
        path: Type.Optional(
          Type.String({
            maxLength: 4096,
            description: 'The folder or file to search, relative to the workspace. Default: the workspace.',
          }),
        ),
        include: Type.Optional(
          Type.String({
            maxLength: maxGlobChars,
            description:
              'A glob for the files to search, as find_files has it: *.ts matches file names, src/**/*.ts paths. Default: all files.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    replay: 'safe',
    risk: 'read',
    time: stoppedByRunner,
  },
  async ({ pattern, path = '', include = '' }, context) => {
    const compiled = compilePattern(pattern)
    if (compiled.kind === 'malformed')
      throw new ToolFailure('invalid-arguments', `"pattern" is malformed: ${compiled.message}`)
    const glob = include === '' ? undefined : compileGlob(include, '"include"')
    if (glob?.malformed !== undefined) throw new ToolFailure('invalid-arguments', glob.malformed)
    const included = glob?.matches ?? (() => true)
    const byName = !include.includes('/')
    using workspace = new Workspace(context.workspace, context.guard)
    using found = workspace.locate(path)
    const pace = new Pace(context.signal)
    const search: Search = {
      pattern: compiled.pattern,
      within: Math.min(maxSearchedChars, compiled.pattern.textWithin),
      pace,
      matches: [],
      more: false,
      searched: 0,
      binary: 0,
      unread: 0,
      longLines: 0,
    }
    if (found.kind === 'folder') {
      const skip = found.relative === '' ? 0 : found.relative.length + 1
      const options = {
        enter: entersBulky(path, include),
        unread: () => {
          search.unread += 1
        },
      }
      for await (const { path: at, entry } of walk(workspace, found.node, found.relative, pace, options)) {
        if (entry.kind !== 'file') continue
        if (byName ? !included(entry.name) : !included(at.slice(skip)) && !included(at)) continue
        await searchFile(search, at, () => workspace.readEntry(entry.node))
        if (search.more) break
      }
    } else {
      await searchFile(search, found.relative, () => workspace.openFile(found), true)
      if (search.binary > 0) throw new ToolFailure('failed', `is a binary file: ${found.relative}`)
    }
    const notes = notesOf(search, pattern, include)
    return fitting(search.matches, context.settings.maxOutputChars, (matches) => ({
      matches,
      files_searched: search.searched,
      ...(search.binary > 0 ? { binary_files_skipped: search.binary } : {}),
      ...(search.unread > 0 ? { not_read: search.unread } : {}),
      ...(notes.length > 0 ? { note: notes.join('. ') } : {}),
      ...(search.more || matches.length < search.matches.length
        ? {
            truncated: true,
            ...(search.more ? {} : { total: search.matches.length }),
            next: 'narrow the pattern, the path or include',
          }
        : {}),
    }))
  },
)

/** Why something may not have been found. */
function notesOf(
  { matches, searched, longLines, within }: Search,
  pattern: string,
  include: string,
): readonly string[] {
  const notes = longLines > 0 ? [`${longLines} lines were searched in their first ${within} characters only`] : []
  if (matches.length > 0) return notes
  if (/\n|(?:^|[^\\])(?:\\\\)*\\n/.test(pattern))
    notes.push('lines are searched one by one, so nothing with an end of a line in it is found')
  const glob = searched === 0 ? noteOf(include) : undefined
  return glob === undefined ? notes : [...notes, glob]
}

async function searchFile(search: Search, file: string, open: () => number, named = false): Promise<void> {
  let fd: number
  try {
    fd = open()
  } catch (error) {
    if (named) throw asFailure(error, file)
    search.unread += 1
    return
  }
  try {
    const text = openText(fd)
    if (text === undefined) {
      search.binary += 1
      return
    }
    search.searched += 1
    let number = 0
    for await (const line of text.lines(search.within, search.pace)) {
      number += 1
      if (search.pace.due) await search.pace.rest()
      if (line.cut > 0) search.longLines += 1
      const at = search.pattern.indexIn(line.text)
      if (at < 0) continue
      if (search.matches.length === maxMatches) {
        search.more = true
        return
      }
      search.matches.push({ file, line: number, content: excerpt(line.text, at) })
    }
  } finally {
    closeSync(fd)
  }
}

function excerpt(line: string, at: number): string {
  if (line.length <= shownChars) return line
  const from = Math.max(0, Math.min(at - shownChars / 4, line.length - shownChars))
  return `${from > 0 ? '…' : ''}${line.slice(from, from + shownChars)}${from + shownChars < line.length ? '…' : ''}`.toWellFormed()
}
