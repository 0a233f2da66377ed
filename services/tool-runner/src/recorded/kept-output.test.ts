import { createRedactor } from '@reins/secrets'
import { expect, test } from 'vitest'
import { redacted } from './kept-output.ts'

async function bytesOf(output: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of output) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('a secret in a kept output is masked, also where it straddles chunks; every other byte stays', async () => {
  const binary = Buffer.from([0, 255, 195, 40])
  async function* output() {
    yield Buffer.concat([binary, Buffer.from('key sk-very-')])
    yield Buffer.from('secret-1 end')
  }
  const kept = await bytesOf(redacted(output(), createRedactor(['sk-very-secret-1'])))
  expect(kept).toEqual(Buffer.concat([binary, Buffer.from('key [redacted] end')]))
})
