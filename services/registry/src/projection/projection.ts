// REG's agents and versions as rows in Postgres, for lists. Derived: drop the tables, and they are made again.
import type { JsMsg } from '@nats-io/jetstream'
import { type Broker, headersOf } from '@reins/broker'
import { jsonValue, registryKindFilter, streams } from '@reins/contracts'
import { isBelieved, isForged, parseAgent, parseVersion, sealStateOf } from '@reins/journal'
import { type FollowedStream, followStream, migrate, Unprojectable } from '@reins/projection'
import type { Log } from '@reins/telemetry'
import type { Kysely } from 'kysely'
import { type Database, migrations, projected, type Tables } from './tables.ts'

/** Runs until closed; the caller closes it before the database. */
export function runProjection(options: {
  readonly broker: Broker
  readonly db: Database
  readonly log: Log
}): FollowedStream {
  return followStream({
    ...options,
    what: 'the projection of the registry',
    stream: streams.registry,
    subjects: [registryKindFilter('agent'), registryKindFilter('version')],
    checkpoint: projected,
    prepare: (db) => migrate(db, 'registry', migrations),
    apply: (trx, message) => applyOne(options.broker, trx, message),
  })
}

async function applyOne(broker: Broker, trx: Kysely<Tables>, message: JsMsg): Promise<void> {
  const body = message.string()
  const header = headersOf(message) ?? (() => '')
  const record = { subject: message.subject, seq: message.seq, header, body }
  if (!(await isBelieved(broker, record))) {
    const state = sealStateOf(broker.seals, record)
    if (!isForged(broker.seals, { state, believed: false }, message.seq)) return // an older one, which was sealed again
    throw new Unprojectable(
      `the record ${message.seq} of ${streams.registry} (${message.subject}) has no sound seal of the registry`,
    )
  }
  const value = jsonValue(body)
  if (message.subject.startsWith(registryKindFilter('version').replace(/[*>]$/, ''))) {
    const entry = parseVersion(value)
    if (!entry) throw malformed(message)
    await trx
      .insertInto('agent_definitions')
      .values({ digest: entry.digest, definition: JSON.stringify(entry.definition) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return
  }
  const entry = parseAgent(value)
  if (!entry) throw malformed(message)
  const { name, digest, version, deleted, createdAt, updatedAt } = entry
  const state = { digest, version, deleted, created_at: createdAt, updated_at: updatedAt, seq: message.seq }
  await trx
    .insertInto('agents')
    .values({ name, ...state })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(state))
    .execute()
}

const malformed = ({ seq, subject }: JsMsg): Unprojectable =>
  new Unprojectable(`the record ${seq} of ${streams.registry} (${subject}) is malformed`)
