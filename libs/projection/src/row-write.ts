// Rows that are written over those of the same id, as a part of a statement. They go to the server as one JSON text: the statement is
// the same for any number of them.
import { type RawBuilder, sql } from 'kysely'

export interface RowWrite {
  readonly table: string
  /** All with the same columns, `id` among them; no two with the same id. Columns that are left out become null. */
  readonly rows: readonly object[]
}

/** `name as (…)`: writes the rows where the part `condition` of the same statement has a row. */
export function writeFrom(name: string, condition: string, { table, rows }: RowWrite): RawBuilder<unknown> {
  const columns = Object.keys(rows[0] ?? {}).map((column) => sql.ref(column))
  const others = Object.keys(rows[0] ?? {}).filter((column) => column !== 'id')
  const set = others.map((column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`)
  return sql`${sql.ref(name)} as (insert into ${sql.table(table)} (${sql.join(columns)})
    select ${sql.join(columns)} from ${sql.ref(condition)},
      jsonb_populate_recordset(null::${sql.table(table)}, ${jsonOf(rows)}::jsonb)
    on conflict (id) do update set ${sql.join(set)})`
}

/** Postgres takes no NUL and no half of a character in a text. */
export function jsonOf(rows: readonly object[]): string {
  const json = JSON.stringify(rows)
  if (!/\\u(?:0000|d[89a-f])/i.test(json)) return json
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value,
  )
}
