// A role of Postgres for each service that has tables: it owns the schema of its own name, and may nothing else.
//   DR1. None is a superuser, makes roles or databases, or reads files: whoever steals a service's password has rows that are derived, and
//        not the machine. The owner of the database, who makes the roles, is used for nothing else.
//   DR2. All of it is done again at each start, in one transaction, and changes nothing where it was done before.
//   DR3. Tables that an older Reins made in `public`, as the owner, are moved to their service's schema. What else lies there stays.
//   DR4. Postgres never sees a password: it is given the verifier that it would have made of it, which also its log may hold.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { ServiceName } from '@reins/contracts'
import pg from 'pg'

export type DatabaseService = Extract<ServiceName, 'registry' | 'memory'>
export const databaseServices: readonly DatabaseService[] = ['registry', 'memory']

export interface DatabaseRole {
  readonly service: DatabaseService
  readonly user: string
  readonly password: string
}

export const roleNameOf = (service: DatabaseService): string => `reins_${service}`

const rebuilt = (table: string): readonly string[] => [table, `${table}_rebuilt`]
const migrated = (owner: string): readonly string[] => [`${owner}_migrations`, `${owner}_migrations_lock`]

/** DR3. As they were called when they lay in `public`; this list grows no more. */
const olderTables: Readonly<Record<DatabaseService, readonly string[]>> = {
  registry: ['agents', 'agent_versions', 'agent_definitions', 'registry_checkpoint', ...migrated('registry')],
  memory: [
    ...['sessions', 'approvals', 'elicitations', 'usage'].flatMap(rebuilt),
    ...['session_index_checkpoint', 'session_rebuild_checkpoint', ...migrated('memory')],
    ...['memory_entries', 'memory_entries_checkpoint', ...migrated('memory_entries')],
    ...['memory_vectors', ...migrated('memory_vectors')],
  ],
}

const lock = 7_420_035

/** `ownerUrl`: of a superuser, whose database this is. Rejects with what Postgres says. */
export async function prepareRoles(ownerUrl: string, roles: readonly DatabaseRole[]): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000, query_timeout: 60_000 })
  client.on('error', () => {}) // the next statement says it
  await client.connect()
  try {
    // Words are searched by trigrams too where the extension can be had; only the owner may make it.
    await client.query('create extension if not exists pg_trgm with schema public').catch(() => undefined)
    await client.query('begin')
    await client.query("set local search_path = pg_catalog; set local lock_timeout = '20s'")
    await client.query('select pg_advisory_xact_lock($1)', [lock])
    const { rows } = await client.query<{ name: string }>('select current_database() as name')
    const database = pg.escapeIdentifier(rows[0]?.name ?? '')
    // What every role may do in a database that nobody has closed: connect, and make tables in `public`.
    await client.query(`revoke connect, temporary on database ${database} from public`)
    await client.query('revoke create on schema public from public')
    const others = await client.query<{ name: string }>(
      "select datname as name from pg_database where datname in ('postgres', 'template1') and datname <> current_database()",
    )
    for (const { name } of others.rows)
      await client.query(`revoke connect on database ${pg.escapeIdentifier(name)} from public`)
    for (const role of roles) {
      await prepareRole(client, role)
      await client.query(`grant connect on database ${database} to ${pg.escapeIdentifier(role.user)}`)
    }
    await client.query('commit')
  } finally {
    await client.end().catch(() => {})
  }
}

async function prepareRole(client: pg.Client, { service, user, password }: DatabaseRole): Promise<void> {
  const role = pg.escapeIdentifier(user)
  const known = await client.query<{ powers: boolean }>(
    `select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
       or exists (select from pg_auth_members where member = pg_roles.oid) as powers from pg_roles where rolname = $1`,
    [user],
  )
  if (known.rows[0]?.powers)
    throw new Error(
      `The role ${user} of Postgres may do more than a service needs (it is a superuser, makes roles or databases, or is a member of another role). ` +
        'Name another role for the service, or take these rights from it.',
    )
  const verifier = pg.escapeLiteral(scramVerifier(password))
  await client.query(`${known.rows.length === 0 ? 'create' : 'alter'} role ${role} login password ${verifier}`)
  await client.query(`create schema if not exists ${role} authorization ${role}`)
  for (const table of olderTables[service]) {
    const there = await client.query<{ moved: boolean }>(
      `select exists (select from pg_class where relname = $1 and relnamespace = to_regnamespace($2)) as moved
         from pg_class join pg_namespace on pg_namespace.oid = relnamespace
         where relname = $1 and nspname = 'public' and relkind = 'r' and relowner = (select oid from pg_roles where rolname = current_user)`,
      [table, role],
    )
    if (there.rows.length === 0) continue
    const older = `public.${pg.escapeIdentifier(table)}`
    // An older process beside this one may have made it again: its rows are derived, like all others.
    if (there.rows[0]?.moved) await client.query(`drop table ${older}`)
    else {
      await client.query(`alter table ${older} owner to ${role}`)
      await client.query(`alter table ${older} set schema ${role}`)
    }
  }
}

const iterations = 4096

/** DR4. RFC 5803, as Postgres keeps it. */
function scramVerifier(password: string): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const keyed = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`
}

/** As a service is given it. Throws an Error that names what is missing. */
export function roleIn(service: DatabaseService, url: string): DatabaseRole {
  const parsed = URL.parse(url)
  const user = decodeURIComponent(parsed?.username ?? '')
  const password = decodeURIComponent(parsed?.password ?? '')
  if (!/^postgres(ql)?:$/.test(parsed?.protocol ?? '') || user === '' || password === '')
    throw new Error(
      `The URL of the ${service} names no role with a password. Give one such as postgres://${roleNameOf(service)}:password@host:5432/database`,
    )
  return { service, user, password }
}

/** The owner's URL, as this role's. */
export function urlOfRole(ownerUrl: string, { user, password }: DatabaseRole): string {
  const url = new URL(ownerUrl)
  url.username = user
  url.password = password
  return url.href
}
