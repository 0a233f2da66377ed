// `long_term_memory` of a definition: where an agent keeps what it should know in later sessions. What a schema cannot say of it stands
// here once: the registry refuses by it, and tool-runners and the gateway find the place of a memory by it.
//   LM1. Each key has a default. What was accepted resolves to one place.
//   LM2. A variable of a scope is replaced once, by what a session's start pinned: what is put in is never read again for variables.
//   LM3. A file is named inside the folder of the memory service, and no name leads out of it. A database is named by a secret, so that
//        no password stands in a definition.
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

export const memoryProviders = ['builtin', 'postgresql', 'sqlite', 'memory'] as const
export type MemoryProvider = (typeof memoryProviders)[number]

export const memoryDefaults = {
  provider: 'builtin',
  /** Of the provider sqlite. */
  file: 'memory.db',
  scope: 'user:$principal',
} as const

export const maxScopeChars = 256
export const maxKeyChars = 256

export const LongTermMemory = Type.Object(
  {
    provider: Type.Optional(
      Type.Union(
        [Type.Literal('builtin'), Type.Literal('postgresql'), Type.Literal('sqlite'), Type.Literal('memory')],
        {
          description: `builtin: Reins's own stream and database. postgresql: a database of yours. sqlite: a file of the memory service. memory: gone when the memory service restarts. Default ${memoryDefaults.provider}`,
        },
      ),
    ),
    connection: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: `Of sqlite, a file in the memory service's folder: default ${memoryDefaults.file}. Of postgresql, secret:NAME of the secret that holds its URL: no default. The others have none`,
      }),
    ),
    scope: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: maxScopeChars,
        description: `Whose memory it is, any text. $principal, $agent and $session stand for those of the session. Default ${memoryDefaults.scope}`,
      }),
    ),
  },
  { ...closed, description: 'What the agent keeps for later sessions: provider, connection, scope (docs/memory.md)' },
)
export type LongTermMemory = Static<typeof LongTermMemory>

const filePart = '[A-Za-z0-9_-][A-Za-z0-9._-]*'
const fileName = new RegExp(`^${filePart}(/${filePart}){0,7}$`)
/** SQLite writes files of these names beside a database. */
const besideFile = /-(wal|shm|journal)$/
const secretReference = /^secret:([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$/
const variable = /\$([A-Za-z_]+)/g
const variables = ['principal', 'agent', 'session'] as const

export interface MemoryProblem {
  /** Behind `long_term_memory`: `.scope` */
  readonly path: string
  readonly message: string
}

/** LM1, LM3. Of what the schema accepts. */
export function memoryProblems({ provider, connection, scope }: LongTermMemory): readonly MemoryProblem[] {
  const problems: MemoryProblem[] = []
  const kind = provider ?? memoryDefaults.provider
  const wrong = connectionProblem(kind, connection)
  if (wrong !== undefined) problems.push({ path: '.connection', message: wrong })
  const text = scope ?? memoryDefaults.scope
  const unknown = [...text.matchAll(variable)].map(([, name]) => name).find((name) => !isVariable(name))
  if (unknown !== undefined)
    problems.push({
      path: '.scope',
      message: `has the variable "$${unknown.slice(0, 40)}", which there is not; valid: ${variables.map((name) => `$${name}`).join(', ')}`,
    })
  if (isUnreadable(text)) problems.push({ path: '.scope', message: unreadable })
  return problems
}

const unreadable = 'has control characters, or is blank: give it a name that people can read'
const isUnreadable = (text: string): boolean => text.trim() === '' || /\p{Cc}/u.test(text)

function connectionProblem(provider: MemoryProvider, connection: string | undefined): string | undefined {
  switch (provider) {
    case 'builtin':
    case 'memory':
      return connection === undefined
        ? undefined
        : `is for the providers sqlite (a file) and postgresql (a secret), and the provider is ${provider}: leave it out, or set the provider`
    case 'postgresql':
      if (connection === undefined)
        return 'is missing: the provider postgresql needs the name of the secret that holds its URL, such as secret:MEMORY_URL'
      return secretReference.test(connection)
        ? undefined
        : 'must name the secret that holds the URL of the database, such as secret:MEMORY_URL (set it with reins secret set MEMORY_URL), so that no password stands in a definition'
    case 'sqlite':
      return connection === undefined || isMemoryFile(connection)
        ? undefined
        : 'must be the name of a file in the folder of the memory service, such as memory.db or team/notes.db: letters, digits, dots, underscores and hyphens, with no folder above it'
    default:
      return provider satisfies never
  }
}

/** LM3. Whether it names a database file inside of a folder. */
export const isMemoryFile = (name: string): boolean =>
  name.length <= 200 && fileName.test(name) && !besideFile.test(name)

/** What a memory is kept in, without its scope. */
export type MemoryStoreRef =
  | { readonly provider: 'builtin' | 'memory' }
  | { readonly provider: 'sqlite'; readonly file: string }
  /** `secret`: its name. */
  | { readonly provider: 'postgresql'; readonly secret: string }

export interface MemoryPlace {
  readonly store: MemoryStoreRef
  readonly scope: string
}

/** Whose session it is. `principal`: as the session's start pinned it; undefined: nobody is known, so the session is its own. */
export interface MemoryUser {
  readonly agent: string
  readonly session: string
  readonly principal: string | undefined
}

/** Of a definition that was accepted. */
export function memoryStoreOf({ provider, connection }: LongTermMemory): MemoryStoreRef {
  switch (provider ?? memoryDefaults.provider) {
    case 'sqlite':
      return { provider: 'sqlite', file: connection ?? memoryDefaults.file }
    case 'postgresql':
      return { provider: 'postgresql', secret: secretReference.exec(connection ?? '')?.[1] ?? '' }
    case 'memory':
      return { provider: 'memory' }
    default:
      return { provider: 'builtin' }
  }
}

/** LM2. */
export function memoryScopeOf({ scope }: LongTermMemory, { agent, session, principal }: MemoryUser): string {
  const values = { agent, session, principal: principal ?? `session:${session}` }
  return (scope ?? memoryDefaults.scope).replaceAll(variable, (text, name: string) =>
    isVariable(name) ? values[name] : text,
  )
}

const isVariable = (name: string | undefined): name is (typeof variables)[number] =>
  variables.some((known) => known === name)

/** As people write it: `sqlite:memory.db`, `postgresql:MEMORY_URL`, `builtin`. */
export function memoryStoreName(store: MemoryStoreRef): string {
  if (store.provider === 'sqlite') return `sqlite:${store.file}`
  return store.provider === 'postgresql' ? `postgresql:${store.secret}` : store.provider
}

/** undefined: it names none. A database of one's own is found by an agent that uses it: nothing else may name its secret. */
export function parseMemoryStore(name: string): MemoryStoreRef | undefined {
  if (name === 'builtin' || name === 'memory') return { provider: name }
  const file = name === 'sqlite' ? memoryDefaults.file : /^sqlite:(.+)$/.exec(name)?.[1]
  return file !== undefined && isMemoryFile(file) ? { provider: 'sqlite', file } : undefined
}
