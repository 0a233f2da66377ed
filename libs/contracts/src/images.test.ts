import { expect, test } from 'vitest'
import { checkImage, imageLimits } from './images.ts'

const png = (size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return bytes
}
const webp = new TextEncoder().encode('RIFF1234WEBPVP8 ')

test.each([
  ['a picture', png(100), [], { kind: 'image', mimeType: 'image/png' }],
  ['one that is as large as may be', png(imageLimits.bytes), [], { kind: 'image', mimeType: 'image/png' }],
  ['WebP', webp, [], { kind: 'image', mimeType: 'image/webp' }],
  ['a text', new TextEncoder().encode('hello'), [], 'is no PNG, JPEG, GIF or WebP image'],
  ['nothing', new Uint8Array(), [], 'is no PNG, JPEG, GIF or WebP image'],
  ['one that is too large', png(imageLimits.bytes + 1), [], 'a.png has 3.94 MB, and an image may have 3.93 MB.'],
  ['one too many', png(9), Array.from({ length: 20 }, () => 9), 'shows 20 images at most'],
  ['one that is too much', png(3_000_000), [3_500_000], 'the images have 6.50 MB together'],
] as const)('%s is looked at before it is sent', (_, bytes, before, expected) => {
  const checked = checkImage('a.png', bytes, before)
  if (typeof expected === 'string')
    expect(checked).toMatchObject({ kind: 'wrong', message: expect.stringContaining(expected) })
  else expect(checked).toEqual(expected)
})
