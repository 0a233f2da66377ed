// What a model is told and given by its session itself, beside what the definition says: libs/session says what (`offered`).
import type { ModelMessage } from '@reins/contracts'
import { offered, type Session } from '@reins/session'
import type { Settings } from './definitions.ts'

export function withOffered(known: Settings, session: Session): Settings {
  if (known.kind === 'unusable') return known
  const { tools, sections, notices } = offered(session)
  if (tools.length + sections.length + notices.length === 0) return known
  const { settings } = known
  const own = new Set(tools.map(({ name }) => name))
  return {
    kind: 'known',
    settings: {
      ...settings,
      // The session routes calls by name, so a name of its own is its own.
      tools: [...settings.tools.filter(({ name }) => !own.has(name)), ...tools],
      system: [settings.system, ...sections].join('\n\n'),
      notices,
    },
  }
}

/** The conversation with what the model should know now at its end, where it leaves all that is above as it was. */
export function withNotices(messages: readonly ModelMessage[], notices: readonly string[]): readonly ModelMessage[] {
  const last = messages.at(-1)
  if (notices.length === 0 || !last || last.role === 'assistant') return messages
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
