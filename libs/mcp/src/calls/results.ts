// What a server answered a call with, as an outcome. Nothing of it is used without a look at its form.
//   R1. Every kind of content has a block; what is of no known kind is told as text, never dropped in silence.
//   R2. A structured answer is checked against the schema that the server gave for it. One that the text repeats is said once.
//   R3. Bounded: texts by the definition's limit (head and tail, the whole kept by reference), media by bytes.
import { canonicalJson, type ToolContent } from '@reins/contracts'
import { answered, type KeepOutput, resultProblem, type ToolErrorCode, type ToolOutcome } from '@reins/tools'
import { neutral, oneLine } from '../foreign-text.ts'
import { limits } from '../limits.ts'
import { isDeeperThan, isObject } from '../tool-schema.ts'

export interface ResultLimits {
  readonly maxOutputChars: number
  readonly keep: KeepOutput
}

/** `outputSchema`: of the tool, where the server gives one. */
export async function outcomeOf(
  result: unknown,
  outputSchema: Readonly<Record<string, unknown>> | undefined,
  bounds: ResultLimits,
): Promise<ToolOutcome> {
  if (!isObject(result)) return notMcp
  const given = Array.isArray(result.content) ? result.content : []
  const blocks = given.slice(0, limits.blocks).map(blockOf)
  if (given.length > limits.blocks) blocks.push(text(`[${given.length - limits.blocks} further blocks were left out]`))
  const tooDeep = isDeeperThan(result.structuredContent, limits.answerDepth)
  if (tooDeep)
    blocks.push(text(`[a structured answer is left out: it is nested deeper than ${limits.answerDepth} levels]`))
  const structured = tooDeep ? undefined : result.structuredContent
  if (structured !== undefined && !repeats(blocks, structured)) blocks.push({ type: 'json', value: structured })
  const failed = result.isError === true
  const wrong = failed ? null : await mismatch(structured, outputSchema)
  if (wrong !== null)
    blocks.unshift(
      text(`The server answered, but not in the form that it promises for this tool: ${wrong}. Its answer:`),
    )
  if (blocks.length === 0)
    blocks.push(text(failed ? 'The tool failed, and said no more.' : 'Done; the tool answered nothing.'))
  return bounded(withinMedia(blocks), failed || wrong !== null ? 'failed' : undefined, bounds)
}

const notMcp: ToolOutcome = answered(
  [{ type: 'text', text: 'The server answered with something that is no result.' }],
  'failed',
)
const text = (words: string): ToolContent => ({ type: 'text', text: words })

/** R1. */
export function blockOf(block: unknown): ToolContent {
  if (!isObject(block)) return text(`[a part that is no block: ${oneLine(JSON.stringify(block) ?? '', 100)}]`)
  switch (block.type) {
    case 'text':
      return text(typeof block.text === 'string' ? block.text.toWellFormed() : '')
    case 'image':
    case 'audio':
      return mediaOf(block.type, block.data, block.mimeType)
    case 'resource':
      return resourceOf(block.resource)
    case 'resource_link':
      return {
        type: 'link',
        uri: oneLine(String(block.uri ?? ''), 2_000),
        ...(typeof block.name === 'string' ? { name: oneLine(block.name, 200) } : {}),
        ...(typeof block.mimeType === 'string' ? { mimeType: oneLine(block.mimeType, 100) } : {}),
      }
    default:
      return text(`[a block of the kind ${JSON.stringify(oneLine(String(block.type), 60))}, which Reins does not know]`)
  }
}

function mediaOf(type: 'image' | 'audio' | 'file', data: unknown, mimeType: unknown, name?: string): ToolContent {
  const mime =
    typeof mimeType === 'string' && /^[\w.+-]+\/[\w.+-]+/.test(mimeType)
      ? (mimeType.split(';')[0] ?? mimeType).trim()
      : 'application/octet-stream'
  if (typeof data !== 'string' || data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data))
    return text(`[${type}: ${mime}, whose data is no base64]`)
  return type === 'file'
    ? { type, mimeType: mime, data, ...(name === undefined ? {} : { name }) }
    : { type, mimeType: mime, data }
}

/** An embedded resource, or the contents of one that was read. */
export function resourceOf(resource: unknown): ToolContent {
  if (!isObject(resource)) return text('[a resource without contents]')
  const uri = oneLine(String(resource.uri ?? ''), 2_000)
  if (typeof resource.text === 'string') return text(`[${uri}]\n${resource.text.toWellFormed()}`)
  const mime = typeof resource.mimeType === 'string' ? resource.mimeType : ''
  const kind = mime.startsWith('image/') ? 'image' : mime.startsWith('audio/') ? 'audio' : 'file'
  return mediaOf(kind, resource.blob, mime, uri.split('/').at(-1))
}

/** R2. Servers say a structured answer as text too, for clients that know no other. */
function repeats(blocks: readonly ToolContent[], structured: unknown): boolean {
  const same = canonicalJson(structured)
  return blocks.some((block) => {
    if (block.type !== 'text' || !/^\s*[[{]/.test(block.text) || block.text.length > same.length * 4 + 100) return false
    try {
      return canonicalJson(JSON.parse(block.text)) === same
    } catch {
      return false
    }
  })
}

/** The schema is a stranger's, as the value is: the check is bounded in all that it does. One that cannot be compiled promises nothing. */
async function mismatch(
  structured: unknown,
  schema: Readonly<Record<string, unknown>> | undefined,
): Promise<string | null> {
  if (schema === undefined) return null
  if (structured === undefined) return 'there is no structured answer'
  const problem = await resultProblem(schema, structured)
  return problem === undefined ? null : oneLine(problem, 300)
}

/** R3. */
function withinMedia(blocks: readonly ToolContent[]): ToolContent[] {
  let bytes = 0
  return blocks.map((block) => {
    if (!('data' in block) || block.data === undefined) return block
    bytes += Math.floor((block.data.length * 3) / 4)
    return bytes <= limits.mediaBytes
      ? block
      : text(
          `[${block.type}: ${block.mimeType}, left out: more than ${limits.mediaBytes / 1024 / 1024} MB in one result]`,
        )
  })
}

/** R3. */
async function bounded(
  blocks: readonly ToolContent[],
  code: ToolErrorCode | undefined,
  { maxOutputChars, keep }: ResultLimits,
): Promise<ToolOutcome> {
  const whole = answered(blocks, code)
  if (whole.output.length <= maxOutputChars) return whole
  const kept = await keep(Buffer.from(whole.output, 'utf8')).catch(() => ({ ref: undefined, dropped: 0 }))
  const note = `\n\n[… ${whole.output.length - maxOutputChars + 200} characters left out${kept.ref === undefined ? '' : '; the whole is kept'} …]\n\n`
  const room = maxOutputChars - note.length
  const output =
    `${whole.output.slice(0, Math.ceil(room / 2))}${note}${whole.output.slice(-Math.floor(room / 2))}`.toWellFormed()
  const media = blocks.filter((block) => block.type !== 'text' && block.type !== 'json')
  return {
    status: whole.status,
    output,
    truncated: true,
    ...(media.length > 0 ? { content: [text(output), ...media] } : {}),
    ...(code === undefined ? {} : { code }),
    ...(kept.ref === undefined ? {} : { ref: kept.ref }),
  }
}

/** A list of a server (resources, prompts) for the model. */
export const listText = (entries: readonly unknown[], fields: readonly string[]): string =>
  JSON.stringify(
    entries.filter(isObject).map((entry) =>
      Object.fromEntries(
        fields.flatMap((field) => {
          const value = entry[field]
          if (value === undefined || isDeeperThan(value, limits.schemaDepth)) return []
          return [[field, typeof value === 'string' ? neutral(value, limits.descriptionChars) : value]]
        }),
      ),
    ),
  )
