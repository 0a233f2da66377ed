// What a model is told of a session's servers: their tools, as the log has them, and which servers are not there. No server is asked.
import { type Session, serverTools } from '@reins/session'
import type { Settings } from './definitions.ts'

export function withServers(known: Settings, { servers, born }: Session): Settings {
  if (known.kind === 'unusable' || !servers) return known
  const { settings } = known
  const own = new Set(settings.tools.map(({ name }) => name))
  const offered = serverTools(servers).flatMap(({ tool: { name, description, parameters } }) =>
    own.has(name) || !Object.hasOwn(born?.tools ?? {}, name) ? [] : [{ name, description, parameters }],
  )
  const gone = servers.all.flatMap(({ server, optional, state }) =>
    state.kind === 'unavailable' && !optional ? [`- ${server}: ${state.reason}`] : [],
  )
  return {
    kind: 'known',
    settings: {
      ...settings,
      tools: [...settings.tools, ...offered],
      system: gone.length === 0 ? settings.system : `${settings.system}\n\n${notThere}\n${gone.join('\n')}`,
    },
  }
}

const notThere =
  'These MCP servers are not available now, so their tools are missing. Where the task needs them, say so and give the reason:'
