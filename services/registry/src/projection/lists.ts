// Lists, read from the projection. Everything here needs Postgres, and says so when it is away.
import { type Agent, type AgentDefinition, ReinsError } from '@reins/contracts'
import { type FollowedStream, isAway } from '@reins/projection'
import type { Database } from './tables.ts'

/** `next` is opaque: give it back as `after`. */
export interface AgentPage {
  readonly agents: readonly Agent[]
  readonly next?: string
}

// A reply is one message of at most 1 MB.
const pageBytes = 600_000
/** Of the ten seconds that whoever asks waits. */
const startsWithinMs = 7000

export class Lists {
  readonly #db: Database | undefined
  readonly #projection: FollowedStream | undefined

  constructor(db: Database | undefined, projection: FollowedStream | undefined) {
    this.#db = db
    this.#projection = projection
  }

  /** By name. `written`: the last sequence that this process has written; what it wrote is seen. `only`: of these names. */
  async agents(
    limit: number,
    after: string | undefined,
    written: number,
    only?: readonly string[],
  ): Promise<AgentPage> {
    const from = after === undefined ? '' : nameOf(after)
    return this.#read('agents', written, async (db) => {
      const rows = await db
        .selectFrom('agents')
        .innerJoin('agent_definitions', 'agent_definitions.digest', 'agents.digest')
        .selectAll('agents')
        .select('agent_definitions.definition')
        .where('deleted', '=', false)
        .where('name', '>', from)
        .$if(only !== undefined, (query) => query.where('name', 'in', ['', ...(only ?? [])]))
        .orderBy('name')
        .limit(limit + 1)
        .execute()
      const agents: Agent[] = []
      let bytes = 0
      for (const row of rows) {
        bytes += Buffer.byteLength(row.definition)
        if (agents.length === limit || (agents.length > 0 && bytes > pageBytes)) break
        agents.push({
          name: row.name,
          digest: row.digest,
          version: row.version,
          createdAt: row.created_at,
          updatedAt: row.updated_at,
          definition: JSON.parse(row.definition) as AgentDefinition, // as the registry stored it
        })
      }
      const last = agents.at(-1)
      return last && agents.length < rows.length ? { agents, next: pageAfter(last.name) } : { agents }
    })
  }

  async #read<T>(what: string, written: number, read: (db: Database) => Promise<T>): Promise<T> {
    const away = (why: string, next: string) =>
      new ReinsError(
        'unavailable',
        `${what} cannot be listed: ${why}`.replace(/^./, (c) => c.toUpperCase()),
        { next },
      )
    if (!this.#db || !this.#projection)
      throw away('no database is configured.', 'Set DATABASE_URL for the registry, or read one agent by its name.')
    // The product is ready before Postgres is: whoever asks at once is given a list all the same.
    await this.#projection.begun(startsWithinMs)
    const state = this.#projection.state()
    const waiting = 'Wait until Postgres is back; agents can still be read by name, and sessions go on.'
    if (state.kind === 'waiting') throw away(`${state.why}.`, waiting)
    if (state.kind === 'starting') throw away('the projection in Postgres is starting.', 'Repeat the request.')
    if (!(await this.#projection.waitFor(written, 2000)))
      throw away('the projection in Postgres is behind what was just written.', waiting)
    try {
      return await read(this.#db)
    } catch (error) {
      if (isAway(error)) throw away('Postgres does not answer.', waiting)
      throw error
    }
  }
}

const pageAfter = (name: string): string => Buffer.from(name).toString('base64url')
function nameOf(page: string): string {
  const name = Buffer.from(page, 'base64url').toString()
  if (page === '' || pageAfter(name) !== page || name.includes('\0'))
    throw new ReinsError(
      'invalid_request',
      '"after" does not name a page of this list: give the "next" of the page before it.',
    )
  return name
}
