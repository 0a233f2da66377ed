// The files of a sandbox in memory: as they are handed from one process to another, and packed, as they stand in a session's log.
//   VF1. The same files are packed to the same bytes: they are in the order of their paths. When a file was changed is a part of it.
import { gunzipSync, gzipSync } from 'node:zlib'
import { type Schema, virtualFilesLimits } from '@reins/contracts'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { ToolFailure } from '../calls/outcome.ts'

/** `path` is absolute in the sandbox. `content` of a file is base64, of a link what it points to. */
export const VirtualEntry = Type.Object({
  path: Type.String(),
  kind: Type.Union([Type.Literal('file'), Type.Literal('folder'), Type.Literal('link')]),
  mode: Type.Integer(),
  content: Type.Optional(Type.String()),
  /** Of a file: epoch ms. */
  mtime: Type.Optional(Type.Integer()),
})
export type VirtualEntry = Static<typeof VirtualEntry>

const entries: Schema = Type.Array(VirtualEntry)

export interface PackedFiles {
  readonly files: number
  readonly bytes: number
  readonly content: string
}

/** `mask`: of what must not be recorded. Throws ToolFailure where there is more than a session may hold. */
export function packFiles(all: readonly VirtualEntry[], mask: (text: string) => string = (text) => text): PackedFiles {
  const kept = [...all]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((entry) => (entry.kind === 'file' ? { ...entry, content: masked(entry.content ?? '', mask) } : entry))
  const bytes = kept.reduce((sum, { kind, content = '' }) => sum + (kind === 'file' ? bytesOf(content) : 0), 0)
  const { files: most, bytes: mostBytes, packedChars } = virtualFilesLimits
  if (kept.length > most) throw tooMuch(`${kept.length} files and folders`, `${most}`)
  if (bytes > mostBytes) throw tooMuch(`${bytes} bytes`, `${mostBytes} bytes`)
  const content = gzipSync(JSON.stringify(kept)).toString('base64')
  if (content.length > packedChars)
    throw tooMuch(`${content.length} characters when packed`, `${packedChars} characters when packed`)
  return { files: kept.length, bytes, content }
}

/** undefined: they are no such files. */
export function unpackFiles(content: string): readonly VirtualEntry[] | undefined {
  try {
    const most = virtualFilesLimits.bytes * 2 + virtualFilesLimits.files * 8_192
    const value: unknown = JSON.parse(
      gunzipSync(Buffer.from(content, 'base64'), { maxOutputLength: most }).toString('utf8'),
    )
    return Value.Check(entries, value) ? (value as readonly VirtualEntry[]) : undefined
  } catch {
    return undefined
  }
}

const bytesOf = (base64: string): number => Buffer.byteLength(base64, 'base64')

/** One character for each byte, so that nothing but what is masked changes. */
function masked(base64: string, mask: (text: string) => string): string {
  const text = Buffer.from(base64, 'base64').toString('latin1')
  const safe = mask(text)
  return safe === text ? base64 : Buffer.from(safe, 'latin1').toString('base64')
}

const tooMuch = (has: string, most: string): ToolFailure =>
  new ToolFailure(
    'refused',
    `nothing was changed: the sandbox would hold ${has}, and at most ${most} are kept. Remove what is not needed, or give the agent a folder: sandbox: local()`,
  )
