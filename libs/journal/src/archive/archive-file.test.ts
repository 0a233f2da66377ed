import { gzipSync } from 'node:zlib'
import type { StoredMessage } from '@reins/broker'
import { frameHeaders, readFromHeader } from '@reins/contracts'
import { expect, it } from 'vitest'
import { decodeArchive, encodeArchive } from './archive-file.ts'

const headers: Record<string, string> = {
  [frameHeaders.frame]: 'f1',
  [frameHeaders.n]: '1',
  [frameHeaders.seal]: 'key.signature',
  [readFromHeader]: 'SES',
}
const message: StoredMessage = {
  ...{ subject: 'ses.1.r.s.e.log', seq: 7, storedAt: 1_700_000_000_000 },
  header: (name) => headers[name] ?? '',
  body: 'a body\n"with lines", and ☃',
}

it('gives back what was put in, with what the headers say', async () => {
  const [read, second, ...none] = await decodeArchive('s', await encodeArchive('s', [message, { ...message, seq: 9 }]))
  expect(none).toEqual([])
  expect([read?.seq, second?.seq]).toEqual([7, 9])
  expect(read).toMatchObject({ subject: message.subject, storedAt: message.storedAt, body: message.body })
  for (const name of [...Object.values(frameHeaders), readFromHeader])
    expect(read?.header(name)).toBe(headers[name] ?? '')
})

it('refuses the archive of another session, of another format, one that is cut, and what is none', async () => {
  const bytes = await encodeArchive('s', [message, message])
  await expect(decodeArchive('other', bytes)).rejects.toThrow(/does not hold what it says of session other/)
  await expect(decodeArchive('s', gzipSync('{"format":2}'))).rejects.toThrow(/format 2, which is unknown/)
  await expect(decodeArchive('s', gzipSync('{"format":1,"session":"s","headers":[],"messages":1}'))).rejects.toThrow(
    /does not hold/,
  )
  await expect(
    decodeArchive('s', gzipSync('{"format":1,"session":"s","headers":[],"messages":1}\n[1]')),
  ).rejects.toThrow(/a line that is no message/)
  await expect(decodeArchive('s', new Uint8Array([1, 2]))).rejects.toThrow()
})

it('unpacks no more than one text can hold', async () => {
  const packed = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  // Members of gzip follow each other: a little that unpacks to 640 MB.
  await expect(decodeArchive('s', Buffer.concat(Array<Buffer>(10).fill(packed)))).rejects.toThrow(/larger than/)
})
