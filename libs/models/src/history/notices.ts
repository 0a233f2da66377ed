// What a model should know now, behind the newest message of a conversation. Pure.
//   N1. All messages above stay as they are, and of the newest one all that it said: so a provider's cache of what came before holds.
import type { ModelMessage } from '@reins/contracts'

export function withNotices(
  messages: readonly ModelMessage[],
  notices: readonly string[] | undefined,
): readonly ModelMessage[] {
  const last = messages.at(-1)
  if (!notices || notices.length === 0 || !last || last.role === 'assistant') return messages
  const said = notices.join('\n')
  return [...messages.slice(0, -1), last.role === 'user' ? told(last, said) : toldInResult(last, said)]
}

type Of<R extends ModelMessage['role']> = Extract<ModelMessage, { role: R }>

const told = (message: Of<'user'>, said: string): ModelMessage => ({
  ...message,
  content: [...message.content, { type: 'text', text: said }],
})

const toldInResult = (message: Of<'tool'>, said: string): ModelMessage => ({
  ...message,
  output: `${message.output}\n\n${said}`,
  ...(message.content ? { content: [...message.content, { type: 'text', text: said }] } : {}),
})
