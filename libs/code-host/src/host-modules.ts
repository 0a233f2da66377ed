// A host's own modules as text, with their types stripped once for all hosts: Node would take longer to strip them than to start.
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'

export interface HostModules {
  /** What Node is given as text; it reads the rest from its first frame. */
  readonly boot: string
  /** By their path from this folder. */
  readonly modules: Readonly<Record<string, string>>
}

let read: HostModules | undefined

export function hostModules(): HostModules {
  read ??= readModules()
  return read
}

function readModules(): HostModules {
  const text = (path: string) => stripped(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8'))
  const inside = readdirSync(new URL('./host/', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => `host/${file.replaceAll('\\', '/')}`)
  const modules = Object.fromEntries(['frames.ts', ...inside].map((path) => [path, text(`./${path}`)]))
  const { 'host/boot.ts': boot = '', ...rest } = modules
  return { boot, modules: rest }
}

/** Node warns once that this function is new; nobody who runs Reins has asked. */
function stripped(source: string): string {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}
