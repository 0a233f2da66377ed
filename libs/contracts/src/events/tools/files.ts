// files.kept: what the sandbox in memory of a session holds after a call that changed it.
import { type Static, Type } from 'typebox'
import { attempt, id } from '../fields.ts'

/** Of what one session may hold in its sandbox. `packedChars`: of one event. */
export const virtualFilesLimits = { files: 1_000, bytes: 2_097_152, packedChars: 400_000 } as const

/** `content`: all files, gzipped JSON as base64. It stands in front of the outcome of its call, in the same frame. */
export const FilesKept = Type.Object({
  call: id,
  attempt,
  files: Type.Integer({ minimum: 0, maximum: virtualFilesLimits.files }),
  bytes: Type.Integer({ minimum: 0, maximum: virtualFilesLimits.bytes }),
  content: Type.String({ maxLength: virtualFilesLimits.packedChars }),
})
export type FilesKept = Static<typeof FilesKept>

export const filesEvents = { 'files.kept': FilesKept }
