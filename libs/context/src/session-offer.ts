// What a model is told and given by its session itself, beside what the definition says: libs/session says what (`offered`).
import { offered, type Session } from '@reins/session'
import type { CallSettings } from './definitions.ts'

export function withOffered(settings: CallSettings, session: Session): CallSettings {
  const { tools, sections, notices } = offered(session)
  if (tools.length + sections.length + notices.length === 0) return settings
  const own = new Set(tools.map(({ name }) => name))
  return {
    ...settings,
    // The session routes calls by name, so a name of its own is its own.
    tools: [...settings.tools.filter(({ name }) => !own.has(name)), ...tools],
    system: [settings.system, ...sections].join('\n\n'),
    notices,
  }
}
