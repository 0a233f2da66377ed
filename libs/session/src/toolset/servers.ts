// What a session knows of the servers that its definition names: part of its state, absent where there are none.
//   V1. What the log says is all there is: a replay asks no server. The tools that a turn has are those of the latest answer before it.
//   V2. A turn never waits for ever: a request has a timer, and where that fires the turn goes on with what there is.
//   V3. A server that is not there costs its own tools and nothing else.
import type { PinnedTool, ServerTool } from '@reins/contracts'
import type { Born, Session } from '../session.ts'

export type ServerState =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'ready'
      readonly digest: string
      readonly tools: readonly ServerTool[]
      readonly notes: readonly string[]
    }
  | { readonly kind: 'unavailable'; readonly reason: string }

export interface Server {
  readonly server: string
  readonly optional: boolean
  readonly state: ServerState
}

export type Asking =
  /** Never asked. */
  | { readonly kind: 'unasked' }
  | { readonly kind: 'asked'; readonly request: string; readonly turn: string; readonly timer: string }
  /** Its time is over: what the turn goes on with is due. */
  | { readonly kind: 'overdue'; readonly request: string; readonly turn: string }
  /** `stale`: a server has said since that it has other tools. */
  | { readonly kind: 'answered'; readonly turn: string; readonly stale: boolean }

export interface Servers {
  readonly all: readonly Server[]
  /** For whom they are asked: whoever started the session. */
  readonly principal: string
  /** ms */
  readonly wait: number
  readonly asking: Asking
}

export const sourceOf = (server: string): string => `mcp:${server}`
const isOfServer = (tool: PinnedTool): boolean => tool.source.startsWith('mcp:')

/** All tools of servers that can be called now. */
export const serverTools = ({ all }: Servers): readonly { readonly server: string; readonly tool: ServerTool }[] =>
  all.flatMap(({ server, state }) => (state.kind === 'ready' ? state.tools.map((tool) => ({ server, tool })) : []))

/** The session's tools are those that it was born with, and those of its servers. A name that another source has stays that one's. */
export function withServers(session: Session & { readonly born: Born }, servers: Servers): Session {
  const { born } = session
  const own = (born.toolset ?? []).filter((tool) => !isOfServer(tool))
  const ofServers = new Set((born.toolset ?? []).filter(isOfServer).map(({ name }) => name))
  const tools = new Map(Object.entries(born.tools).filter(([name]) => !ofServers.has(name)))
  const pinned: PinnedTool[] = [...own]
  for (const { server, tool } of serverTools(servers)) {
    if (tools.has(tool.name)) continue
    const { name, replay, risk, digest, approval } = tool
    tools.set(name, replay)
    pinned.push({
      ...{ name, source: sourceOf(server), replay, risk, digest },
      ...(approval === undefined ? {} : { approval }),
    })
  }
  return { ...session, servers, born: { ...born, tools: Object.fromEntries(tools), toolset: pinned } }
}

/** Why a call of this name cannot be answered: it belongs to a server that is not there. null: it belongs to none. */
export function whyUnavailable(servers: Servers | undefined, name: string): string | null {
  for (const { server, state } of servers?.all ?? [])
    if (state.kind === 'unavailable' && name.startsWith(`mcp__${server}__`))
      return `The MCP server "${server}" is not available: ${state.reason}`
  return null
}
