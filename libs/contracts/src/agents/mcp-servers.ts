// `mcp_servers` of a definition: MCP servers whose tools an agent has. What a schema cannot say of them (which fields go together, that
// names are unique) is said here, once: the registry refuses by it, and the tool-runner connects by it.
//   P1. Secrets stand in a definition by name only.
//   P2. What was accepted resolves: a server has a name, one way to reach it, and its times.
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

export const mcpDefaults = {
  timeoutSeconds: 60,
  connectSeconds: 10,
  elicitationSeconds: 86_400,
  maxOutputChars: 100_000,
} as const

const SecretName = Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$' })
const Value = Type.String({ maxLength: 8_192, pattern: '^[^\\u0000\\r\\n]*$' })
const ToolPattern = Type.String({ minLength: 1, maxLength: 200 })
const ToolPatterns = Type.Array(ToolPattern, { maxItems: 500 })

export const McpServer = Type.Object(
  {
    url: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4_096, description: 'Where the server listens (http or https)' }),
    ),
    name: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$',
        maxLength: 32,
        description: 'Stands in the names of its tools. Default: the host of the url, or the name of the command',
      }),
    ),
    auth: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: '`bearer`: send the secret as a token' }),
    ),
    secret: Type.Optional({ ...SecretName, description: 'The name of the secret that holds the token' }),
    headers: Type.Optional(
      Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$" }), Value, {
        description: 'Further headers of each request; a value `secret:NAME` is read from that secret',
      }),
    ),
    command: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        pattern: '^[^\\u0000]+$',
        description: 'A program that speaks MCP over stdin and stdout, instead of a url',
      }),
    ),
    args: Type.Optional(
      Type.Array(Type.String({ maxLength: 8_192, pattern: '^[^\\u0000]*$' }), {
        maxItems: 200,
        description: 'Arguments of the command',
      }),
    ),
    env: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }), Value, {
        description: 'All that is in the environment of the command; a value `secret:NAME` is read from that secret',
      }),
    ),
    workspace: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        pattern: '^[^\\u0000]+$',
        description: 'The folder of the command, the only one that it may change. Default: as for tools',
      }),
    ),
    network: Type.Optional(
      Type.Boolean({ description: 'Let the command use the network, if the operator allows it. Default false' }),
    ),
    tools: Type.Optional(
      Type.Object(
        { allow: Type.Optional(ToolPatterns), deny: Type.Optional(ToolPatterns) },
        { ...closed, description: 'Which of its tools the agent gets, by their names at the server; `*` is any text' },
      ),
    ),
    timeout: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 86_400,
        description: `Seconds that a call may take. Default ${mcpDefaults.timeoutSeconds}`,
      }),
    ),
    connect_timeout: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 120,
        description: `Seconds until the server has said what it has. Default ${mcpDefaults.connectSeconds}`,
      }),
    ),
    elicitation_timeout: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 2_592_000,
        description: `Seconds that a question of the server waits for a person. Default ${mcpDefaults.elicitationSeconds}`,
      }),
    ),
    max_output_chars: Type.Optional(
      Type.Integer({
        minimum: 4_000,
        maximum: 1_000_000,
        description: `Characters of a result that the model sees. Default ${mcpDefaults.maxOutputChars}`,
      }),
    ),
    optional: Type.Optional(
      Type.Boolean({ description: 'The model is not told when the server is not there. Default false' }),
    ),
  },
  closed,
)
export type McpServer = Static<typeof McpServer>

/** As it is connected to: all defaults filled in. */
export interface ResolvedMcpServer {
  readonly name: string
  readonly at:
    | {
        readonly kind: 'http'
        readonly url: string
        /** The secret that is sent as a bearer token. */
        readonly bearer: string | null
        readonly headers: Readonly<Record<string, string>>
      }
    | {
        readonly kind: 'stdio'
        readonly command: string
        readonly args: readonly string[]
        readonly env: Readonly<Record<string, string>>
        readonly workspace: string | null
        readonly network: boolean
      }
  readonly allow: readonly string[] | null
  readonly deny: readonly string[]
  readonly callMs: number
  readonly connectMs: number
  /** How long a question waits for a person. */
  readonly elicitMs: number
  readonly maxOutputChars: number
  readonly optional: boolean
}

/** Of a definition that was accepted. */
export const mcpServers = (definition: { readonly mcp_servers?: readonly McpServer[] }): readonly ResolvedMcpServer[] =>
  (definition.mcp_servers ?? []).map(resolve)

function resolve(server: McpServer): ResolvedMcpServer {
  const at: ResolvedMcpServer['at'] =
    server.command === undefined
      ? {
          kind: 'http',
          url: server.url ?? '',
          bearer: server.auth === 'bearer' ? (server.secret ?? null) : null,
          headers: server.headers ?? {},
        }
      : {
          kind: 'stdio',
          command: server.command,
          args: server.args ?? [],
          env: server.env ?? {},
          workspace: server.workspace ?? null,
          network: server.network ?? false,
        }
  return {
    name: nameOf(server),
    at,
    allow: server.tools?.allow ?? null,
    deny: server.tools?.deny ?? [],
    callMs: (server.timeout ?? mcpDefaults.timeoutSeconds) * 1_000,
    connectMs: (server.connect_timeout ?? mcpDefaults.connectSeconds) * 1_000,
    elicitMs: (server.elicitation_timeout ?? mcpDefaults.elicitationSeconds) * 1_000,
    maxOutputChars: server.max_output_chars ?? mcpDefaults.maxOutputChars,
    optional: server.optional ?? false,
  }
}

const launchers = new Set(['npx', 'node', 'bunx', 'bun', 'deno', 'uvx', 'uv', 'python', 'python3', 'pipx', 'docker'])

function nameOf({ name, url, command, args = [] }: McpServer): string {
  if (name !== undefined) return name
  if (command !== undefined) {
    const program = lastPart(command)
    const words = args.filter((arg) => !arg.startsWith('-') && arg !== 'run' && arg !== 'exec')
    return asName(launchers.has(program) ? lastPart(words[0] ?? program) : program)
  }
  const parsed = URL.canParse(url ?? '') ? new URL(url ?? '') : null
  return asName(parsed ? `${parsed.hostname}${parsed.port === '' ? '' : `-${parsed.port}`}` : 'server')
}

/** `@scope/server-files@1.2` → `server-files`; `/opt/bin/tool.js` → `tool`. */
const lastPart = (text: string): string =>
  (
    text
      .replace(/(?<=.)@[^/]*$/, '')
      .split(/[\\/]/)
      .at(-1) ?? ''
  ).replace(/\.(?:[cm]?[jt]s|py|sh|exe)$/i, '')

const asName = (text: string): string =>
  text
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/_{2,}/g, '_')
    .replace(/^[-_]+/, '')
    .slice(0, 32)
    .replace(/[-_]+$/, '') || 'server'

/** `secret:NAME` → NAME; null: the value is meant as it stands. */
export const secretIn = (value: string): string | null => (value.startsWith('secret:') ? value.slice(7) : null)

/** The names of all secrets that a definition's servers need, each once. */
export function secretsOfMcpServers(definition: { readonly mcp_servers?: readonly McpServer[] }): readonly string[] {
  const names = (definition.mcp_servers ?? []).flatMap(({ auth, secret, headers = {}, env = {} }) => [
    ...(auth === 'bearer' && secret !== undefined ? [secret] : []),
    ...[...Object.values(headers), ...Object.values(env)].flatMap((value) => secretIn(value) ?? []),
  ])
  return [...new Set(names)]
}

/** Whether it starts programs on the machine of the tool-runner. */
export const hasMcpCommand = (definition: { readonly mcp_servers?: readonly McpServer[] }): boolean =>
  (definition.mcp_servers ?? []).some(({ command }) => command !== undefined)

export interface McpProblem {
  /** Below `mcp_servers`: `[0].auth`. */
  readonly path: string
  readonly message: string
  readonly atKey: boolean
}

/** What is wrong with servers that fit the schema. */
export function mcpProblems(servers: readonly McpServer[]): readonly McpProblem[] {
  const problems: McpProblem[] = []
  const names = new Map<string, number>()
  for (const [i, server] of servers.entries()) {
    const say = (field: string, message: string, atKey = false) =>
      void problems.push({ path: `[${i}]${field === '' ? '' : `.${field}`}`, message, atKey })
    checkPlace(server, say)
    checkAuth(server, say)
    checkValues(server, say)
    const name = nameOf(server)
    const other = names.get(name)
    if (other !== undefined)
      say(
        server.name === undefined ? '' : 'name',
        `has the name "${name}", as mcp_servers[${other}] has: give each server a name of its own`,
      )
    if (name.includes('__')) say('name', `must not hold "__", which stands between a server and its tool`)
    names.set(name, names.get(name) ?? i)
  }
  return problems
}

type Say = (field: string, message: string, atKey?: boolean) => void
const onlyHttp = ['auth', 'secret', 'headers'] as const
const onlyStdio = ['args', 'env', 'workspace', 'network'] as const

function checkPlace(server: McpServer, say: Say): void {
  const { url, command } = server
  if (url === undefined && command === undefined) say('', 'needs a url, or a command')
  else if (url !== undefined && command !== undefined) say('', 'has a url and a command: leave one of them out')
  else
    for (const field of url === undefined ? onlyHttp : onlyStdio)
      if (server[field] !== undefined)
        say(field, `does not go with a ${url === undefined ? 'command' : 'url'}: leave it out`, true)
  if (url !== undefined) checkUrl(url, say)
}

function checkUrl(url: string, say: Say): void {
  if (!URL.canParse(url)) {
    say('url', `must be a URL such as https://mcp.example.com/mcp, not ${JSON.stringify(url.slice(0, 100))}`)
    return
  }
  const { protocol, username, password } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:')
    say('url', `must begin with https:// or http://, not ${protocol}//`)
  if (username !== '' || password !== '')
    say('url', 'must not hold a user or a password: use auth: bearer with a secret, or headers with secret:NAME')
}

function checkAuth({ auth, secret, headers = {} }: McpServer, say: Say): void {
  if (auth !== undefined && auth !== 'bearer')
    say(
      'auth',
      `is ${JSON.stringify(auth)}, which Reins does not know; there is: bearer (for others, use headers with secret:NAME)`,
    )
  else if (auth === 'bearer' && secret === undefined)
    say('', 'has auth: bearer and no secret: name the secret that holds the token (secret: NAME)')
  else if (auth === undefined && secret !== undefined) say('secret', 'needs auth: bearer beside it', true)
  if (auth === 'bearer' && Object.keys(headers).some((name) => name.toLowerCase() === 'authorization'))
    say('headers', 'must not hold Authorization beside auth: bearer: leave one of them out')
}

const secretName = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/

function checkValues({ headers = {}, env = {} }: McpServer, say: Say): void {
  for (const [field, values] of [
    ['headers', headers],
    ['env', env],
  ] as const)
    for (const [name, value] of Object.entries(values)) {
      const secret = secretIn(value)
      if (secret !== null && !secretName.test(secret))
        say(
          `${field}.${name}`,
          `names no secret: write secret:NAME, where NAME holds letters, digits, "_", "." and "-"`,
        )
    }
}
