import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { KeptMedia } from './kept-media.ts'

const refOf = (bytes: Uint8Array): string => `sha256-${createHash('sha256').update(bytes).digest('hex')}`
const large = (at: number): Buffer => Buffer.alloc(7 * 1024 * 1024, at)
const refs = Array.from({ length: 10 }, (_, at) => refOf(large(at)))
const found = (bytes: Uint8Array) => ({
  size: bytes.length,
  bytes: (async function* () {
    yield bytes
  })(),
})

test('what was read is kept for the next call, as much as there is room for', async () => {
  const reads: string[] = []
  const media = new KeptMedia({
    get: async (session, ref) => {
      reads.push(`${session}/${ref}`)
      return found(large(refs.indexOf(ref)))
    },
  })
  for (const ref of refs) expect((await media.get('s', ref))?.length).toBe(large(0).length)
  await media.get('s', refs[9] ?? '')
  expect(reads).toHaveLength(10)
  await media.get('s', refs[0] ?? '')
  expect(reads.at(-1)).toBe(`s/${refs[0]}`)
})

test('what somebody has put in the place of what a reference names is not there', async () => {
  const media = new KeptMedia({ get: async () => found(Buffer.from('an image of a thief')) })
  expect(await media.get('s', refOf(Buffer.from('an image of a person')))).toBeUndefined()
  expect(await media.get('s', refOf(Buffer.from('an image of a thief')))).toBeDefined()
})

test('what is gone, too large, or cannot be read is not there, and costs nothing else', async () => {
  const media = new KeptMedia({
    get: async (_, ref) => {
      if (ref === 'away') throw new Error('the broker is away')
      return ref === 'large' ? { size: 1e9, bytes: (async function* () {})() } : undefined
    },
  })
  for (const ref of ['away', 'large', 'gone']) expect(await media.get('s', ref)).toBeUndefined()
})
