// Contents of files as they came with a request: each a bundle of code, known by its digest from here on.
//   F1. What is wrong with a file is said at its place in the request; nothing of it goes further.
import { isUtf8 } from 'node:buffer'
import {
  bundleDigest,
  itemPath,
  maxBundleBytes,
  maxBundlesBytes,
  type Problem,
  quoted,
  type SentFile,
} from '@reins/contracts'

export interface Bundle {
  readonly digest: string
  readonly bytes: Uint8Array
}

export interface SentBundles {
  /** By the path that the definition names. */
  readonly bundles: ReadonlyMap<string, Bundle>
  readonly problems: readonly Problem[]
}

export function readSentFiles(files: readonly SentFile[]): SentBundles {
  const bundles = new Map<string, Bundle>()
  const problems: Problem[] = []
  let total = 0
  for (const [index, sent] of files.entries()) {
    const say = (message: string) =>
      void problems.push({ path: itemPath('files', index), message: `(${sent.file}) ${message}` })
    const bytes = bytesOf(sent, say)
    if (!bytes) continue
    total += bytes.length
    const fault = faultOf(bytes)
    if (fault !== undefined) say(fault)
    else if (bundles.has(sent.file)) say('stands twice: send each file once')
    else bundles.set(sent.file, { digest: bundleDigest(bytes), bytes })
  }
  if (total > maxBundlesBytes)
    problems.push({ path: 'files', message: `have ${total} bytes together; at most ${maxBundlesBytes} are allowed` })
  return { bundles, problems }
}

function bytesOf({ text, base64 }: SentFile, say: (message: string) => void): Uint8Array | undefined {
  if ((text === undefined) === (base64 === undefined)) say('needs its contents once: as "text" or as "base64"')
  else if (text !== undefined) return Buffer.from(text)
  else if (base64 !== undefined) {
    // Buffer reads as far as it can: what it has read must be all.
    if (/^[A-Za-z0-9+/]*={0,2}$/.test(base64) && base64.length % 4 === 0) return Buffer.from(base64, 'base64')
    say('has contents that are no base64')
  }
  return undefined
}

function faultOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'is empty'
  if (bytes.length > maxBundleBytes) return `has ${bytes.length} bytes; at most ${maxBundleBytes} are allowed`
  return isUtf8(bytes) ? undefined : 'is no text in UTF-8'
}

/** A file that nothing in the definition names was sent by mistake. */
export const unnamed = (bundles: SentBundles['bundles'], named: ReadonlySet<string>): Problem[] =>
  [...bundles.keys()]
    .filter((file) => !named.has(file))
    .map((file) => ({ path: 'files', message: `hold ${quoted(file)}, which the definition does not name` }))
