import { createHash } from 'node:crypto'
import { fieldsOf, jsonValue, objectInfoSubject } from '@reins/contracts'
import { expect, test } from 'vitest'
import type { Broker } from '../connection/broker.ts'
import { ComparedPieces, ObjectGone, objectBytes, storedObject } from './stored-objects.ts'

const whole = { nuid: 'N1', chunks: 2, size: 6, digest: digestOf('abcdef') }

function digestOf(text: string): string {
  return `SHA-256=${createHash('sha256').update(text).digest('base64url')}=`
}

/** A broker whose leader of the store holds this description, and these pieces at 1, 2 and so on. */
function brokerWith(description: unknown, pieces: readonly string[]) {
  const asked: number[] = []
  const broker = {
    request: async (_subject: string, body: string) => {
      const { last_by_subj, seq } = fieldsOf(jsonValue(body))
      const at = Number(seq)
      if (last_by_subj === undefined) asked.push(at)
      const data =
        last_by_subj === undefined
          ? pieces[at - 1]
          : last_by_subj === objectInfoSubject('s', 'o') &&
            (typeof description === 'string' ? description : JSON.stringify(description))
      const answer =
        typeof data === 'string'
          ? { message: { subject: 'a', seq: at || 9, time: '', data: Buffer.from(data).toString('base64') } }
          : { error: { code: 404, err_code: 10037 } }
      return { kind: 'reply', msg: { string: () => JSON.stringify(answer) } }
    },
  } as unknown as Broker
  return { broker, asked }
}

async function read(description: unknown, pieces: readonly string[], mostBytes = 100): Promise<string | undefined> {
  const bytes = await objectBytes(brokerWith(description, pieces).broker, 's', 'o', { mostBytes })
  return bytes && Buffer.from(bytes).toString()
}

test('an object is read piece by piece, and nothing of it before it is asked for', async () => {
  const { broker, asked } = brokerWith(whole, ['abc', 'def'])
  const found = await storedObject(broker, 's', 'o', { mostBytes: 6 })
  expect(found).toMatchObject({ size: 6, digest: createHash('sha256').update('abcdef').digest('hex') })
  expect(asked).toEqual([])
  for await (const piece of found?.bytes ?? []) {
    expect(Buffer.from(piece).toString()).toBe('abc')
    break
  }
  expect(asked).toEqual([1])
  expect(await read(whole, ['abc', 'def'])).toBe('abcdef')
  expect(await read({ ...whole, chunks: 0, size: 0, digest: digestOf('') }, [])).toBe('')
})

test('other bytes than the description says are an error: changed, more, fewer, or none in a piece', async () => {
  for (const pieces of [
    ['abc', 'deX'],
    ['abc', 'defg'],
    ['abc', 'de'],
    ['', 'abcdef'],
  ])
    await expect(read(whole, pieces)).rejects.toThrow('o in s is damaged')
})

test('whoever reads a part reads bytes of the digest too, and the whole is read for that once', async () => {
  const known = new ComparedPieces()
  const begin = async (pieces: readonly string[], description: unknown = whole) => {
    const { broker, asked } = brokerWith(description, pieces)
    const found = await storedObject(broker, 's', 'o', { mostBytes: 6, known })
    for await (const piece of found?.compared ?? []) return { piece: Buffer.from(piece).toString(), asked }
    return undefined
  }
  await expect(begin(['abc', 'deX'])).rejects.toThrow('o in s is damaged')
  expect(await begin(['abc', 'def'])).toEqual({ piece: 'abc', asked: [1, 2, 1] })
  expect(await begin(['abc', 'def'])).toEqual({ piece: 'abc', asked: [1] })
  // The same bytes elsewhere are compared anew, and said of others they are damaged.
  expect(await begin(['ab', 'cdef'], { ...whole, nuid: 'N2' })).toEqual({ piece: 'ab', asked: [1, 2, 1] })
  await expect(begin(['ABC', 'DEF'], { ...whole, nuid: 'N3' })).rejects.toThrow('o in s is damaged')
})

test('an object of which a piece is missing is no object, and who reads it piece by piece is told', async () => {
  expect(await read(whole, ['abc'])).toBeUndefined()
  const found = await storedObject(brokerWith(whole, ['abc']).broker, 's', 'o', { mostBytes: 6 })
  const reading = (async () => {
    for await (const _ of found?.bytes ?? []);
  })()
  await expect(reading).rejects.toThrow(ObjectGone)
})

test('an object that is larger than is taken is not read', async () => {
  const { broker, asked } = brokerWith(whole, ['abc', 'def'])
  await expect(objectBytes(broker, 's', 'o', { mostBytes: 5 })).rejects.toThrow('more than the 5 that are taken')
  expect(asked).toEqual([])
})

test('a description that is none describes nothing', async () => {
  for (const description of [
    ...['', 'no json', '7', '[]', 'null', '{}'],
    ...[
      { ...whole, deleted: true },
      { ...whole, nuid: 'a.*' },
      { ...whole, nuid: '>' },
      { ...whole, nuid: 7 },
    ],
    ...[
      { ...whole, chunks: -1 },
      { ...whole, chunks: '2' },
      { ...whole, size: 1.5 },
      { ...whole, size: 1e300 },
    ],
    ...[
      { ...whole, digest: 'SHA-1=x' },
      { ...whole, digest: undefined },
      { ...whole, options: { link: { bucket: 'b' } } },
    ],
  ])
    expect(await read(description, ['abc', 'def'])).toBeUndefined()
})
