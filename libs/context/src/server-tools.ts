// What a model is told of a session's servers: their tools, as the log has them, and which servers are not there. No server is asked.
import { type Session, serverTools } from '@reins/session'
import type { CallSettings } from './definitions.ts'
import { told } from './told-tools.ts'

export function withServers(settings: CallSettings, { servers, born }: Session): CallSettings {
  if (!servers) return settings
  const own = new Set(settings.tools.map(({ name }) => name))
  const offered = serverTools(servers).flatMap(({ tool }) =>
    own.has(tool.name) || !Object.hasOwn(born?.tools ?? {}, tool.name) ? [] : [told(tool)],
  )
  const gone = servers.all.flatMap(({ server, optional, state }) =>
    state.kind === 'unavailable' && !optional ? [`- ${server}: ${state.reason}`] : [],
  )
  return {
    ...settings,
    tools: [...settings.tools, ...offered],
    system: gone.length === 0 ? settings.system : `${settings.system}\n\n${notThere}\n${gone.join('\n')}`,
  }
}

const notThere =
  'These MCP servers are not available now, so their tools are missing. Where the task needs them, say so and give the reason:'
