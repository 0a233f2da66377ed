// How Postgres reads each list, for whoever has a Postgres: a list of few among many must not look at the many.
import { migrate, openDatabase } from '@reins/projection'
import { sql } from 'kysely'
import { listQuery } from '../src/index/session-lists.ts'
import { migrations, type Tables } from '../src/index/tables.ts'

export interface ListPlan {
  readonly name: string
  /** The kinds of its steps, outermost first. */
  readonly steps: readonly string[]
  /** Rows that were read and thrown away. */
  readonly removed: number
}

interface Step {
  readonly 'Node Type': string
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Step[]
}

const page = Buffer.from('20000.01ARZ3NDEKTSV4RRFFQ69G5FAV').toString('base64url')
const filters = {
  all: {},
  'of a status that few have': { status: 'quarantined' },
  'of an agent': { agent: 'agent-7' },
  'of a tree': { tree: 's77' },
  'of an agent and a status': { agent: 'agent-7', status: 'idle' },
}

/** Fills an empty database with `sessions` rows, and explains every list: its first page, and one in the middle. */
export async function listPlans(databaseUrl: string, sessions: number): Promise<readonly ListPlan[]> {
  const db = openDatabase<Tables>(databaseUrl)
  try {
    await migrate(db, 'memory', migrations)
    await sql`insert into sessions (id, root, status, faulted, turns, agent, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, reasoning_tokens, created_at, last_activity_at, last_seq, last_n)
      select 's' || i, 's' || i, case when i % 10000 = 7 then 'quarantined' when i % 50 = 1 then 'running' else 'idle' end,
        false, 1, 'agent-' || i % 100, 0, 0, 0, 0, 0, i, i, i, 1
      from generate_series(1, ${sessions}::int) i`.execute(db)
    await sql`analyze sessions`.execute(db)
    const plans: ListPlan[] = []
    for (const [name, filter] of Object.entries(filters))
      for (const [where, from] of [
        ['first page', {}],
        ['a deep page', { after: page }],
      ] as const) {
        const [row] = await listQuery({ ...filter, ...from, limit: 20 })(db).explain('json', sql`analyze`)
        const [{ Plan }] = (row as { 'QUERY PLAN': readonly [{ Plan: Step }] })['QUERY PLAN']
        const steps = flatten(Plan)
        plans.push({
          name: `${name}, ${where}`,
          steps: steps.map((step) => step['Node Type']),
          removed: steps.reduce((sum, step) => sum + (step['Rows Removed by Filter'] ?? 0), 0),
        })
      }
    return plans
  } finally {
    await db.destroy()
  }
}

const flatten = (step: Step): readonly Step[] => [step, ...(step.Plans ?? []).flatMap(flatten)]
