// Runs the examples of the READMEs of these libs, one after the other in this process: `node run-examples.ts NAME…`. Prints what each of
// them printed, as JSON by name, once nothing of them keeps the process.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { exampleOf } from './example.ts'

const libs = process.argv.slice(2)
const root = path.join(import.meta.dirname, '..', '..')
const codes = new Map(
  libs.map((lib) => {
    const example = exampleOf(readFileSync(path.join(root, 'libs', lib, 'README.md'), 'utf8'))
    return [pathToFileURL(path.join(root, `example-of-${lib}.ts`)).href, example?.code ?? ''] as const
  }),
)
registerHooks({
  resolve: (specifier, context, next) =>
    codes.has(specifier)
      ? { url: specifier, format: 'module-typescript', shortCircuit: true }
      : next(specifier, context),
  load(url, context, next) {
    const source = codes.get(url)
    return source === undefined ? next(url, context) : { source, format: 'module-typescript', shortCircuit: true }
  },
})

const printed: Record<string, string> = {}
const write = process.stdout.write.bind(process.stdout)
let lib = ''
process.stdout.write = (chunk: string | Uint8Array): boolean => {
  printed[lib] = (printed[lib] ?? '') + chunk
  return true
}
for (const [at, url] of [...codes.keys()].entries()) {
  lib = libs[at] ?? ''
  try {
    await import(url)
  } catch (error) {
    printed[lib] = `${printed[lib] ?? ''}${error instanceof Error ? error.stack : error}`
  }
}
process.on('exit', () => write(JSON.stringify(printed)))
