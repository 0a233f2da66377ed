// What people, models and tools say to each other, independent of any provider's wire format.
import { type Static, Type } from 'typebox'

export const TextPart = Type.Object({ type: Type.Literal('text'), text: Type.String() })
export type TextPart = Static<typeof TextPart>

/** What a person or a program sends into a session. Images stand beside it (images.attached). */
export const UserContent = Type.Array(TextPart, { minItems: 1, maxItems: 64 })
export type UserContent = Static<typeof UserContent>

/**
 * What a provider wants to have back word for word beside a block, in its own form (signatures, reasoning details). It goes to the
 * model that made it, `provider/model`, and to no other.
 */
export const ProviderData = Type.Object({ model: Type.String(), data: Type.Record(Type.String(), Type.Unknown()) })
export type ProviderData = Static<typeof ProviderData>

/** The model's thinking. `opaque` is the provider's signature or encrypted form; it goes back to the same provider untouched. */
export const ReasoningBlock = Type.Object({
  type: Type.Literal('reasoning'),
  text: Type.String(),
  opaque: Type.Optional(Type.String()),
  provided: Type.Optional(ProviderData),
})
export type ReasoningBlock = Static<typeof ReasoningBlock>

/**
 * A tool call as the model asked for it. `call` is Reins' id of the call (unique in its session); `providerCall` is the provider's.
 * Where the model wrote arguments that are no JSON object, `arguments` is `{}` and `malformed` holds the text.
 */
export const ToolCallBlock = Type.Object({
  type: Type.Literal('tool-call'),
  call: Type.String(),
  providerCall: Type.Optional(Type.String()),
  name: Type.String(),
  arguments: Type.Record(Type.String(), Type.Unknown()),
  malformed: Type.Optional(Type.String()),
  provided: Type.Optional(ProviderData),
})
export type ToolCallBlock = Static<typeof ToolCallBlock>

/** Bytes of a block: base64 in `data`, or kept in the object store under `ref`. Exactly one of the two is there. */
const media = {
  mimeType: Type.String(),
  data: Type.Optional(Type.String()),
  ref: Type.Optional(Type.String()),
  /** Of what `ref` names. */
  bytes: Type.Optional(Type.Integer({ minimum: 0 })),
}

export const ImagePart = Type.Object({ type: Type.Literal('image'), ...media })
export type ImagePart = Static<typeof ImagePart>

/**
 * One block of a tool's result. A provider gets each in its own form; what its form has no place for is told as text. `file` is what is
 * neither text nor an image nor audio, such as a PDF.
 */
export const ToolContent = Type.Union([
  TextPart,
  Type.Object({ type: Type.Literal('json'), value: Type.Unknown() }),
  ImagePart,
  Type.Object({ type: Type.Literal('audio'), ...media }),
  Type.Object({ type: Type.Literal('file'), ...media, name: Type.Optional(Type.String()) }),
  Type.Object({
    type: Type.Literal('link'),
    uri: Type.String(),
    name: Type.Optional(Type.String()),
    mimeType: Type.Optional(Type.String()),
  }),
])
export type ToolContent = Static<typeof ToolContent>

export const AssistantBlock = Type.Union([TextPart, ReasoningBlock, ToolCallBlock])
export type AssistantBlock = Static<typeof AssistantBlock>

/** Tokens. `inputTokens` includes what was read from and written to the provider's cache; `outputTokens` includes reasoning. */
export const Usage = Type.Object({
  inputTokens: Type.Integer({ minimum: 0 }),
  outputTokens: Type.Integer({ minimum: 0 }),
  cacheReadTokens: Type.Integer({ minimum: 0 }),
  cacheWriteTokens: Type.Integer({ minimum: 0 }),
  reasoningTokens: Type.Integer({ minimum: 0 }),
})
export type Usage = Static<typeof Usage>

export const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
}

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  }
}
