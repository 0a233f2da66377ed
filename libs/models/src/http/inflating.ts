// Bodies that come compressed although nobody asked for it: some proxies do so to every answer.
//   N1. What is packed several times is unpacked as often, the last packing first.
//   N2. Headers lie: a body that says gzip or deflate and does not begin like one is taken as it is, or as the bare form.
//   N3. What cannot be unpacked is so every time: that is no connection that broke.
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'
import { FaultError } from '../failure/failure.ts'

export interface Inflating {
  push(chunk: Uint8Array, take: (part: Uint8Array) => void, fail: (error: Error) => void): void
  /** `done` when everything has been taken. */
  end(done: () => void): void
  /** Nothing more is of use: what is still packed stays so. */
  close(): void
}

type Stream = ReturnType<typeof createGunzip | typeof createBrotliDecompress>

/** undefined: the body is what it says. */
export function inflating(encoding: string | string[] | undefined): Inflating | undefined {
  const names = (Array.isArray(encoding) ? encoding.join(',') : (encoding ?? ''))
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity')
    .slice(-mostPackings)
  if (names.length === 0 || !names.every((name) => Object.hasOwn(makers, name))) return undefined
  // N1.
  return names.reduceRight<Inflating | undefined>((outer, name) => {
    const inner = one(makers[name]!)
    return outer ? behind(outer, inner) : inner
  }, undefined)
}

const mostPackings = 3

function one(make: (first: number) => Stream | undefined): Inflating {
  let stream: Stream | undefined
  let begun = false
  let failed = false
  return {
    push(chunk, take, fail) {
      const [first] = chunk
      if (first === undefined || failed) return
      if (!begun) {
        begun = true
        stream = make(first)
        stream?.on('data', take)
        stream?.on('error', (error) => {
          failed = true
          const message = `the answer is packed in a form that cannot be read: ${error.message}`
          fail(new FaultError({ kind: 'garbled', message }))
        })
      }
      if (stream) stream.write(chunk)
      else take(chunk)
    },
    end(done) {
      if (failed || !stream) return done()
      stream.once('end', done)
      stream.once('error', done)
      stream.end()
    },
    close() {
      failed = true
      stream?.destroy()
    },
  }
}

function behind(outer: Inflating, inner: Inflating): Inflating {
  return {
    push: (chunk, take, fail) => outer.push(chunk, (part) => inner.push(part, take, fail), fail),
    end: (done) => outer.end(() => inner.end(done)),
    close() {
      outer.close()
      inner.close()
    },
  }
}

/** By the first byte (N2); undefined: as it is. */
const gzip = (first: number): Stream | undefined => (first === 0x1f ? createGunzip() : undefined)
const makers: Readonly<Record<string, (first: number) => Stream | undefined>> = {
  gzip,
  'x-gzip': gzip,
  deflate: (first) => ((first & 0x0f) === 8 ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
}
