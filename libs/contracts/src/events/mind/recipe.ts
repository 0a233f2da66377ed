// What a model was sent, as the log says it: a recipe and digests, never the text itself. The text follows from the session's own events
// and from its pinned definition; libs/context makes it again.
import { type Static, Type } from 'typebox'

const digest = Type.String({ minLength: 1, maxLength: 64 })
const tokens = Type.Integer({ minimum: 0 })

export const PromptRecipe = Type.Object({
  /** Of all that was sent, without the bytes of images and files; `parts` say which part it is where two do not agree. */
  digest,
  parts: Type.Object({ system: digest, tools: digest, messages: digest, notices: Type.Optional(digest) }),
  /** How many messages it had. */
  messages: tokens,
  /** Estimated before it was sent: of system prompt and tools, and of the whole. */
  fixed: tokens,
  tokens,
  /** Of the model, as its caller knew it; input and output together. */
  window: tokens,
  /** Kept free of it for the answer, where there is so much. */
  answer: tokens,
  /** The last resort: so many messages, from the oldest of those that were to be sent, were left out. */
  dropped: Type.Optional(tokens),
  /** The last resort: results of tools were cut to so many characters. */
  cut: Type.Optional(tokens),
})
export type PromptRecipe = Static<typeof PromptRecipe>
