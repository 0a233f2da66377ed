// How many tokens a message or a tool takes, about: before a provider has counted them. Each is counted once (objects are immutable and
// keep their identity from call to call).
import { isMedia } from '../tool-content.ts'
import type { ProviderData } from '../events/content.ts'
import type { ModelMessage, ToolSpec } from '../model.ts'

const messageTokens = new WeakMap<ModelMessage, number>()
const toolTokens = new WeakMap<ToolSpec, number>()

/** What a provider adds around a message or a tool. */
const overhead = 8
/** What an image costs, and a page or a minute of sound about as much, as if it were text. */
const mediaCharacters = 6_400

/** Four characters a token: close for English and code, and wrong in the safe direction for few. */
export const estimateText = (text: string): number => Math.ceil(text.length / 4)

export function estimateTokens(message: ModelMessage): number {
  const known = messageTokens.get(message)
  if (known !== undefined) return known
  const estimate = overhead + Math.ceil(characters(message) / 4)
  messageTokens.set(message, estimate)
  return estimate
}

export function estimateTool(tool: ToolSpec): number {
  const known = toolTokens.get(tool)
  if (known !== undefined) return known
  const estimate =
    overhead + Math.ceil((tool.name.length + tool.description.length + JSON.stringify(tool.parameters).length) / 4)
  toolTokens.set(tool, estimate)
  return estimate
}

function characters(message: ModelMessage): number {
  switch (message.role) {
    case 'user':
      return message.content.reduce(
        (sum, part) => sum + part.text.length,
        mediaCharacters * (message.images?.length ?? 0),
      )
    case 'tool':
      return message.output.length + mediaCharacters * (message.content?.filter(isMedia).length ?? 0)
    case 'assistant':
      return message.content.reduce((sum, block) => {
        switch (block.type) {
          case 'text':
            return sum + block.text.length
          case 'reasoning':
            return sum + block.text.length + (block.opaque?.length ?? 0) + providedLength(block)
          case 'tool-call':
            return (
              sum + block.name.length + JSON.stringify(block.arguments).length + overhead * 4 + providedLength(block)
            )
          default:
            return block satisfies never
        }
      }, 0)
    default:
      return message satisfies never
  }
}

function providedLength({ provided }: { readonly provided?: ProviderData }): number {
  return provided === undefined ? 0 : JSON.stringify(provided.data).length
}
