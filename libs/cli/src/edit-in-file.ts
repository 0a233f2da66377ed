// A text in the person's own editor: written to a file that only they can read, and read back when the editor has ended.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** `editor`: a command with its arguments, as VISUAL has it. undefined: it could not be started, or ended with an error. */
export async function editInFile(editor: string, text: string, suffix: string): Promise<string | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'reins-edit-'))
  const file = path.join(folder, `call${suffix}`)
  try {
    await writeFile(file, text, { mode: 0o600 })
    // By a shell, since the variable may hold arguments; the file is an argument of its own and is read by no shell.
    const ended = new Promise<boolean>((resolve) => {
      const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
      child.once('error', () => resolve(false))
      child.once('exit', (code) => resolve(code === 0))
    })
    return (await ended) ? await readFile(file, 'utf8') : undefined
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
