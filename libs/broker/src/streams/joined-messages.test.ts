import { expect, test } from 'vitest'
import { messagesBack, writtenOn } from './joined-messages.ts'
import type { StoredMessage } from './stored-messages.ts'

const filter = 'a.s.>'

/** Number `n` of its filter, at this sequence, by a writer who stood on `prev`. */
const message = (n: number, seq: number, prev: number, subject = 'a.s.b'): StoredMessage => {
  const said: Record<string, string> = {
    n: `${n}`,
    'Nats-Expected-Last-Subject-Sequence': `${prev}`,
    'Nats-Expected-Last-Subject-Sequence-Subject': filter,
  }
  return { subject, seq, storedAt: 0, header: (name) => said[name] ?? '', body: '' }
}

const log = [message(1, 1000, 0), message(2, 3000, 1000), message(3, 5000, 3000), message(4, 9000, 5000)]

async function back(
  stored: readonly StoredMessage[],
  options: { after?: number; limit?: number; unsure?: boolean } = {},
) {
  const asked: number[] = []
  const { after = 0, limit = Number.POSITIVE_INFINITY, unsure = false } = options
  const numberOf = (one: StoredMessage) => Number(one.header('n'))
  const found = await messagesBack({ filter, last: stored.at(-1)!, after, limit, numberOf, unsure }, async (seq) => {
    asked.push(seq)
    return stored.find((one) => one.seq === seq)
  })
  return { found: found?.map(({ seq }) => seq), asked }
}

test('messages are read back from the last one, each by its sequence, and given in order', async () => {
  expect(await back(log)).toEqual({ found: [1000, 3000, 5000, 9000], asked: [5000, 3000, 1000] })
  expect(await back(log, { after: 1000 })).toEqual({ found: [3000, 5000, 9000], asked: [5000, 3000] })
})

test('of those that are wanted, the first ones are given', async () => {
  expect((await back(log, { limit: 2 })).found).toEqual([1000, 3000])
  expect((await back(log, { after: 1000, limit: 1 })).found).toEqual([3000])
})

test('nothing is given where one of them is not there, is of another filter, or is not the one before', async () => {
  expect((await back(log.toSpliced(1, 1))).found).toBeUndefined()
  expect((await back(log.with(1, message(2, 3000, 1000, 'a.t.b')))).found).toBeUndefined()
  expect((await back(log.with(1, message(1, 3000, 1000)))).found).toBeUndefined()
  expect((await back(log, { after: 2000 })).found).toBeUndefined()
})

test('who asks for more than it is worth is given nothing', async () => {
  const close = [message(1, 1, 0), message(2, 2, 1), message(3, 3, 2), message(4, 4, 3)]
  expect(await back(close)).toEqual({ found: undefined, asked: [3, 2] })
})

test('a writer that has not said on what it stood, or has said it of another filter, is not followed', () => {
  expect(writtenOn(log[1]!, filter)).toBe(1000)
  expect(writtenOn(log[1]!, 'a.>')).toBeUndefined()
  expect(writtenOn({ ...log[1]!, header: () => '' }, filter)).toBeUndefined()
})

test('where nobody knows how many there are, it is given up behind those that lie together', async () => {
  const turn = Array.from({ length: 20 }, (_, i) => message(i + 3, 100_000 + i, i === 0 ? 50_000 : 99_999 + i))
  const close = [message(1, 1, 0), message(2, 50_000, 1), ...turn]
  expect((await back(close)).found).toHaveLength(22)
  expect((await back(close, { unsure: true })).asked).toHaveLength(9)
  const apart = [message(1, 1, 0), ...turn.slice(0, 4).map(({ seq }, i) => message(i + 2, seq, i === 0 ? 1 : seq - 1))]
  expect((await back(apart, { unsure: true })).found).toHaveLength(5)
})
