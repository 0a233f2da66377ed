import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Frame, rootOf } from '@reins/contracts'
import { emptyInfo, foldInfo } from '@reins/session'
import { describe, expect, it } from 'vitest'
import { type Golden, goldenFrames } from '../../../../libs/session/test/golden.ts'
import { applyFrame, foldOf, type SessionRow } from './session-row.ts'

const folder = path.join(import.meta.dirname, '../../../../libs/session/golden')
const journals = readdirSync(folder).map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Golden)
const framesOf = ({ frames }: Golden): readonly Frame[] => goldenFrames(frames).map(({ frame }) => frame)
const rowOf = ({ id }: Golden, frames: readonly Frame[], from?: SessionRow): SessionRow | undefined =>
  frames.reduce<SessionRow | undefined>(
    (row, frame) => applyFrame(row, { session: id, root: rootOf(id) }, frame, 500),
    from,
  )

describe.each(journals.map((journal) => [journal.id, journal] as const))(
  'the row of the golden journal %s',
  (_, journal) => {
    const frames = framesOf(journal)

    it('says what whoever folds the whole journal says', () => {
      // What lists leave out has no column.
      const { last, servers: _, plan: __, ...fold } = frames.reduce((info, frame) => foldInfo(info, frame), emptyInfo)
      const row = rowOf(journal, frames)
      expect(row).toMatchObject({ id: journal.id, last_seq: last.seq, last_n: last.n })
      expect(foldOf(row!)).toMatchObject(fold)
    })

    it('goes on from where it was left, and is the same row where a frame comes again', () => {
      for (let cut = 1; cut <= frames.length; cut++) {
        const row = rowOf(journal, frames.slice(0, cut))
        expect(rowOf(journal, frames.slice(0, cut), row)).toBe(row)
        expect(rowOf(journal, frames.slice(cut), row)).toEqual(rowOf(journal, frames))
      }
    })
  },
)
