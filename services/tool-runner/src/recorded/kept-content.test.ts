import { expect, test } from 'vitest'
import { keptContent } from './kept-content.ts'

const image = (bytes: number, more = {}) => ({
  ...{ type: 'image' as const, mimeType: 'image/png', data: Buffer.alloc(bytes, 7).toString('base64') },
  ...more,
})
function store(room = Number.POSITIVE_INFINITY) {
  const kept: number[] = []
  const keep = async (bytes: Uint8Array) => {
    kept.push(bytes.length)
    return { ref: room > 0 ? `sha256-${kept.length}` : undefined, dropped: room > 0 ? 0 : bytes.length }
  }
  return { kept, keep }
}

test('small media stand in the frame, larger ones are kept by reference', async () => {
  const { kept, keep } = store()
  const text = { type: 'text' as const, text: 'x' }
  expect(await keptContent([text, image(300), image(50_000)], keep)).toEqual([
    text,
    image(300),
    { type: 'image', mimeType: 'image/png', ref: 'sha256-1', bytes: 50_000 },
  ])
  expect(kept).toEqual([50_000])
})

test('many small ones are kept too: a frame stays small', async () => {
  const blocks = await keptContent(
    Array.from({ length: 40 }, () => image(3000)),
    store().keep,
  )
  expect(JSON.stringify(blocks).length).toBeLessThan(64 * 1024)
  expect(blocks.filter((block) => 'ref' in block).length).toBeGreaterThan(20)
})

test.each([
  ['no base64', image(1, { data: 'not base64!' }), 'it is no base64'],
  ['nothing at all', image(1, { data: '' }), 'it is no base64'],
  ['more than any provider takes', image(9 * 1024 * 1024), 'it is larger than 8 MiB'],
  ['of no type', image(1, { mimeType: 'png"><x' }), 'its type is none'],
])('what is %s becomes a text that says so', async (_, block, why) => {
  expect(await keptContent([block], store().keep)).toEqual([{ type: 'text', text: expect.stringContaining(why) }])
})

test('types are written as all take them', async () => {
  const [block] = await keptContent([image(3, { mimeType: 'IMAGE/PNG; charset=x' })], store().keep)
  expect(block).toMatchObject({ mimeType: 'image/png' })
})

test('what there is no room for is told', async () => {
  const [block] = await keptContent([image(50_000)], store(0).keep)
  expect(block).toMatchObject({ type: 'text', text: expect.stringContaining('keeps as much as it may') })
})

test('more parts than a frame takes are left out, and counted', async () => {
  const texts = Array.from({ length: 70 }, () => ({ type: 'text' as const, text: 'x' }))
  expect((await keptContent(texts, store().keep)).at(-1)).toEqual({
    type: 'text',
    text: '[6 more parts of this result are left out]',
  })
})
