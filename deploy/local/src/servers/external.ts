// Servers that exist already (NATS_URL, DATABASE_URL): what has to be true of them before Reins works with them.
//   E1. A URL is shown only through redactUrl: passwords and tokens are never printed, nor those in a driver's message.
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { leadersWithinMs, serverUrls, untilAnswered } from '@reins/broker'
import { inboxOf } from '@reins/contracts'
import pg from 'pg'
import { atLeast, parseVersion } from '../commands/version.ts'
import { MIN_NATS_VERSION } from '../nats/find-nats.ts'

export const MIN_POSTGRES_VERSION = 14

export type ServerCheck =
  /** `excess`: what its user may do, and no service needs. */
  | { readonly kind: 'ok'; readonly version: string; readonly excess?: string }
  | { readonly kind: 'failed'; readonly message: string }

/** Connects to NATS_URL (with its credentials), asks for version and JetStream, and leaves. Never rejects. */
export async function checkNats(url: string, { withinMs = 5000 }: { withinMs?: number } = {}): Promise<ServerCheck> {
  const failed = (why: string): ServerCheck => ({
    kind: 'failed',
    message: `NATS_URL=${redactUrl(url)}: ${why}`,
  })
  const targets = serverUrls(url).map((one) => parseUrl(one, 'nats://'))
  const [target] = targets
  if (target === undefined || targets.includes(undefined))
    return failed(
      'this is not a URL. A valid value is NATS_URL=nats://user:password@host:4222, or those of a cluster, separated by commas',
    )
  const user = decoded(target.username)
  const pass = decoded(target.password)
  let connection: Awaited<ReturnType<typeof connect>>
  try {
    connection = await connect({
      servers: targets.flatMap((one) => (one ? [`${one.protocol}//${one.host}`] : [])),
      reconnect: false,
      timeout: withinMs,
      inboxPrefix: inboxOf(user).own,
      ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
    })
  } catch (error) {
    return failed(
      `Reins cannot connect (${withoutSecrets(messageOf(error), url)}). Start that server, correct the URL, or unset NATS_URL and Reins starts its own.`,
    )
  }
  try {
    const version = parseVersion(connection.info?.version ?? '')
    if (version === undefined || !atLeast(version, MIN_NATS_VERSION)) {
      return failed(
        `this is nats-server ${version ?? 'of an unknown version'}, and Reins needs ${MIN_NATS_VERSION} or newer. Update it, or unset NATS_URL and Reins starts its own.`,
      )
    }
    try {
      const manager = await jetstreamManager(connection, { timeout: withinMs, checkAPI: false })
      // Without a leader a cluster does not answer.
      await untilAnswered(() => manager.getAccountInfo(), targets.length > 1 ? leadersWithinMs / 2 : 0)
    } catch (error) {
      return failed(
        `JetStream does not answer (${withoutSecrets(messageOf(error), url)}). Start the server with -js, or enable JetStream for the account of this user.`,
      )
    }
    return { kind: 'ok', version }
  } finally {
    await connection.close()
  }
}

/** Connects to DATABASE_URL, asks for version and the right to make tables, and leaves. Never rejects. */
export async function checkPostgres(
  url: string,
  { withinMs = 5000 }: { withinMs?: number } = {},
): Promise<ServerCheck> {
  const failed = (why: string): ServerCheck => ({
    kind: 'failed',
    message: `DATABASE_URL=${redactUrl(url)}: ${why}`,
  })
  const target = parseUrl(url, undefined)
  if (target === undefined || !/^postgres(ql)?:$/.test(target.protocol)) {
    return failed(
      'this is not a URL of Postgres. A valid value is DATABASE_URL=postgres://user:password@host:5432/database',
    )
  }
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: withinMs, query_timeout: withinMs })
  client.on('error', () => {}) // a connection lost between two queries fails the second one
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; writes: boolean; superuser: boolean }>(
      `select current_setting('server_version') as version, has_schema_privilege(current_schema(), 'create') as writes,
         (select rolsuper from pg_roles where rolname = current_user) as superuser`,
    )
    const version = parseVersion(rows[0]?.version ?? '') ?? '0'
    if (!atLeast(version, String(MIN_POSTGRES_VERSION))) {
      return failed(
        `this is Postgres ${version}, and Reins needs ${MIN_POSTGRES_VERSION} or newer. Update it, or unset DATABASE_URL and Reins starts its own.`,
      )
    }
    if (rows[0]?.writes !== true) {
      return failed(
        'its user may not create tables there. Grant the user CREATE on the schema, or give Reins a database of its own.',
      )
    }
    if (rows[0]?.superuser === true)
      return {
        ...{ kind: 'ok', version },
        excess:
          'its user is a superuser, who may read files and run programs on the machine of the database. ' +
          'Give the services roles of their own: reins database setup makes them (deploy/docker/README.md).',
      }
    return { kind: 'ok', version }
  } catch (error) {
    return failed(
      `Reins cannot connect (${withoutSecrets(messageOf(error), url)}). Start that server, correct the URL, or unset DATABASE_URL and Reins starts its own.`,
    )
  } finally {
    await client.end().catch(() => {})
  }
}

/** The URL, or each of a cluster, with what is secret in it replaced by `***`: a password, a token, secret-looking parameters. */
export const redactUrl = (urls: string): string => each(urls).map(redactOne).join(',')

/** A comma in a URL of Postgres separates nothing here. */
const each = (urls: string): readonly string[] => (/^postgres/i.test(urls) ? [urls] : serverUrls(urls))

function redactOne(url: string): string {
  const parsed = parseUrl(url, 'nats://')
  if (parsed === undefined) return url.includes('@') ? `***@${url.slice(url.lastIndexOf('@') + 1)}` : '***'
  const credentials =
    parsed.password !== ''
      ? `${parsed.username}:***@`
      : parsed.username === ''
        ? ''
        : parsed.protocol.startsWith('postgres')
          ? `${parsed.username}@`
          : '***@'
  const query = new URLSearchParams(parsed.search)
  for (const name of [...query.keys()]) if (/pass|token|secret|key/i.test(name)) query.set(name, '***')
  const search = query.size === 0 ? '' : `?${query.toString().replaceAll('%2A', '*')}`
  return `${parsed.protocol}//${credentials}${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}${search}`
}

// Drivers repeat what they were given: a password in a message would reach the log.
const withoutSecrets = (message: string, urls: string): string => each(urls).reduce(withoutThose, message)

function withoutThose(message: string, url: string): string {
  const parsed = parseUrl(url, 'nats://')
  if (parsed === undefined) return message.replaceAll(url, redactUrl(url))
  return secretsIn(parsed).reduce(
    (text, secret) => text.replaceAll(secret, '***'),
    message.replaceAll(url, redactUrl(url)),
  )
}

/** What is secret in an address of the settings: a password, a name that stands alone as a token does, parameters that look like one. */
export const secretsInUrls = (urls: string): readonly string[] =>
  each(urls).flatMap((url) => {
    const parsed = parseUrl(url, 'nats://')
    return parsed === undefined ? [] : secretsIn(parsed)
  })

function secretsIn({ searchParams, password, username, protocol }: URL): readonly string[] {
  const named = [...searchParams].flatMap(([name, value]) => (/pass|token|secret|key/i.test(name) ? [value] : []))
  const token = password === '' && !protocol.startsWith('postgres') ? [username] : []
  const all = [password, ...named, ...token].flatMap((secret) => [secret, decoded(secret)])
  return [...new Set(all)].filter((secret) => secret !== '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parseUrl(text: string, scheme: string | undefined): URL | undefined {
  const whole = scheme === undefined || /^[a-z]+:\/\//i.test(text) ? text : `${scheme}${text}`
  const url = URL.parse(whole)
  return url === null || url.host === '' ? undefined : url
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
