// Bodies that come compressed although nobody asked for it: some proxies do so to every answer.
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'

export interface Inflating {
  push(chunk: Uint8Array, take: (part: Uint8Array) => void, fail: (error: Error) => void): void
  /** `done` when everything has been taken. */
  end(done: () => void): void
  /** Nothing more is of use: what is still packed stays so. */
  close(): void
}

/** undefined: the body is what it says. */
export function inflating(encoding: string | string[] | undefined): Inflating | undefined {
  const make = typeof encoding === 'string' ? makers[encoding.trim().toLowerCase()] : undefined
  if (!make) return undefined
  const stream = make()
  let listening = false
  let failed = false
  return {
    push(chunk, take, fail) {
      if (!listening) {
        listening = true
        stream.on('data', take)
        stream.on('error', (error) => {
          failed = true
          fail(new Error('the compressed answer cannot be read', { cause: error }))
        })
      }
      if (!failed) stream.write(chunk)
    },
    end(done) {
      if (failed || !listening) return done()
      stream.once('end', done)
      stream.once('error', done)
      stream.end()
    },
    close() {
      failed = true
      stream.destroy()
    },
  }
}

const makers: Readonly<Record<string, () => ReturnType<typeof createGunzip | typeof createBrotliDecompress>>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
}
