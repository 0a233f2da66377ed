// The first thing that runs in a host, given to Node as text. It reads the first frame, which brings everything else, and begins.
// Nothing that a host runs lies in a file: the hooks give modules from memory, under addresses that code can make URLs of.
import { readSync } from 'node:fs'
import { registerHooks } from 'node:module'
import type { ToHost } from '../messages.ts'

const input = 4

function readAll(bytes: number): Buffer {
  const all = Buffer.allocUnsafe(bytes)
  for (let have = 0; have < bytes; ) {
    const read = readSync(input, all, have, bytes - have, null)
    if (read === 0) process.exit(0)
    have += read
  }
  return all
}

const start: Extract<ToHost, { kind: 'start' }> = JSON.parse(readAll(readAll(4).readUInt32BE()).toString('utf8'))
const base = 'file:///reins/'
const bundleUrl = 'file:///bundle/tools.mjs'
const sources = new Map(Object.entries(start.modules).map(([path, text]) => [base + path, text]))
sources.set(bundleUrl, start.bundle.text)

registerHooks({
  resolve(specifier, context, next) {
    const relative = specifier.startsWith('.') && context.parentURL?.startsWith('file:///')
    const url = relative ? new URL(specifier, context.parentURL).href : specifier
    return sources.has(url) ? { url, format: 'module', shortCircuit: true } : next(specifier, context)
  },
  load(url, context, next) {
    const source = sources.get(url)
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true }
  },
})

try {
  process.chdir('/tmp')
} catch {
  // Without a sandbox it may not even look there.
}
const host: typeof import('./main.ts') = await import(`${base}host/main.ts`)
await host.serve(bundleUrl, start.limits)
