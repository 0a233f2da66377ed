import { expect, test } from 'vitest'
import { keepImages } from './keep-images.ts'

const image = (size: number) => ({
  ...{ type: 'image' as const, mimeType: 'image/png' },
  data: Buffer.alloc(size, 7).toString('base64'),
})

function store(answers: readonly (string | Error | undefined)[] = []) {
  const put: [string, number][] = []
  return {
    put: async (session: string, bytes: AsyncIterable<Uint8Array> | Uint8Array) => {
      const answer = put.length < answers.length ? answers[put.length] : 'sha256-1'
      put.push([session, (bytes as Uint8Array).length])
      if (answer instanceof Error) throw answer
      return { ref: answer, dropped: 0 }
    },
    asked: put,
  }
}

test('small images stand in the frame, as far as it has room; the others are kept for the session that is prompted', async () => {
  const outputs = store()
  const small = image(4096)
  const kept = await keepImages(outputs, 's-1', [small, image(4097), ...Array.from({ length: 6 }, () => small)])
  const ref = (bytes: number) => ({ type: 'image', mimeType: 'image/png', ref: 'sha256-1', bytes })
  expect(kept).toEqual([small, ref(4097), small, small, small, small, ref(4096), ref(4096)])
  expect(outputs.asked).toEqual([
    ['s-1', 4097],
    ['s-1', 4096],
    ['s-1', 4096],
  ])
})

test('a store that is away for a moment is asked again', async () => {
  const outputs = store([new Error('away')])
  expect(await keepImages(outputs, 's-1', [image(5000)])).toMatchObject([{ ref: 'sha256-1' }])
  expect(outputs.asked).toHaveLength(2)
})

test('a session that keeps as much as it may is told', async () => {
  await expect(keepImages(store([undefined]), 's-1', [image(5000)])).rejects.toThrow('prompt another session')
})
