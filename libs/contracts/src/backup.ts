// The list of contents of a backup: a file format, so it is read by later versions of Reins.
import { type Static, Type } from 'typebox'

export const backupFormat = 1

const BackupFile = Type.Object({
  /** Relative to the folder. */
  file: Type.String({ pattern: '^(streams|keys)/[A-Za-z0-9_.-]{1,200}$' }),
  bytes: Type.Integer({ minimum: 0 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
})
export type BackupFile = Static<typeof BackupFile>

const Json = Type.Record(Type.String(), Type.Unknown())

const BackedUpStream = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,200}$' }),
  messages: Type.Integer({ minimum: 0 }),
  /** As the broker has it. */
  config: Json,
  state: Json,
  /** Durables, each with the sequence up to which everything was acknowledged before the stream was saved. */
  consumers: Type.Array(Type.Object({ config: Json, floor: Type.Integer({ minimum: 0 }) })),
  ...BackupFile.properties,
})
export type BackedUpStream = Static<typeof BackedUpStream>

export const BackupManifest = Type.Object({
  format: Type.Integer({ minimum: 1 }),
  /** ISO 8601. */
  madeAt: Type.String(),
  /** Of the Reins that made it. */
  version: Type.String(),
  streams: Type.Array(BackedUpStream, { minItems: 1 }),
  keys: Type.Array(BackupFile),
})
export type BackupManifest = Static<typeof BackupManifest>
