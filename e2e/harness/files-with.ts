// A word is looked for in the bytes of files.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** In every file below a folder, as it is and in base64 at each of the three places where it can begin. */
export function filesWith(
  folder: string,
  word: string,
  but: (file: string) => boolean = () => false,
): readonly string[] {
  const forms = [0, 1, 2].map((at) =>
    Buffer.from(`${'x'.repeat(at)}${word}`)
      .toString('base64')
      .slice(at === 0 ? 0 : 4, -4),
  )
  const found: string[] = []
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (but(file)) continue
    try {
      if (!statSync(file).isFile()) continue
      const bytes = readFileSync(file)
      if ([word, ...forms].some((form) => bytes.includes(form))) found.push(path.relative(folder, file))
    } catch {
      // Gone meanwhile.
    }
  }
  return found
}
