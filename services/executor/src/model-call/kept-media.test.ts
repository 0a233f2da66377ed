import { expect, test } from 'vitest'
import { KeptMedia } from './kept-media.ts'

test('what was read is kept for the next call, as much as there is room for', async () => {
  const reads: string[] = []
  const media = new KeptMedia({
    get: async (session, ref) => {
      reads.push(`${session}/${ref}`)
      const bytes = Buffer.alloc(7 * 1024 * 1024)
      return {
        size: bytes.length,
        bytes: (async function* () {
          yield bytes
        })(),
      }
    },
  })
  for (let at = 0; at < 10; at++) await media.get('s', `r${at}`)
  await media.get('s', 'r9')
  expect(reads).toHaveLength(10)
  await media.get('s', 'r0')
  expect(reads.at(-1)).toBe('s/r0')
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
