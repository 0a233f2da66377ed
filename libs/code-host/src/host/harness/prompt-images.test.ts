import { checkImage, imageLimits as sent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { imageBytes, imageLimits, promptImages } from './prompt-images.ts'

const headers = {
  'image/png': [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  'image/jpeg': [0xff, 0xd8, 0xff, 0xe0],
  'image/gif': [...Buffer.from('GIF89a')],
  'image/webp': [...Buffer.from('RIFF\x04\x00\x00\x00WEBP')],
}
const image = (mimeType: string, bytes: Uint8Array) => ({
  ...{ type: 'image', mimeType },
  data: Buffer.from(bytes).toString('base64'),
})
const png = (size: number) => image('image/png', Buffer.concat([Buffer.from(headers['image/png']), Buffer.alloc(size)]))

test.each(Object.entries(headers))('%s is taken by its first bytes', (mimeType, bytes) => {
  const one = image(mimeType, Uint8Array.from([...bytes, 1, 2, 3]))
  expect(promptImages([one])).toEqual([one])
  expect(imageBytes(promptImages([one]))).toBe(bytes.length + 3)
})

test.each([
  ['what is no list', { ...png(1) }, 'is a list such as'],
  ['what is no image', ['a.png'], 'images[0] of the prompt is no image'],
  ['what it does not know', [{ ...png(1), url: 'x' }], 'has "url", which is unknown'],
  ['a type that no model takes', [png(1), { ...png(1), mimeType: 'image/svg+xml' }], 'images[1] of the prompt has the'],
  ['a type that its bytes do not have', [{ ...png(1), mimeType: 'image/jpeg' }], 'its bytes are those of image/png'],
  ['bytes that are none of an image', [image('image/gif', Buffer.from('<html>'))], 'its bytes are those of none of'],
  ['a data URL', [{ ...png(1), data: `data:image/png;base64,${png(1).data}` }], 'that is no base64'],
  ['no bytes', [{ ...png(1), data: '' }], 'that is no base64'],
  ['one that is too large', [png(imageLimits.bytes)], 'at most are taken'],
  ['more bytes than a prompt has', [png(3_200_000), png(3_200_000)], 'bytes at most together'],
  ['too many', Array.from({ length: imageLimits.count + 1 }, () => png(1)), '20 at most; these are 21'],
])('%s is refused with its place and the reason', (_, given, why) => {
  expect(() => promptImages(given)).toThrow(why)
})

test('whoever sends images looks at them with the limits that the server has', async () => {
  expect(sent).toEqual({
    count: imageLimits.count,
    bytes: imageLimits.bytes,
    bytesOfMessage: imageLimits.bytesOfPrompt,
  })
  expect(checkImage('a', Buffer.from('89504e470d0a1a0a', 'hex'), [])).toEqual({ kind: 'image', mimeType: 'image/png' })
})
