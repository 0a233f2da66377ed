// What a list may show, as a condition of its query: a page is full, whatever its reader may not see.
//   SH1. Where a table does not have what an alternative names, the alternative lets nothing in.
import type { Only } from '@reins/contracts'
import { type RawBuilder, sql } from 'kysely'

/** `columns`: of the table's session, and of its tool. */
export function shown(only: Only, columns: { readonly session: string; readonly tool?: string }): RawBuilder<boolean> {
  const alternatives = only.flatMap(({ agent, session, tool }) => {
    if (tool !== undefined && columns.tool === undefined) return [] // SH1
    const all = [
      ...(agent === undefined ? [] : [is('agent', agent)]),
      ...(session === undefined ? [] : [is(columns.session, session)]),
      ...(tool === undefined || columns.tool === undefined ? [] : [is(columns.tool, tool)]),
    ]
    return [all.length === 0 ? sql<boolean>`true` : sql<boolean>`(${sql.join(all, sql` and `)})`]
  })
  return alternatives.length === 0 ? sql<boolean>`false` : sql<boolean>`(${sql.join(alternatives, sql` or `)})`
}

const is = (column: string, value: string) => sql`${sql.ref(column)} = ${value.replaceAll('\0', '')}`
