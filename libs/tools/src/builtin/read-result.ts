// Reads on in a result that was too long for one answer. It is offered to an agent that has tools whose results can be.
//   RR1. A reference is good in its own session alone, for as long as results are kept.
//   RR2. A kept result is bounded when it is kept, so that all of it may be in memory for a moment.
import { Type } from 'typebox'
import type { ReadKept } from '../calls/context.ts'
import { fittingText, succeeded, ToolFailure, type ToolOutcome } from '../calls/outcome.ts'
import { readResultName } from '../output/long-results.ts'
import type { AskedTools, ToolSpec } from '../source.ts'
import { parseArguments, stoppedByRunner } from '../tool.ts'

const defaultChars = 20_000
/** RR2. */
const mostBytes = 64 * 1024 * 1024

const parameters = Type.Object(
  {
    ref: Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'The reference that the cut result names: sha256-…',
    }),
    offset: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Characters to skip first. Default 0. next_offset of an answer reads on.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, description: `Characters to read at most. Default ${defaultChars}.` }),
    ),
    find: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_000,
        description: 'A text, as it stands there: reading begins a little before its first place behind offset.',
      }),
    ),
  },
  { additionalProperties: false },
)

export const readResultSpec: ToolSpec = {
  name: readResultName,
  description:
    'Read a part of a result that was too long and was shown with its head and tail only. Answers with the text from offset on, the total length, and next_offset where there is more.',
  parameters: parameters as unknown as ToolSpec['parameters'],
  replay: 'safe',
  risk: 'read',
  time: stoppedByRunner(30_000),
}

/** Whether a definition has tools whose results can be too long: its shell, tools of its own files, files of skills, tools of servers. */
export function mayCutResults(
  { tools = [], tools_file, mcp_servers = [], skills_dir }: AskedTools,
  builtin: readonly string[],
): boolean {
  const ownFile = tools.some((entry) => typeof entry === 'object' && Object.keys(entry).includes('file'))
  const others = tools_file !== undefined || skills_dir !== undefined || mcp_servers.length > 0
  return builtin.includes('shell') || ownFile || others
}

/** Text before what was found, so that it is not out of its place. */
const before = 200

export async function readResult(args: unknown, read: ReadKept | undefined, maxChars: number): Promise<ToolOutcome> {
  const { ref, offset = 0, limit = defaultChars, find } = parseArguments(parameters, args)
  const kept = /^sha256-[0-9a-f]{64}$/.test(ref) ? await read?.(ref) : undefined
  if (kept === undefined)
    throw new ToolFailure(
      'not-found',
      `no result is kept as ${JSON.stringify(ref)}: it never was, or it was too long ago. Run the tool again`,
    )
  const text = await textOf(kept.bytes)
  if (offset > text.length || (offset === text.length && offset > 0))
    throw new ToolFailure(
      'invalid-arguments',
      `"offset" ${offset} is behind the end: the result has ${text.length} characters`,
    )
  const found = find === undefined ? offset : text.indexOf(find, offset)
  if (found < 0) return succeeded({ ref, found: false, total_chars: text.length })
  const from = find === undefined ? offset : Math.max(offset, found - before)
  return fittingText(maxChars, (chars) => {
    const content = text.slice(from, from + Math.min(limit, chars)).toWellFormed()
    const next = from + content.length
    return succeeded({
      ref,
      offset: from,
      ...(find === undefined ? {} : { found_at: found }),
      content,
      total_chars: text.length,
      ...(next < text.length ? { next_offset: next } : {}),
    })
  })
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > mostBytes) break
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
