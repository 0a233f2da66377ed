// The tests of a project, by the test runner of the Node that Reins runs on: the person's own may be too old for TypeScript.
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { nodeRegister } from '@reins/project'

const leftOut: ReadonlySet<string> = new Set(['node_modules', 'dist', 'workspace', '.reins', '.git'])

/** The exit code of the runner; `none`: there are no tests. Its output is this process's. */
export async function runTests(node: string, folder: string, signal: AbortSignal): Promise<number | 'none'> {
  const files = await testsIn(folder, 0)
  if (files.length === 0) return 'none'
  return new Promise((resolve, reject) => {
    const args = ['--disable-warning=ExperimentalWarning', '--disable-warning=DEP0205', '--import', nodeRegister()]
    const child = spawn(node, [...args, '--test', ...files], { stdio: 'inherit', signal, killSignal: 'SIGTERM' })
    child.on('error', (error) => (signal.aborted ? resolve(130) : reject(error)))
    child.on('close', (code) => resolve(code ?? 1))
  })
}

async function testsIn(folder: string, depth: number): Promise<readonly string[]> {
  if (depth > 8) return []
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const entry of entries) {
    const place = path.join(folder, entry.name)
    if (entry.isDirectory() && !leftOut.has(entry.name)) found.push(...(await testsIn(place, depth + 1)))
    else if (entry.isFile() && /\.test\.m?[tj]s$/.test(entry.name)) found.push(path.resolve(place))
  }
  return found.sort()
}
