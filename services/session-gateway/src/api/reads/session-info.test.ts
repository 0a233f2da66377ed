import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { decodeCursor, decodeFrame, parseSessionSubject, SessionInfo } from '@reins/contracts'
import { emptyInfo, foldInfo, infoOf } from '@reins/session'
import { Check } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { infoWithCursor } from './session-info.ts'

interface Journal {
  readonly id: string
  readonly frames: readonly {
    readonly seq: number
    readonly subject: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }[]
}

const folder = path.join(import.meta.dirname, '../../../../../libs/session/golden')

// The index lays the same fold out as a row, and has the same test over the same journals: the two cannot come to differ.
describe.each(readdirSync(folder))('a session of the golden journal %s', (file) => {
  const { id, frames } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Journal
  const fold = frames
    .map(({ seq, subject, headers, body }) =>
      decodeFrame({
        seq,
        role: parseSessionSubject(subject)?.role ?? 'g',
        body,
        header: (name) => headers[name] ?? '',
      }),
    )
    .reduce((info, frame) => foldInfo(info, frame), emptyInfo)
  const shown = infoWithCursor(id, fold)

  it('is shown as the index lists it, with the cursor behind its last event', () => {
    const { cursor, ...rest } = shown
    expect(rest).toEqual(infoOf(id, fold))
    expect(decodeCursor(cursor ?? '')).toMatchObject({ of: id, seq: frames.at(-1)?.seq, n: frames.length })
  })

  it('is of the schema that the API promises', () => {
    expect(Check(SessionInfo, shown)).toBe(true)
  })
})
