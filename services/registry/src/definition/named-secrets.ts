// Secrets that a definition names: to give an agent one that it does not have yet needs a permission for that secret.
//   NS1. An MCP server is sent what its entry names. A secret at another server is one that the agent does not have yet there: whoever may
//        change an agent could otherwise have its secrets sent to a server of their own.
import { type AgentDefinition, ReinsError, segmentOf } from '@reins/contracts'
import { secretNamesIn } from '@reins/secrets'

/** Throws forbidden. Called for who may not use every secret. */
export function mustHaveSecrets(
  definition: AgentDefinition,
  current: AgentDefinition | undefined,
  may: readonly string[],
): void {
  const had = new Set(current ? usesOf(current).map(keyOf) : [])
  for (const use of usesOf(definition)) {
    if (had.has(keyOf(use)) || may.includes(use.secret)) continue
    const permission = `secret:use:${segmentOf(use.secret)}`
    const what =
      use.server === undefined
        ? `names the secret ${use.secret}, which the agent does not have yet`
        : `sends the secret ${use.secret} to ${use.server.slice(0, 200)}, which the agent does not do yet`
    throw new ReinsError('forbidden', `The definition ${what}. That needs the permission ${permission}.`, {
      details: { permission },
    })
  }
}

/** Throws forbidden. The same of the secrets that a project declares. */
export function mustHaveDeclared(
  declared: readonly string[],
  current: readonly string[],
  may: readonly string[],
): void {
  const secret = declared.find((name) => !current.includes(name) && !may.includes(name))
  if (secret === undefined) return
  const permission = `secret:use:${segmentOf(secret)}`
  throw new ReinsError(
    'forbidden',
    `reins.config.ts names the secret ${secret}, which the project does not have yet. That needs the permission ${permission}.`,
    { details: { permission } },
  )
}

interface Use {
  readonly secret: string
  /** NS1: its url, or its command. */
  readonly server?: string
}

function usesOf({ mcp_servers: servers = [], ...rest }: AgentDefinition): readonly Use[] {
  return [
    ...[...secretNamesIn(rest)].map((secret) => ({ secret })),
    ...servers.flatMap((entry) => {
      const server = entry.url ?? JSON.stringify([entry.command, ...(entry.args ?? [])])
      return [...secretNamesIn(entry)].map((secret) => ({ secret, server }))
    }),
  ]
}

const keyOf = ({ secret, server }: Use): string => JSON.stringify([secret, server])
