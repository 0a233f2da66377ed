// Rows of the index written over those of the same id.
import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'

export async function upsert<Table extends keyof Tables>(
  trx: Transaction<Tables>,
  table: Table,
  rows: readonly Tables[Table][],
): Promise<void> {
  const [first] = rows
  if (!first) return
  const columns = Object.keys(first).filter((column) => column !== 'id')
  // Each table has an id; which table it is matters to no column that is named here.
  const inserted = (trx as unknown as Transaction<Pick<Tables, 'sessions'>>)
    .insertInto(table as 'sessions')
    .values(rows as unknown as readonly Tables['sessions'][])
  await inserted
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) =>
          Object.fromEntries(columns.map((column) => [column, eb.ref(`excluded.${column}` as 'excluded.id')])),
        ),
    )
    .execute()
}
