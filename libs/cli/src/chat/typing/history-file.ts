// What was typed in chats on this machine: one JSON text a line, readable by its owner only. Losing it loses nothing else.
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'

export interface History {
  load(): Promise<readonly string[]>
  add(text: string): Promise<void>
}

const entriesAtMost = 1000
const bytesAtMost = 64 * 1024

/** `folder` is made at the first entry. Failures are swallowed: a full disk must not end a chat. */
export function fileHistory(folder: string): History {
  const file = path.join(folder, 'history')
  return {
    load: async () => {
      const text = await readFile(file, 'utf8').catch(() => '')
      return text
        .split('\n')
        .slice(-entriesAtMost - 1)
        .flatMap(entry)
    },
    add: async (text) => {
      const line = JSON.stringify(text)
      if (line.length > bytesAtMost) return
      await mkdir(folder, { recursive: true, mode: 0o700 })
        .then(() => appendFile(file, `${line}\n`, { mode: 0o600 }))
        .catch(() => undefined)
    },
  }
}

export const noHistory: History = { load: async () => [], add: async () => undefined }

function entry(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'string' && value !== '' ? [value] : []
  } catch {
    return []
  }
}
