// What lies in a folder into which a server or a service still writes: its files come and go while they are read.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export interface ReadFile {
  /** With the folder before it. */
  readonly file: string
  readonly bytes: Buffer
}

/** Each file below a folder. What is gone before it could be read is left out, and so is a link. */
export function* filesBelow(folder: string, but: (file: string) => boolean = () => false): Generator<ReadFile> {
  for (const entry of ifThere(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
    const file = path.join(folder, entry.name)
    if (but(file)) continue
    if (entry.isDirectory()) yield* filesBelow(file, but)
    if (!entry.isFile()) continue
    const bytes = ifThere(() => readFileSync(file))
    if (bytes) yield { file, bytes }
  }
}

/** The files below a folder that hold a word: as it is, or in base64 at each of the three places where it can begin. */
export function filesWith(folder: string, word: string, but?: (file: string) => boolean): readonly string[] {
  const forms = [0, 1, 2].map((at) =>
    Buffer.from(`${'x'.repeat(at)}${word}`)
      .toString('base64')
      .slice(at === 0 ? 0 : 4, -4),
  )
  return [...filesBelow(folder, but)]
    .filter(({ bytes }) => [word, ...forms].some((form) => bytes.includes(form)))
    .map(({ file }) => path.relative(folder, file))
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
