// What streams past while an answer or a tool's output is being made: on LIVE, never in the log.
import { type Static, Type } from 'typebox'

/**
 * Characters [offset, offset + text.length) of one block, in UTF-16 units; redacted before offsets are counted.
 * `output` is a tool's live output (role t); everything else is a model's (role e). `call` is the model call's or tool call's id.
 * `tool` and `toolCall` stand on `arguments` deltas: the name of the tool and the provider's id of the call.
 */
export const Delta = Type.Object(
  {
    call: Type.String(),
    attempt: Type.Integer({ minimum: 1 }),
    block: Type.Integer({ minimum: 0 }),
    kind: Type.Union([
      Type.Literal('text'),
      Type.Literal('reasoning'),
      Type.Literal('arguments'),
      Type.Literal('output'),
    ]),
    offset: Type.Integer({ minimum: 0 }),
    text: Type.String(),
    tool: Type.Optional(Type.String()),
    toolCall: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type Delta = Static<typeof Delta>

/** By hand: there are tens of thousands a second. */
function isDelta(value: Partial<Record<keyof Delta, unknown>>): value is Delta {
  const { call, attempt, block, kind, offset, text, tool, toolCall } = value
  return (
    typeof text === 'string' &&
    typeof call === 'string' &&
    (kind === 'text' || kind === 'reasoning' || kind === 'arguments' || kind === 'output') &&
    isCount(attempt) &&
    isCount(block) &&
    isCount(offset) &&
    (tool === undefined || typeof tool === 'string') &&
    (toolCall === undefined || typeof toolCall === 'string')
  )
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

/** undefined: it is none. */
export function decodeDelta(body: string): Delta | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && isDelta(value) ? value : undefined
  } catch {
    return undefined
  }
}
