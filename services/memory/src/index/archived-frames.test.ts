import { BrokerUnavailable } from '@reins/broker'
import type { Frame } from '@reins/contracts'
import { createLog } from '@reins/telemetry'
import { expect, it } from 'vitest'
import { readArchived, withArchived } from './archived-frames.ts'
import type { StoredFrame } from './session-stream.ts'

const owner = { session: 's', root: 's' }
const frame = (seq: number, prev: number): Frame => ({
  ...{ seq, prev, id: `f${seq}`, n: seq, at: 5, by: 'x', role: 'e', needs: 1, status: 'idle', pool: 'p', hash: 'h' },
  events: [],
})
const stored = (seq: number, prev: number): StoredFrame => ({
  ...{ stream: 0, seq, previous: seq - 1, subject: 'a', owner, storedAt: 5 },
  frame: frame(seq, prev),
})
const log = [frame(0.5, 0), frame(1, 0), frame(3, 1), frame(4, 3), frame(8, 4), frame(9, 8)]
const read = async (_: string, after: number) => log.filter(({ seq }) => seq > after)
const seqs = (batch: readonly StoredFrame[]) => batch.map(({ seq }) => seq)

it('puts what lies in the archive before the frame that stood on it, and nothing twice', async () => {
  const batch = [stored(1, 0), stored(8, 4), stored(9, 8)]
  expect(seqs(await withArchived(batch, [], read))).toEqual([1, 3, 4, 8, 9])
  expect(seqs(await withArchived(batch.slice(1), [{ id: 's', last_seq: 3 }], read))).toEqual([4, 8, 9])
  expect(seqs(await withArchived(batch.slice(1), [], read))).toEqual([1, 3, 4, 8, 9])
})

it('reads nothing where nothing is missing', async () => {
  const never = async () => {
    throw new Error('nothing is read')
  }
  const batch = [stored(1, 0), stored(3, 1), stored(4, 3)]
  expect(await withArchived(batch, [], never)).toEqual(batch)
  expect(await withArchived([stored(3, 1), stored(4, 3)], [{ id: 's', last_seq: 4 }], never)).toHaveLength(2)
})

it('stops for a broker that is away, and for nothing else', async () => {
  const options = (error: Error) => ({
    sessions: { read: () => Promise.reject(error) },
    log: createLog({ level: 'silent' }),
  })
  await expect(readArchived(options(new BrokerUnavailable('x')), 's', 0)).rejects.toThrow(BrokerUnavailable)
  expect(await readArchived(options(new Error('it is gone')), 's', 0)).toEqual([])
})
