// The messages that a model is sent of a session. Messages keep their identity: what is the same from call to call is the same object.
import { estimateTokens, type ModelMessage, skillToolNames } from '@reins/contracts'
import type { Session } from '../session.ts'
import { contextOf, type Summary } from './context.ts'

/** Characters of an old result that are still sent; shorter ones stay as they are. */
export const prunedChars = 200

type ToolMessage = Extract<ModelMessage, { role: 'tool' }>

/** All that is sent; with `to` only what stands for messages before that position. */
export function projected(session: Session, to?: number): readonly ModelMessage[] {
  if (!session.context && to === undefined) return session.transcript.toArray()
  const { forgotten, summary, pruned } = contextOf(session)
  const start = (summary?.to ?? 0) - forgotten
  const rest = session.transcript.slice(start, to === undefined ? undefined : to - forgotten)
  const shorter = pruned - forgotten - start
  const messages =
    shorter > 0
      ? rest.map((message, at) => (at < shorter && message.role === 'tool' ? shortened(message) : message))
      : rest
  return summary ? [messageOf(summary), ...messages] : messages
}

/** Tokens, estimated. */
export const conversationSize = (session: Session): number =>
  projected(session).reduce((sum, message) => sum + estimateTokens(message), 0)

const short = new WeakMap<ModelMessage, ToolMessage>()

/** The beginning of an old result; its images and files are named no more. The instructions of a skill stay whole: it may be in use. */
export function shortened(message: ToolMessage): ToolMessage {
  if (message.output.length <= prunedChars && !message.content) return message
  if (message.name === skillToolNames.use) return message
  const known = short.get(message)
  if (known) return known
  const { content: _, ...rest } = message
  const begins = message.output.slice(0, prunedChars).toWellFormed()
  const more = message.output.length - begins.length
  const made =
    more > 0 ? { ...rest, output: `${begins}\n[… ${more} more characters of this old result were left out]` } : rest
  short.set(message, made)
  return made
}

const messages = new WeakMap<Summary, ModelMessage>()

function messageOf(summary: Summary): ModelMessage {
  const known = messages.get(summary)
  if (known) return known
  const { text, pins, kept, keptImages, how } = summary
  const head =
    how === 'summary'
      ? 'This is a summary of the conversation so far. The whole is kept, but you no longer see it.'
      : 'The beginning of the conversation is no longer shown to you.'
  const parts = [`[${head}]`, text, ...pins]
  if (kept) parts.push('[What follows is the latest message of the person, word for word. You are working on it.]')
  const made: ModelMessage = {
    role: 'user',
    content: [{ type: 'text', text: parts.join('\n\n') }, ...(kept ?? [])],
    ...(keptImages ? { images: keptImages } : {}),
  }
  messages.set(summary, made)
  return made
}
